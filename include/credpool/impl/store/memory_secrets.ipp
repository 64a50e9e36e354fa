#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/memory_secrets.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<void> MemorySecrets::put(const SecretRecord& record) {
  if (auto fit = check_record(record); !fit) return fit;
  records_.insert_or_assign(record.profile_id, record);
  return {};
}

CREDPOOL_INLINE Result<SecretRecord> MemorySecrets::get(std::string_view profile_id) const {
  const auto found = records_.find(profile_id);
  if (found == records_.end())
    return fail(Errc::not_found, "reading a secret of our own", std::string{profile_id});
  return found->second;
}

CREDPOOL_INLINE Result<std::vector<SecretRecord>> MemorySecrets::list() const {
  std::vector<SecretRecord> listed;
  listed.reserve(records_.size());
  for (const auto& [profile_id, record] : records_) {
    listed.push_back(record);
    listed.back().secret = {};
  }
  return listed;
}

CREDPOOL_INLINE Result<void> MemorySecrets::erase(std::string_view profile_id) {
  const auto found = records_.find(profile_id);
  if (found == records_.end())
    return fail(Errc::not_found, "erasing a secret of our own", std::string{profile_id});
  records_.erase(found);
  return {};
}

}  // namespace credpool::inline CREDPOOL_ABI
