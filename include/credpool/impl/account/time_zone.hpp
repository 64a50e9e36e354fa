#pragma once
// SPDX-License-Identifier: MIT

// Offsets of a time zone from its compiled file. Internal: included by .ipp files and tests only.
//
// Read here and not by the C library: that keeps one zone for the whole process in the environment
// and in static data, which threads cannot change safely.
// @source RFC 8536 (TZif); POSIX.1-2017, Base Definitions 8.3, variable TZ, and the extensions of
//         RFC 8536, section 3.3.1

#include <credpool/core/result.hpp>
#include <credpool/core/time.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

using ZoneSeconds = std::chrono::sys_seconds;

/// From that moment on local time is UTC plus offset.
struct ZoneSegment {
  ZoneSeconds from;
  std::chrono::seconds offset{};
};

/// A day of each year on which clocks are set: "M3.2.0/2", "J60" or "59".
struct ZoneSwitch {
  enum class Kind { month_week_day, day_without_leap, day_with_leap };
  Kind kind = Kind::month_week_day;
  int month = 0, week = 0, day = 0;
  std::chrono::seconds time{7200};  ///< local, may be negative or beyond a day

  /// The local time of the switch in that year.
  ZoneSeconds in(std::chrono::year year) const {
    using namespace std::chrono;
    if (kind == Kind::month_week_day) {
      const weekday wanted{static_cast<unsigned>(day)};
      const year_month on{year, std::chrono::month{static_cast<unsigned>(month)}};
      const sys_days date = week == 5 ? sys_days{on / wanted[last]}
                                      : sys_days{on / wanted[static_cast<unsigned>(week)]};
      return date + time;
    }
    auto days_before = day;
    if (kind == Kind::day_without_leap && (!year.is_leap() || day < 60)) --days_before;
    return sys_days{year / January / 1} + days{days_before} + time;
  }
};

/// The part of each year in which clocks show another time.
struct ZoneSummer {
  std::chrono::seconds offset{};
  ZoneSwitch begins, ends;
};

/// What a file's footer says of the time after its last switch.
struct ZoneRule {
  std::chrono::seconds standard{};
  std::optional<ZoneSummer> summer;
};

/// Reads a footer such as "CET-1CEST,M3.5.0,M10.5.0/3".
class ZoneRuleReader {
 public:
  explicit ZoneRuleReader(std::string_view text) : text_{text} {}

  std::optional<ZoneRule> read() {
    ZoneRule rule;
    name();
    rule.standard = -time();
    if (good_ && !text_.empty()) {
      ZoneSummer summer;
      name();
      summer.offset = text_.starts_with(',') ? rule.standard + std::chrono::hours{1} : -time();
      summer.begins = day();
      summer.ends = day();
      rule.summer = summer;
    }
    return good_ && text_.empty() ? std::optional{rule} : std::nullopt;
  }

