#pragma once
// SPDX-License-Identifier: MIT

// A login whose access token is a JWT, as Cursor and Droid keep it. Internal: included by .ipp
// files only.

#include <credpool/credential/jwt.hpp>
#include <credpool/impl/source/store_entry.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The access token itself tells when it ends and whose it is.
inline Credential jwt_login(const StoreEntry& entry, const LoginTokens& tokens) {
  const auto claims = read_jwt(tokens.access.value_or(""));
  auto credential = login_entry(entry, tokens, claims ? claims->subject : std::string{});
  set_expiry(credential, claims ? claims->expires_at : std::nullopt);
  if (claims) credential.account = claims->email;
  return credential;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
