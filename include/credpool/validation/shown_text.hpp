#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>

#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Text of a server, made fit to be shown to a person or written to a log.
///
/// One line of valid UTF-8 without control characters, terminal escape sequences or direction
/// overrides. Every run of eight or more characters that also stands in one of the credential's
/// secrets becomes "***": servers do echo keys, whole or in part.
///
/// @param max_bytes the result is cut to this length, at a character's border
/// @effects none (pure)
std::string shown_text(std::string_view text, const Credential& credential,
                       std::size_t max_bytes = 200);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/validation/shown_text.ipp>
#endif
