#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs libsodium. Not under the umbrella header.

#include <credpool/core/secret.hpp>
#include <credpool/store/state_directory.hpp>

#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Seals access tokens for the hosts that share a key file.
///
/// The key is the one of SealedFile: `$CREDPOOL_KEY_FILE`, or the file `key` of the state
/// directory. It is never made here: every host must have the same one. The seal
/// (XChaCha20-Poly1305) is bound to the family and to the token's end, so that neither can be
/// swapped by who can write to the shared store.
///
/// @thread_safety safe
class TokenSeal {
 public:
  TokenSeal(StateDirectory directory, Environment environment);

  /// @param family whose token it is
  /// @return ASCII text: a mark of the key, and the sealed token; no secret
  /// @errors configuration when there is no key; those of reading it
  Result<std::string> seal(std::string_view family, const Secret& token,
                           TimePoint expires_at) const;

  /// @errors configuration when there is no key, or it was sealed with another one; malformed when
  ///         it was changed since, or belongs to another family or time; those of reading the key
  Result<Secret> unseal(std::string_view family, std::string_view sealed,
                        TimePoint expires_at) const;

 private:
  StateDirectory directory_;
  Environment environment_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/token_seal.ipp>
#endif
