#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/error.hpp>
#include <credpool/credential/credential.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// How closely a session stays with one credential.
enum class Affinity {
  none,  ///< not at all
  soft,  ///< another one may serve a request while its own cannot
  hard,  ///< no other one ever: refused while its own cannot serve
};

/// What a caller wants to borrow a credential for.
struct LeaseRequest {
  std::string provider = {};             ///< empty: any provider
  std::string model = {};                ///< as the provider spells it; empty: not told
  std::vector<std::string> scopes = {};  ///< all of them are needed
  std::string session = {};  ///< one conversation, for its prompt cache; empty: no session
  Affinity affinity = Affinity::soft;
  /// The one credential to use, or an error: a profile id, an id (at least 8 digits), or
  /// "<id>@<profile>" with a CLI, provider, model or id before the "@". Empty: no pin.
  std::string pin = {};
  std::vector<CredentialId> tried = {};  ///< have failed this very request already
  std::uint32_t prompt_tokens = 0;       ///< 0: not known
  /// How long to wait when nobody can serve now. It is not waited at all when it is known to be
  /// pointless: when no rest ends within that time, or when only a person can help.
  Duration hold{};
  /// Who asks, where several share the pool. While the leases that admission allows are too few, no
  /// client gets more than its share: all of them, divided by the clients of the same provider.
  /// Empty: nobody in particular, to whom no share applies.
  std::string client = {};
};

/// Whether a request was refused because no credential can serve it now, for whatever reason.
inline bool nobody_can_serve(const Error& error) noexcept {
  return error.errc() == Errc::no_credential || error.errc() == Errc::overloaded;
}

}  // namespace credpool::inline CREDPOOL_ABI
