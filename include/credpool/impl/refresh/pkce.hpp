#pragma once
// SPDX-License-Identifier: MIT

// Proof Key for Code Exchange (RFC 7636) and what else of a login must not be guessed. Internal.

#include <credpool/core/encoding.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>

#include <openssl/rand.h>

#include <array>
#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// 256 random bits as base64url.
/// @errors io when the system has no randomness to give
inline Result<std::string> oauth_random() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return fail(Errc::io, "asking the system for random bytes");
  return encode_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

struct Pkce {
  std::string verifier;
  std::string challenge;  ///< of the method S256
};

/// @errors those of oauth_random()
inline Result<Pkce> make_pkce() {
  auto verifier = oauth_random();
  if (!verifier) return fail(verifier.error());
  const auto digest = sha256(*verifier);
  auto challenge = encode_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
  return Pkce{std::move(*verifier), std::move(challenge)};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
