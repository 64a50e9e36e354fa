#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>
#include <credpool/transport/message.hpp>

#include <optional>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// No hint reaches further than this unless the caller allows it: a provider that says "in 30
/// years" is wrong, and a day later it can be asked again.
inline constexpr Duration longest_wait = std::chrono::hours{24};

/// When an answer says that trying again makes sense.
///
/// In this order: Retry-After (and retry-after-ms); the provider's fields in a JSON body
/// (resets_at, reset_at, resetTime, retry_after, RetryInfo.retryDelay, quotaResetDelay ...); the
/// reset headers (x-ratelimit-reset-*, ratelimit-reset, anthropic-ratelimit-*-reset), of those the
/// latest whose remaining count is 0, else the earliest; last a "try again in 20s" in the message.
///
/// @param now     the wall clock
/// @param longest how far ahead a hint may lie; a later one is cut to it
/// @return a time from `now` to `now + longest`; `now` itself for a time that has passed; none
///         when nothing was told or it cannot be read
/// @source RFC 9110 section 10.2.3; RateLimit header fields draft; the providers' own documents
std::optional<TimePoint> retry_hint(const Response& response, TimePoint now,
                                    Duration longest = longest_wait);

/// When the window that an answer speaks of ends: as retry_hint(), but what names a reset in the
/// body or a header goes before Retry-After, since a window outlasts the first retry.
std::optional<TimePoint> reset_hint(const Response& response, TimePoint now, Duration longest);

/// Reads the value of a Retry-After header: seconds, or a date in any of HTTP's three forms.
/// @return the moment, unclamped; none when the text is neither
std::optional<TimePoint> parse_retry_after(std::string_view text, TimePoint now) noexcept;

/// Reads an HTTP date: IMF-fixdate, RFC 850 or asctime form (RFC 9110 section 5.6.7).
/// @param now decides the century of a two-digit year
std::optional<TimePoint> parse_http_date(std::string_view text, TimePoint now) noexcept;

/// Reads a length of time as providers write it: "20ms", "6m0s", "3.5s", "1h2m", or plain seconds.
/// @return none when the text has another form or is longer than 100 years
std::optional<Duration> parse_wait(std::string_view text) noexcept;

/// Reads a moment as providers write it: ISO 8601, seconds or milliseconds since the epoch, or a
/// length of time from now (numbers below 10^8 and texts of parse_wait()).
std::optional<TimePoint> parse_reset(std::string_view text, TimePoint now) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/validation/retry_hint.ipp>
#endif
