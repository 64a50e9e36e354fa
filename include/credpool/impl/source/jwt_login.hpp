#pragma once
// SPDX-License-Identifier: MIT

// The login that Cursor's agent and Cursor's application keep, each in its own store.
// Internal: included by .ipp files only.

#include <credpool/credential/jwt.hpp>
#include <credpool/impl/source/store_entry.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The access token is a JWT, which tells when it ends and whose it is.
inline Credential cursor_login(const StoreEntry& entry, const LoginTokens& tokens) {
  const auto claims = read_jwt(tokens.access.value_or(""));
  auto credential = login_entry(entry, tokens, claims ? claims->subject : std::string{});
  set_expiry(credential, claims ? claims->expires_at : std::nullopt);
  if (claims) credential.account = claims->email;
  return credential;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
