#pragma once
// SPDX-License-Identifier: MIT
// Opt-in: needs libsodium and libcrypt

#include <credpool/account/password.hpp>

#include <cstddef>

namespace credpool::inline CREDPOOL_ABI {

/// Argon2id (RFC 9106) for all new passwords; bcrypt hashes ("$2a$", "$2b$", "$2y$") of an imported
/// database are verified too, and are not current.
///
/// @thread_safety safe; one call takes its memory (64 MiB by default) while it runs
class Argon2PasswordHasher final : public PasswordHasher {
 public:
  /// What one hash costs.
  struct Cost {
    unsigned long long passes = 2;
    std::size_t memory_bytes = 64 << 20;
  };

  /// libsodium's "interactive" cost.
  Argon2PasswordHasher() = default;
  explicit Argon2PasswordHasher(Cost cost) noexcept : cost_{cost} {}

  Result<std::string> hash(std::string_view password) override;
  bool verify(const std::string& hash, std::string_view password) override;
  bool is_current(const std::string& hash) override;

 private:
  Cost cost_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/argon2_password.ipp>
#endif
