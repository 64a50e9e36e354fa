#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// An e-mail address in the one form in which accounts are looked up: lower case.
///
/// Takes what people use: a dot-atom, "@", and a domain name of at least two labels in ASCII (RFC
/// 5321, sections 2.3.5 and 4.1.2; at most 64 bytes before the "@" and 254 in all). No quoted local
/// parts, comments or address literals.
/// @return none for anything else
std::optional<std::string> normal_email(std::string_view text);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/email.ipp>
#endif
