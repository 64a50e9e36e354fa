#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/argon2_password.hpp>

#include <credpool/core/secret.hpp>

#include <crypt.h>
#include <sodium.h>

#include <memory>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline bool is_bcrypt_hash(std::string_view hash) noexcept {
  return hash.size() == 60 &&
         (hash.starts_with("$2a$") || hash.starts_with("$2b$") || hash.starts_with("$2y$"));
}

inline bool bcrypt_verifies(const std::string& hash, std::string_view password) {
  std::string text{password};  // it has to end in NUL
  const auto scratch = std::make_unique<crypt_data>();
  const char* made =
      ::crypt_rn(text.c_str(), hash.c_str(), scratch.get(), static_cast<int>(sizeof(crypt_data)));
  const bool same = made != nullptr && equal_in_constant_time(made, hash);
  wipe(text.data(), text.size());
  wipe(scratch.get(), sizeof(crypt_data));
  return same;
}

}  // namespace detail

CREDPOOL_INLINE Result<std::string> Argon2PasswordHasher::hash(std::string_view password) {
  char text[crypto_pwhash_STRBYTES] = {};
  if (sodium_init() < 0 ||
      crypto_pwhash_str_alg(text, password.data(), password.size(), cost_.passes,
                            cost_.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
    return fail(Errc::io, "hashing a password", {}, "there is not enough memory for it");
  return std::string{text};
}

CREDPOOL_INLINE bool Argon2PasswordHasher::verify(const std::string& hash,
                                                  std::string_view password) {
  if (detail::is_bcrypt_hash(hash)) return detail::bcrypt_verifies(hash, password);
  return hash.size() < crypto_pwhash_STRBYTES && sodium_init() >= 0 &&
         crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

CREDPOOL_INLINE bool Argon2PasswordHasher::is_current(const std::string& hash) {
  return hash.size() < crypto_pwhash_STRBYTES && hash.starts_with("$argon2id$") &&
         sodium_init() >= 0 &&
         crypto_pwhash_str_needs_rehash(hash.c_str(), cost_.passes, cost_.memory_bytes) == 0;
}

}  // namespace credpool::inline CREDPOOL_ABI
