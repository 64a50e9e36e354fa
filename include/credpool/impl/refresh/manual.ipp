#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/manual.hpp>

#include <credpool/impl/refresh/asked_secret.hpp>

#include <string>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<Secret> manual_token(const LoginProvider& login, Interaction& interaction) {
  const auto check = [&](std::string_view text) -> Result<Secret> {
    const auto token = detail::trimmed_secret(text);
    if (is_safe_token(token)) return Secret{token};
    return fail(Errc::malformed, "checking the token for " + std::string{login.name}, {},
                "a token is one word of printable characters");
  };
  return detail::asked_secret(interaction, "Token of " + std::string{login.name} + ": ", check);
}

}  // namespace credpool::inline CREDPOOL_ABI
