#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/keys.hpp>

#include <credpool/core/hash.hpp>
#include <credpool/impl/account/random_uuid.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline bool is_key_hex(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace detail

CREDPOOL_INLINE Result<std::string> new_uuid() {
  return detail::account_random_bytes(16).transform(detail::uuid_of_bytes);
}

CREDPOOL_INLINE Result<Secret> new_management_key() {
  return new_uuid().transform([](std::string uuid) {
    auto text = "sk-mgmt-" + uuid;
    Secret key{text};
    wipe(uuid.data(), uuid.size());
    wipe(text.data(), text.size());
    return key;
  });
}

CREDPOOL_INLINE Result<Secret> new_provisioned_key() {
  return detail::account_random_bytes(16).transform([](std::string bytes) {
    auto text = "sk-prov-" + to_hex(bytes);
    Secret key{text};
    wipe(bytes.data(), bytes.size());
    wipe(text.data(), text.size());
    return key;
  });
}

CREDPOOL_INLINE bool is_management_key(std::string_view text) noexcept {
  if (text.size() != 44 || !text.starts_with("sk-mgmt-")) return false;
  text.remove_prefix(8);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !detail::is_key_hex(text[i])) return false;
  }
  return true;
}

CREDPOOL_INLINE bool is_provisioned_key(std::string_view text) noexcept {
  if (text.size() != 40 || !text.starts_with("sk-prov-")) return false;
  text.remove_prefix(8);
  return std::all_of(text.begin(), text.end(), detail::is_key_hex);
}

CREDPOOL_INLINE std::string key_digest(std::string_view key) {
  return to_hex(sha256(key));
}

CREDPOOL_INLINE std::string key_name_of(std::string_view digest) {
  return std::string{digest.substr(0, 16)};
}

}  // namespace credpool::inline CREDPOOL_ABI
