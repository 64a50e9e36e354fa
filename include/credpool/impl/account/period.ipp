#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/period.hpp>
#include <credpool/core/file.hpp>
#include <credpool/impl/account/time_zone.hpp>

#include <cstdio>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// A relative path without "." and ".."; the words of the database, such as
/// "America/Port-au-Prince".
inline bool is_zone_name(std::string_view name) noexcept {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '/' && name.back() != '/' &&
         std::ranges::all_of(name, fits);
}

inline std::string date_text(std::chrono::sys_days date) {
  const std::chrono::year_month_day parts{date};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(parts.year()),
                static_cast<unsigned>(parts.month()), static_cast<unsigned>(parts.day()));
  return text.data();
}

}  // namespace detail

CREDPOOL_INLINE Result<LedgerCalendar> LedgerCalendar::open(std::string_view zone,
                                                            const Environment& environment,
                                                            const std::filesystem::path& database) {
  LedgerCalendar calendar;
  if (zone == "UTC") return calendar;
  const auto unknown = [&] {
    return fail(Errc::configuration, "choosing the ledger's time zone", "time zone",
                "it must be UTC or a name of the IANA database, such as Europe/Berlin (and tzdata "
                "must be installed)");
  };
  if (!detail::is_zone_name(zone)) return unknown();
  const auto path = database / zone;
  const auto file = read_file(path, environment, {64 * 1024, true, false});
  if (!file) {
    const auto code = file.error().errc();
    // A directory of the database is no zone.
    if (code == Errc::not_found || code == Errc::unsafe_file) return unknown();
    return fail(file.error());
  }
  auto read = detail::TimeZone::read(file->bytes.reveal());
  if (!read) {
    auto error = std::move(read).error();
    error.place = path.string();
    return fail(std::move(error));
  }
  calendar.name_ = zone;
  calendar.zone_ = std::make_shared<const detail::TimeZone>(*std::move(read));
  return calendar;
}

CREDPOOL_INLINE TimePoint LedgerCalendar::begin_of(std::chrono::sys_days date) const {
  if (!zone_) return date;
  // Read as if it were UTC; the first moment of it is at most 26 hours away.
  const detail::ZoneSeconds local = date;
  constexpr std::chrono::hours reach{26};
  const auto segments = zone_->between(local - reach, local + reach);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto first = std::max(segments[i].from, local - segments[i].offset);
    if (i + 1 == segments.size() || first < segments[i + 1].from) return first;
  }
  return local;
}

CREDPOOL_INLINE std::chrono::sys_days LedgerCalendar::date(TimePoint now) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  if (!zone_) return std::chrono::floor<std::chrono::days>(seconds);
  auto date = std::chrono::floor<std::chrono::days>(seconds + zone_->offset_at(seconds)) +
              std::chrono::days{1};
  while (begin_of(date) > now) date -= std::chrono::days{1};
  return date;
}

CREDPOOL_INLINE LimitPeriod LedgerCalendar::period(LimitReset reset, TimePoint now) const {
  using namespace std::chrono;
  if (reset == LimitReset::never) return {};
  auto first = date(now);
  auto next = first + days{1};
  if (reset == LimitReset::weekly) {
    first -= weekday{first} - Monday;
    next = first + days{7};
  } else if (reset == LimitReset::monthly) {
    const year_month_day parts{first};
    first = parts.year() / parts.month() / 1;
    next = sys_days{(parts.year() / parts.month() + months{1}) / 1};
  }
  return {begin_of(first), begin_of(next), detail::date_text(first)};
}

CREDPOOL_INLINE std::string LedgerCalendar::day(TimePoint now) const {
  return detail::date_text(date(now));
}

}  // namespace credpool::inline CREDPOOL_ABI
