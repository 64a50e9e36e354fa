#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/validation/retry_hint.hpp>

#include <credpool/core/iso8601.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/impl/core/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr double hint_century_seconds = 100.0 * 365 * 86400;

inline std::string_view hint_trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

inline std::string hint_lower(std::string_view text) {
  std::string lower{text};
  for (auto& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

/// A number at the front of `text`, which is removed; none when there is none.
inline std::optional<double> hint_take_number(std::string_view& text) noexcept {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

inline std::optional<Duration> hint_seconds(double seconds) noexcept {
  if (!(seconds >= 0 && seconds <= hint_century_seconds)) return std::nullopt;
  return Duration{static_cast<Duration::rep>(std::ceil(seconds * 1000.0))};
}

inline std::optional<std::chrono::month> hint_month(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return std::chrono::month{static_cast<unsigned>(found - names.begin()) + 1};
}

inline std::optional<int> hint_integer(std::string_view text) noexcept {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

/// The words of a text, cut at blanks, commas, colons and hyphens; at most eight.
inline std::array<std::string_view, 8> hint_words(std::string_view text) noexcept {
  std::array<std::string_view, 8> words{};
  std::size_t count = 0;
  while (!text.empty() && count < words.size()) {
    const auto start = text.find_first_not_of(" ,:-");
    if (start == std::string_view::npos) break;
    text.remove_prefix(start);
    const auto size = std::min(text.find_first_of(" ,:-"), text.size());
    words[count++] = text.substr(0, size);
    text.remove_prefix(size);
  }
  return words;
}

inline std::optional<TimePoint> hint_moment(std::optional<int> year, std::string_view month_name,
                                            std::optional<int> day, std::optional<int> hour,
                                            std::optional<int> minute,
                                            std::optional<int> second) noexcept {
  const auto month = hint_month(month_name);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60 || *year < 1970 || *year > 9999)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, *month,
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return TimePoint{std::chrono::sys_days{date}} + std::chrono::hours{*hour} +
         std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

/// What the fields of a body and the reset headers say, apart from Retry-After.
struct HintFields {
  std::optional<TimePoint> body;
  std::optional<TimePoint> headers;
  std::optional<TimePoint> message;
};

inline void hint_latest(std::optional<TimePoint>& best, std::optional<TimePoint> candidate) {
  if (candidate && (!best || *candidate > *best)) best = candidate;
}

inline std::optional<TimePoint> hint_from_value(const Json& value, TimePoint now, bool relative) {
  if (const auto number = number_of(value)) {
    if (relative || (*number >= 0 && *number < 1e8)) {
      const auto wait = hint_seconds(*number);
      return wait ? std::optional{now + *wait} : std::nullopt;
    }
    return time_from_epoch(*number);
  }
  if (value.is_string()) return parse_reset(value.get_ref<const std::string&>(), now);
  return std::nullopt;
}

/// A member that tells when to come back. `relative`: a number in it counts seconds from now.
struct HintMember {
  std::string_view name;
  bool relative;
};

inline constexpr std::array hint_members{
    HintMember{"resets_at", false},
    HintMember{"resetsAt", false},
    HintMember{"reset_at", false},
    HintMember{"resetAt", false},
    HintMember{"reset_time", false},
    HintMember{"resetTime", false},
    HintMember{"quotaResetTimeStamp", false},
    HintMember{"resets_in_seconds", true},
    HintMember{"reset_after_seconds", true},
    HintMember{"reset_in", true},
    HintMember{"resetIn", true},
    HintMember{"retry_after", true},
    HintMember{"retryAfter", true},
    HintMember{"retry_after_seconds", true},
    HintMember{"retryDelay", true},
    HintMember{"quotaResetDelay", true},
    HintMember{"X-RateLimit-Reset", false},  // OpenRouter: error.metadata.headers
};

/// Collects the latest moment named anywhere in the error part of a body.
inline void hint_from_json(const Json& value, TimePoint now, int depth,
                           std::optional<TimePoint>& best) {
  if (depth == 0) return;
  if (value.is_array()) {
    for (const auto& element : value) hint_from_json(element, now, depth - 1, best);
    return;
  }
  if (!value.is_object()) return;
  for (const auto& known : hint_members)
    if (const auto* found = member(value, known.name))
      hint_latest(best, hint_from_value(*found, now, known.relative));
  for (const auto& [name, inner] : value.items())
    if (inner.is_structured()) hint_from_json(inner, now, depth - 1, best);
}

/// "Please try again in 20s", "reset after 2h3m4s": the last resort.
inline std::optional<TimePoint> hint_from_text(std::string_view text, TimePoint now) {
  const auto lower = hint_lower(text.substr(0, 4096));
  for (const std::string_view lead : {"try again in ", "retry in ", "reset after ", "resets in "}) {
    const auto at = lower.find(lead);
    if (at == std::string::npos) continue;
    const auto rest = std::string_view{lower}.substr(at + lead.size());
    auto word = rest.substr(0, std::min(rest.find_first_of(" ,;\"\n"), rest.size()));
    while (!word.empty() && word.back() == '.') word.remove_suffix(1);
    auto wait = parse_wait(word);
    if (!wait) continue;
    const bool bare = word.find_first_not_of("0123456789.") == std::string_view::npos;
    if (bare) {  // "in 5 minutes"
      const auto unit = hint_trim(rest.substr(word.size()));
      if (unit.starts_with("minute"))
        *wait *= 60;
      else if (unit.starts_with("hour"))
        *wait *= 3600;
      else if (unit.starts_with("day"))
        *wait *= 86400;
      else if (unit.starts_with("m"))
        continue;  // milliseconds, months: not worth guessing
    }
    return now + *wait;
  }
  return std::nullopt;
}

/// The reset headers: of the exhausted ones the latest, else of all the earliest.
inline std::optional<TimePoint> hint_from_headers(const Response& response, TimePoint now) {
  std::optional<TimePoint> exhausted;
  std::optional<TimePoint> earliest;
  for (const auto& header : response.headers) {
    const auto name = hint_lower(header.name);
    const auto reset = name.find("reset");
    if (name.find("ratelimit") == std::string::npos || reset == std::string::npos) continue;
    const auto when = parse_reset(header.value, now);
    if (!when) continue;
    auto sibling = name;
    sibling.replace(reset, 5, "remaining");
    const auto remaining = response.header(sibling);
    if (remaining && hint_trim(*remaining) == "0") hint_latest(exhausted, when);
    if (!earliest || *when < *earliest) earliest = when;
  }
  return exhausted ? exhausted : earliest;
}

inline HintFields hint_fields(const Response& response, TimePoint now) {
  HintFields fields;
  fields.headers = hint_from_headers(response, now);
  if (response.body.find_first_not_of(" \t\r\n") == std::string::npos) return fields;
  const auto document = parse_json(response.body);
  if (!document) return fields;
  constexpr int depth = 8;
  hint_from_json(*document, now, depth, fields.body);
  fields.message = hint_from_text(response.body, now);
  return fields;
}

inline std::optional<TimePoint> hint_retry_after(const Response& response, TimePoint now) {
  if (const auto text = response.header("retry-after-ms"))
    if (const auto milliseconds = hint_integer(hint_trim(*text)))
      return now + Duration{*milliseconds};
  if (const auto text = response.header("retry-after")) return parse_retry_after(*text, now);
  return std::nullopt;
}

inline std::optional<TimePoint> hint_clamped(std::optional<TimePoint> when, TimePoint now,
                                             Duration longest) {
  if (!when) return std::nullopt;
  return std::clamp(*when, now, now + longest);
}

}  // namespace detail

CREDPOOL_INLINE std::optional<TimePoint> parse_http_date(std::string_view text,
                                                         TimePoint now) noexcept {
  using detail::hint_integer;
  text = detail::hint_trim(text);
  if (text.size() > 40) return std::nullopt;
  const auto w = detail::hint_words(text);
  if (w[7] == "GMT" && w[3].size() == 2) {  // Sunday, 06-Nov-94 08:49:37 GMT
    auto year = hint_integer(w[3]);
    if (!year) return std::nullopt;
    const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
    const int current = static_cast<int>(today.year());
    int full = current - current % 100 + *year;
    if (full > current + 50) full -= 100;
    return detail::hint_moment(full, w[2], hint_integer(w[1]), hint_integer(w[4]),
                               hint_integer(w[5]), hint_integer(w[6]));
  }
  if (w[7] == "GMT" && w[3].size() == 4)  // Sun, 06 Nov 1994 08:49:37 GMT
    return detail::hint_moment(hint_integer(w[3]), w[2], hint_integer(w[1]), hint_integer(w[4]),
                               hint_integer(w[5]), hint_integer(w[6]));
  if (w[7].empty() && w[6].size() == 4)  // Sun Nov  6 08:49:37 1994
    return detail::hint_moment(hint_integer(w[6]), w[1], hint_integer(w[2]), hint_integer(w[3]),
                               hint_integer(w[4]), hint_integer(w[5]));
  return std::nullopt;
}

CREDPOOL_INLINE std::optional<TimePoint> parse_retry_after(std::string_view text,
                                                           TimePoint now) noexcept {
  text = detail::hint_trim(text);
  auto rest = text;
  if (const auto seconds = detail::hint_take_number(rest); seconds && rest.empty()) {
    // Longer than any honest answer is still "come back late", not garbage.
    return now + detail::hint_seconds(std::min(*seconds, detail::hint_century_seconds))
                     .value_or(Duration{0});
  }
  return parse_http_date(text, now);
}

CREDPOOL_INLINE std::optional<Duration> parse_wait(std::string_view text) noexcept {
  text = detail::hint_trim(text);
  if (text.empty()) return std::nullopt;
  double seconds = 0;
  for (bool first = true; !text.empty(); first = false) {
    const auto number = detail::hint_take_number(text);
    if (!number) return std::nullopt;
    if (text.empty()) {
      if (!first) return std::nullopt;
      return detail::hint_seconds(*number);
    }
    if (text.starts_with("ms")) {
      seconds += *number / 1000.0;
      text.remove_prefix(2);
      continue;
    }
    switch (text.front()) {
      case 'd':
        seconds += *number * 86400;
        break;
      case 'h':
        seconds += *number * 3600;
        break;
      case 'm':
        seconds += *number * 60;
        break;
      case 's':
        seconds += *number;
        break;
      default:
        return std::nullopt;
    }
    text.remove_prefix(1);
  }
  return detail::hint_seconds(seconds);
}

CREDPOOL_INLINE std::optional<TimePoint> parse_reset(std::string_view text,
                                                     TimePoint now) noexcept {
  text = detail::hint_trim(text);
  if (const auto moment = parse_iso8601(text)) return moment;
  auto rest = text;
  constexpr double longest_relative = 1e8;  // three years: nobody means the year 1973
  if (const auto number = detail::hint_take_number(rest);
      number && rest.empty() && *number >= longest_relative)
    return time_from_epoch(*number);
  const auto wait = parse_wait(text);
  return wait ? std::optional{now + *wait} : std::nullopt;
}

CREDPOOL_INLINE std::optional<TimePoint> retry_hint(const Response& response, TimePoint now,
                                                    Duration longest) {
  auto when = detail::hint_retry_after(response, now);
  if (!when) {
    const auto fields = detail::hint_fields(response, now);
    when = fields.body ? fields.body : fields.headers ? fields.headers : fields.message;
  }
  return detail::hint_clamped(when, now, longest);
}

CREDPOOL_INLINE std::optional<TimePoint> reset_hint(const Response& response, TimePoint now,
                                                    Duration longest) {
  const auto fields = detail::hint_fields(response, now);
  auto when = fields.body ? fields.body : fields.headers;
  if (!when) when = detail::hint_retry_after(response, now);
  if (!when) when = fields.message;
  return detail::hint_clamped(when, now, longest);
}

}  // namespace credpool::inline CREDPOOL_ABI
