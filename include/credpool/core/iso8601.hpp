#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Formats as UTC, "2026-01-31T22:56:40Z"; milliseconds are written only when they are not zero.
std::string format_iso8601(TimePoint when);

/// Reads an RFC 3339 date and time: any number of fraction digits (cut to milliseconds), "Z" or an
/// offset, 'T' or a blank, years 0000 to 9999.
/// @return none when the text has another form or names no real date
std::optional<TimePoint> parse_iso8601(std::string_view text) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/iso8601.ipp>
#endif