 private:
  bool take(char wanted) {
    if (!text_.starts_with(wanted)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void require(bool fit) { good_ = good_ && fit; }

  void name() {
    std::size_t length = 0;
    if (take('<')) {
      length = text_.find('>');
      require(length != std::string_view::npos && length > 0);
      if (good_) text_.remove_prefix(length + 1);
      return;
    }
    while (length < text_.size() &&
           ((text_[length] | 0x20) >= 'a' && (text_[length] | 0x20) <= 'z'))
      ++length;
    require(length >= 3);
    text_.remove_prefix(length);
  }

  int number(int least, int most) {
    int value = -1;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    require(error == std::errc{} && value >= least && value <= most && !text_.starts_with('-'));
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return good_ ? value : 0;
  }

  std::chrono::seconds time() {
    const bool negative = take('-');
    if (!negative) take('+');
    auto value = number(0, 167) * 3600;
    if (take(':')) value += number(0, 59) * 60;
    if (take(':')) value += number(0, 59);
    return std::chrono::seconds{negative ? -value : value};
  }

  ZoneSwitch day() {
    ZoneSwitch on;
    require(take(','));
    if (take('M')) {
      on.month = number(1, 12);
      require(take('.'));
      on.week = number(1, 5);
      require(take('.'));
      on.day = number(0, 6);
      if (!good_) on.month = on.week = 1;
    } else if (take('J')) {
      on.kind = ZoneSwitch::Kind::day_without_leap;
      on.day = number(1, 365);
    } else {
      on.kind = ZoneSwitch::Kind::day_with_leap;
      on.day = number(0, 365);
    }
    if (take('/')) on.time = time();
    return on;
  }

  std::string_view text_;
  bool good_ = true;
};

/// Bytes of a TZif file; big-endian numbers.
class ZoneBytes {
 public:
  explicit ZoneBytes(std::string_view bytes) : bytes_{bytes} {}

  bool good() const noexcept { return good_; }
  std::string_view rest() const noexcept { return bytes_; }
  std::string_view take(std::size_t count) {
    if (count > bytes_.size()) {
      good_ = false;
      return {};
    }
    const auto taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  std::int64_t number(std::size_t size) {
    std::uint64_t value = 0;
    const auto taken = take(size);
    for (const unsigned char byte : taken) value = value << 8 | byte;
    if (size == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
    return static_cast<std::int64_t>(value);
  }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

/// The counts in the header of a block.
struct ZoneCounts {
  std::size_t is_utc, is_standard, leaps, switches, types, letters;

  static ZoneCounts read(ZoneBytes& from) {
    std::array<std::size_t, 6> counts{};
    for (auto& count : counts)
      count = static_cast<std::size_t>(static_cast<std::uint32_t>(from.number(4)));
    return {counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
  }
  std::size_t bytes(std::size_t time_size) const {
    return switches * (time_size + 1) + types * 6 + letters + leaps * (time_size + 4) +
           is_standard + is_utc;
  }
};

/// When the clocks of a place are set, and to what.
class TimeZone {
 public:
  /// Reads the bytes of a TZif file of version 2 or later.
  /// @errors malformed; unsupported for version 1 and for files that count leap seconds
  static Result<TimeZone> read(std::string_view bytes) {
    const std::string doing = "reading a time zone";
    const auto malformed = [&] { return fail(Errc::malformed, doing, {}, "it is no TZif file"); };
    ZoneBytes from{bytes};
    if (from.take(4) != "TZif") return malformed();
    const auto version = from.take(16);
    if (version.empty() || version[0] < '2')
      return fail(Errc::unsupported, doing, {}, "it is of version 1: install a newer tzdata");
    const auto old = ZoneCounts::read(from);
    from.take(old.bytes(4));
    if (from.take(4) != "TZif") return malformed();
    from.take(16);
    const auto counts = ZoneCounts::read(from);
    if (!from.good() || counts.types == 0 || counts.bytes(8) > from.rest().size())
      return malformed();
    if (counts.leaps != 0)
      return fail(Errc::unsupported, doing, {}, "it counts leap seconds, which our clock does not");

    std::vector<ZoneSeconds> times;
    for (std::size_t i = 0; i < counts.switches; ++i)
      times.push_back(ZoneSeconds{std::chrono::seconds{from.number(8)}});
    const auto indexes = from.take(counts.switches);
    std::vector<std::chrono::seconds> offsets;
    for (std::size_t i = 0; i < counts.types; ++i) {
      offsets.emplace_back(from.number(4));
      from.take(2);
    }
    from.take(counts.letters + counts.is_standard + counts.is_utc);
    TimeZone zone;
    zone.segments_.push_back({ZoneSeconds::min(), offsets[0]});
    for (std::size_t i = 0; i < counts.switches; ++i) {
      const auto index = static_cast<unsigned char>(indexes[i]);
      if (index >= offsets.size() || times[i] < zone.segments_.back().from) return malformed();
      zone.segments_.push_back({times[i], offsets[index]});
    }
    for (const auto& segment : zone.segments_)
      if (std::chrono::abs(segment.offset) > std::chrono::hours{26}) return malformed();

    auto footer = from.rest();
    if (footer.size() < 2 || footer.front() != '\n' || footer.back() != '\n') return malformed();
    footer = footer.substr(1, footer.size() - 2);
    if (!footer.empty()) {
      zone.rule_ = ZoneRuleReader{footer}.read();
      if (!zone.rule_) return malformed();
    }
    return zone;
  }

  /// What holds between two moments, in order; the first begins at or before `from`.
  std::vector<ZoneSegment> between(ZoneSeconds from, ZoneSeconds to) const {
    const auto after = std::ranges::upper_bound(segments_, from, {}, &ZoneSegment::from);
    std::vector<ZoneSegment> found;
    for (auto at = after - 1; at != segments_.end() && at->from <= to; ++at) found.push_back(*at);
    const auto last = segments_.back().from;
    if (!rule_ || to <= last) return found;
    // After the last switch of the file the rule holds.
    for (const auto& segment : of_rule(std::max(from, last), to)) {
      if (segment.from <= from) found.clear();
      found.push_back({std::max(segment.from, last), segment.offset});
    }
    return found;
  }

  std::chrono::seconds offset_at(ZoneSeconds when) const {
    return between(when, when).back().offset;
  }

 private:
  std::vector<ZoneSegment> of_rule(ZoneSeconds from, ZoneSeconds to) const {
    using namespace std::chrono;
    if (!rule_->summer) return {{from, rule_->standard}};
    const auto year_of = [](ZoneSeconds when) { return year_month_day{floor<days>(when)}.year(); };
    const auto& summer = *rule_->summer;
    std::vector<ZoneSegment> switches;
    for (auto year = year_of(from) - years{1}; year <= year_of(to) + years{1}; ++year) {
      // The time of a switch is told by the clock before it.
      switches.push_back({summer.begins.in(year)-rule_->standard, summer.offset});
      switches.push_back({summer.ends.in(year)-summer.offset, rule_->standard});
    }
    std::ranges::stable_sort(switches, {}, &ZoneSegment::from);
    const auto after = std::ranges::upper_bound(switches, from, {}, &ZoneSegment::from);
    std::vector<ZoneSegment> found;
    for (auto at = after - 1; at != switches.end() && at->from <= to; ++at) found.push_back(*at);
    found.front().from = from;
    return found;
  }

  std::vector<ZoneSegment> segments_;  ///< never empty; the first begins before everything
  std::optional<ZoneRule> rule_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
