#pragma once
// SPDX-License-Identifier: MIT

// AES-256-GCM for stores that are encrypted with it. Internal: included by .ipp files only.

#include <credpool/core/secret.hpp>

#include <optional>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Decrypts and authenticates (NIST SP 800-38D).
///
/// @param key 32 bytes; `iv` 1 to 128 bytes; `tag` 16 bytes
/// @return none when a size is wrong, or the key, the tag or the text is not the right one
///
/// A body of its own: OpenSSL finds the cipher by name, which links and starts all of OpenSSL, so a
/// program that is to start at once may bring another one.
std::optional<Secret> decrypt_aes_256_gcm(std::string_view key, std::string_view iv,
                                          std::string_view tag, std::string_view ciphertext);

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/aes_gcm.ipp>
#endif
