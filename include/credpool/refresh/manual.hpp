#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/interaction.hpp>
#include <credpool/refresh/login_providers.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// Asks for a token that the person has already: at most three times.
///
/// @return a token that may stand in a header, to be validated and then kept in the sealed store
/// @errors cancelled; malformed when nothing that was entered can be a token
Result<Secret> manual_token(const LoginProvider& login, Interaction& interaction);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/manual.ipp>
#endif
