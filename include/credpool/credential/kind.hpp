#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What sort of thing a credential is.
enum class Kind {
  api_key,  ///< a key that lives until it is revoked
  oauth,    ///< an access token, usually with a refresh token
  token,    ///< a bearer token that cannot be refreshed (setup token, personal access token)
  command,  ///< a command that would print a key; never run during discovery
};

/// Who may spend the refresh token.
enum class Ownership {
  borrow,  ///< its CLI; we only read and watch the store
  co_own,  ///< the CLI and we, each under the CLI's own lock
  adopt,   ///< we alone: no other live copy exists
};

/// How a credential stands. The words are those of the history document.
enum class Status {
  active,
  expiring,  ///< still works, but its CLI would refresh it by now
  expired,
  invalid,      ///< cannot be used; the reason says why
  revoked,      ///< the provider says that it is no longer good
  needs_login,  ///< only a person can make it work again
  disabled,     ///< switched off by the user
};

std::string_view to_string(Kind kind) noexcept;
std::string_view to_string(Ownership ownership) noexcept;
std::string_view to_string(Status status) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/credential/kind.ipp>
#endif
