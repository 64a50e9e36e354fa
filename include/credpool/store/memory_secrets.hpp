#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/secret_store.hpp>

#include <map>

namespace credpool::inline CREDPOOL_ABI {

/// Secrets that live as long as the object: for tests and for programs that bring their own keys.
class MemorySecrets {
 public:
  Result<void> put(const SecretRecord& record);
  Result<SecretRecord> get(std::string_view profile_id) const;
  Result<std::vector<SecretRecord>> list() const;
  Result<void> erase(std::string_view profile_id);
  std::string location() const { return "memory"; }

 private:
  std::map<std::string, SecretRecord, std::less<>> records_;
};
static_assert(SecretStore<MemorySecrets>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/memory_secrets.ipp>
#endif
