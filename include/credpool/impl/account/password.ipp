#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/password.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/impl/account/random_uuid.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view password_fault(std::string_view password) noexcept {
  if (!is_valid_utf8(password)) return "a password must be valid UTF-8 without NUL";
  const auto characters =
      std::count_if(password.begin(), password.end(), [](char c) { return (c & 0xc0) != 0x80; });
  if (characters < 8) return "a password must have at least 8 characters";
  if (characters > 128) return "a password must have at most 128 characters";
  const auto has = [&](char first, char last) {
    return std::any_of(password.begin(), password.end(),
                       [&](char c) { return c >= first && c <= last; });
  };
  if (!has('A', 'Z')) return "a password must have a capital letter";
  if (!has('0', '9')) return "a password must have a digit";
  return {};
}

namespace detail {
inline constexpr std::string_view salted_digest_mark = "$digest$";

inline std::string salted_digest(std::string_view salt, std::string_view password) {
  return std::string{salted_digest_mark} + std::string{salt} + '$' +
         to_hex(sha256_of_parts({salt, password}));
}
}  // namespace detail

CREDPOOL_INLINE Result<std::string> SaltedDigestHasher::hash(std::string_view password) {
  return detail::account_random_bytes(16).transform(
      [&](const std::string& salt) { return detail::salted_digest(to_hex(salt), password); });
}

CREDPOOL_INLINE bool SaltedDigestHasher::verify(const std::string& hash,
                                                std::string_view password) {
  if (!is_current(hash)) return false;
  const auto salt = std::string_view{hash}.substr(detail::salted_digest_mark.size(), 32);
  return equal_in_constant_time(detail::salted_digest(salt, password), hash);
}

CREDPOOL_INLINE bool SaltedDigestHasher::is_current(const std::string& hash) {
  return hash.starts_with(detail::salted_digest_mark) && hash.size() == 8 + 32 + 1 + 64;
}

}  // namespace credpool::inline CREDPOOL_ABI
