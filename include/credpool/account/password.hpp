#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>

#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Why a text may not be a password, for a person; empty when it may: 8 to 128 characters (UTF-8
/// code points) with a capital letter (A to Z) and a digit.
std::string_view password_fault(std::string_view password) noexcept;

/// How passwords are kept. Argon2PasswordHasher is the one for real accounts.
///
/// @thread_safety safe; slow by design
class PasswordHasher {
 public:
  virtual ~PasswordHasher() = default;

  /// A salted hash that says how it was made.
  /// @errors io when there is no memory or no random bytes for it
  virtual Result<std::string> hash(std::string_view password) = 0;
  /// Whether the password is the one; false for a hash that cannot be read.
  virtual bool verify(const std::string& hash, std::string_view password) = 0;
  /// Whether it was made the way hash() makes them; others are replaced at the next login.
  virtual bool is_current(const std::string& hash) = 0;
};

/// One salted SHA-256: no protection of passwords against guessing, only against being read at a
/// glance. For a mock without real people and for tests; needs no other library.
class SaltedDigestHasher final : public PasswordHasher {
 public:
  Result<std::string> hash(std::string_view password) override;
  bool verify(const std::string& hash, std::string_view password) override;
  bool is_current(const std::string& hash) override;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/password.ipp>
#endif
