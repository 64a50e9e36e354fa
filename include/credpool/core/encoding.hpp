#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Decodes base64 or base64url text, padded or not (RFC 4648, sections 4 and 5). Bits of the last
/// character that belong to no byte are not looked at, as section 3.5 allows.
/// @return the bytes; none when the text holds another character, has an impossible length or is
///         padded by half
std::optional<std::string> decode_base64(std::string_view text);

/// Encodes as base64url without padding (RFC 4648, section 5).
std::string encode_base64url(std::string_view bytes);

/// Decodes hexadecimal text, either case.
/// @return the bytes; none for an odd length or another character
std::optional<std::string> decode_hex(std::string_view text);

/// Whether the text is valid UTF-8 without NUL.
bool is_valid_utf8(std::string_view text) noexcept;

/// Whether a token may stand in an HTTP header: printable ASCII without blanks, 1 to 16384 bytes.
bool is_safe_token(std::string_view token) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/encoding.ipp>
#endif
