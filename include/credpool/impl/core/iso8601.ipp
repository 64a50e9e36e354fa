#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/iso8601.hpp>

#include <array>
#include <cstdio>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string format_iso8601(TimePoint when) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{when - day};
  std::array<char, 64> text{};
  const auto milliseconds = static_cast<int>(time.subseconds().count());
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  std::string result{text.data()};
  if (milliseconds != 0) {
    std::snprintf(text.data(), text.size(), ".%03d", milliseconds);
    result += text.data();
  }
  return result + "Z";
}

namespace detail {

/// Reads exactly `count` digits from the front of `text` and removes them; -1 when they are not
/// there.
inline int take_digits(std::string_view& text, int count) noexcept {
  if (text.size() < static_cast<std::size_t>(count)) return -1;
  int value = 0;
  for (int i = 0; i < count; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(static_cast<std::size_t>(count));
  return value;
}

inline bool take_char(std::string_view& text, char wanted) noexcept {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace detail

CREDPOOL_INLINE std::optional<TimePoint> parse_iso8601(std::string_view text) noexcept {
  using namespace std::chrono;
  const int y = detail::take_digits(text, 4);
  if (y < 0 || !detail::take_char(text, '-')) return std::nullopt;
  const int mo = detail::take_digits(text, 2);
  if (mo < 0 || !detail::take_char(text, '-')) return std::nullopt;
  const int d = detail::take_digits(text, 2);
  if (d < 0) return std::nullopt;
  if (!detail::take_char(text, 'T') && !detail::take_char(text, 't') &&
      !detail::take_char(text, ' '))
    return std::nullopt;
  const int h = detail::take_digits(text, 2);
  if (h < 0 || h > 23 || !detail::take_char(text, ':')) return std::nullopt;
  const int mi = detail::take_digits(text, 2);
  if (mi < 0 || mi > 59 || !detail::take_char(text, ':')) return std::nullopt;
  const int s = detail::take_digits(text, 2);
  if (s < 0 || s > 60) return std::nullopt;  // 60 is a leap second

  int millis = 0;
  if (detail::take_char(text, '.')) {
    int digits = 0;
    int scale = 100;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      millis += (text.front() - '0') * scale;
      scale /= 10;
      ++digits;
      text.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
  }

  minutes offset{0};
  if (!detail::take_char(text, 'Z') && !detail::take_char(text, 'z')) {
    const bool west = !text.empty() && text.front() == '-';
    if (!west && (text.empty() || text.front() != '+')) return std::nullopt;
    text.remove_prefix(1);
    const int oh = detail::take_digits(text, 2);
    if (oh < 0 || oh > 23 || !detail::take_char(text, ':')) return std::nullopt;
    const int om = detail::take_digits(text, 2);
    if (om < 0 || om > 59) return std::nullopt;
    offset = (west ? -1 : 1) * (hours{oh} + minutes{om});
  }
  if (!text.empty()) return std::nullopt;

  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)},
                            day{static_cast<unsigned>(d)}};
  if (!date.ok()) return std::nullopt;
  return TimePoint{sys_days{date}} + hours{h} + minutes{mi} + seconds{s} + milliseconds{millis} -
         offset;
}

}  // namespace credpool::inline CREDPOOL_ABI
