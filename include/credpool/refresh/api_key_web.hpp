#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/interaction.hpp>
#include <credpool/refresh/login_providers.hpp>
#include <credpool/refresh/login_world.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Checks that a text has the shape of a key of that provider: printable without blanks, of a
/// sensible length, and with the prefix that this provider's keys have.
///
/// Whether the key works only the provider knows: the caller validates it.
/// @return the key without blanks around it
/// @errors malformed, which says what is wrong and never quotes the text
Result<Secret> check_api_key(const LoginProvider& login, std::string_view text);

/// Shows the page where the provider makes keys, and asks for one: at most three times.
///
/// @return a key of the right shape, to be validated and then kept in the sealed store
/// @errors unsupported when that provider has no key page that we know; cancelled; malformed when
///         nothing that was entered can be a key
Result<Secret> api_key_web(const LoginProvider& login, const LoginWorld& world,
                           Interaction& interaction);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/api_key_web.ipp>
#endif
