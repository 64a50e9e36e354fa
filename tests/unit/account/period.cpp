// SPDX-License-Identifier: MIT
#include <credpool/account/period.hpp>

#include <credpool/core/clock.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/impl/account/time_zone.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>

namespace cp = credpool;
using enum cp::LimitReset;

namespace {

cp::TimePoint at(const char* text) {
  const auto time = cp::parse_iso8601(text);
  REQUIRE(time);
  return *time;
}

std::string shown(const cp::LimitPeriod& period) {
  return cp::format_iso8601(period.start) + " " + cp::format_iso8601(period.end) + " " +
         period.first_day;
}

/// A TZif file as zic would write it: one type before all switches, then each switch with a type of
/// its own.
std::string tzif(const std::vector<std::pair<const char*, int>>& switches, int first,
                 const std::string& footer) {
  const auto number = [](std::uint64_t value, int size) {
    std::string bytes;
    for (int i = size - 1; i >= 0; --i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
    return bytes;
  };
  const auto header = [&](std::size_t switch_count, std::size_t types) {
    return "TZif2" + std::string(15, '\0') + number(0, 4) + number(0, 4) + number(0, 4) +
           number(switch_count, 4) + number(types, 4) + number(4, 4);
  };
  const auto type = [&](int offset) {
    return number(static_cast<std::uint64_t>(offset), 4) + std::string(2, '\0');
  };
  auto text = header(0, 1) + type(first) + std::string(4, 'x');
  text += header(switches.size(), switches.size() + 1);
  for (const auto& [when, offset] : switches)
    text += number(static_cast<std::uint64_t>(at(when).time_since_epoch().count() / 1000), 8);
  for (std::size_t i = 0; i < switches.size(); ++i) text += static_cast<char>(i + 1);
  text += type(first);
  for (const auto& [when, offset] : switches) text += type(offset);
  return text + std::string(4, 'x') + '\n' + footer + '\n';
}

struct World {
  ThrowawayHome home;

  cp::LedgerCalendar zone(const std::string& bytes) {
    home.write("zones/Test/Place", bytes);
    auto opened = open("Test/Place");
    REQUIRE(opened);
    return *opened;
  }
  cp::Result<cp::LedgerCalendar> open(std::string_view name) {
    return cp::LedgerCalendar::open(name, home.environment(), home.path() / "zones");
  }
};

constexpr int hour = 3600;

}  // namespace

TEST_CASE("account/period: UTC, with a leap year and the turn of the year") {
  const cp::LedgerCalendar utc;
  CHECK(utc.zone() == "UTC");
  CHECK(utc.day(at("2026-11-21T23:59:59.999Z")) == "2026-11-21");
  CHECK(utc.day(at("2026-11-22T00:00:00Z")) == "2026-11-22");
  CHECK(shown(utc.period(daily, at("2028-02-28T12:00:00Z"))) ==
        "2028-02-28T00:00:00Z 2028-02-29T00:00:00Z 2028-02-28");
  CHECK(shown(utc.period(daily, at("2028-02-29T23:59:59Z"))) ==
        "2028-02-29T00:00:00Z 2028-03-01T00:00:00Z 2028-02-29");
  CHECK(shown(utc.period(monthly, at("2028-02-29T00:00:00Z"))) ==
        "2028-02-01T00:00:00Z 2028-03-01T00:00:00Z 2028-02-01");
  CHECK(shown(utc.period(monthly, at("2026-12-31T23:59:59.999Z"))) ==
        "2026-12-01T00:00:00Z 2027-01-01T00:00:00Z 2026-12-01");
  // 2026-11-23 is a Monday.
  CHECK(shown(utc.period(weekly, at("2026-11-22T23:59:59.999Z"))) ==
        "2026-11-16T00:00:00Z 2026-11-23T00:00:00Z 2026-11-16");
  CHECK(shown(utc.period(weekly, at("2026-11-23T00:00:00Z"))) ==
        "2026-11-23T00:00:00Z 2026-11-30T00:00:00Z 2026-11-23");
  CHECK(shown(utc.period(weekly, at("2027-01-01T00:00:00Z"))) ==
        "2026-12-28T00:00:00Z 2027-01-04T00:00:00Z 2026-12-28");
  const auto never_ends = utc.period(never, at("2026-11-21T00:00:00Z"));
  CHECK(never_ends.start == cp::TimePoint{});
  CHECK(never_ends.end == cp::TimePoint::max());
  CHECK(never_ends.first_day < "1970-01-01");
  CHECK(utc.day(at("1969-12-31T23:59:59Z")) == "1969-12-31");
}

TEST_CASE("account/period: daylight saving time, by switches and by the rule after the last one") {
  World world;
  // Central European Time, first with one switch and the rule, then by the rule alone.
  for (const auto& switches :
       {std::vector<std::pair<const char*, int>>{{"2026-03-29T01:00:00Z", 2 * hour},
                                                 {"2026-10-25T01:00:00Z", hour}},
        std::vector<std::pair<const char*, int>>{}}) {
    const auto berlin = world.zone(tzif(switches, hour, "CET-1CEST,M3.5.0,M10.5.0/3"));
    CHECK(shown(berlin.period(daily, at("2026-03-29T12:00:00Z"))) ==
          "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z 2026-03-29");  // 23 hours
    CHECK(shown(berlin.period(daily, at("2026-10-25T12:00:00Z"))) ==
          "2026-10-24T22:00:00Z 2026-10-25T23:00:00Z 2026-10-25");  // 25 hours
    CHECK(shown(berlin.period(monthly, at("2026-10-31T23:30:00Z"))) ==
          "2026-10-31T23:00:00Z 2026-11-30T23:00:00Z 2026-11-01");
    CHECK(shown(berlin.period(weekly, at("2026-03-29T21:59:59.999Z"))) ==
          "2026-03-22T23:00:00Z 2026-03-29T22:00:00Z 2026-03-23");
    CHECK(berlin.day(at("2040-07-01T21:59:59Z")) == "2040-07-01");
    CHECK(berlin.day(at("2040-07-01T22:00:00Z")) == "2040-07-02");
    CHECK(berlin.day(at("2040-12-31T22:59:59Z")) == "2040-12-31");
    CHECK(berlin.day(at("2040-12-31T23:00:00Z")) == "2041-01-01");
  }
}

TEST_CASE(
    "account/period: midnight that is skipped, comes twice, or a whole day that is left out") {
  World world;
  // At midnight the clocks go to one: the day begins at one.
  const auto skipped = world.zone(tzif({{"2018-11-04T03:00:00Z", -2 * hour}}, -3 * hour, "<-02>2"));
  CHECK(shown(skipped.period(daily, at("2018-11-04T03:00:00Z"))) ==
        "2018-11-04T03:00:00Z 2018-11-05T02:00:00Z 2018-11-04");
  CHECK(skipped.day(at("2018-11-04T02:59:59Z")) == "2018-11-03");
  // At one minute past midnight they go back to 23:01: the day has begun, once.
  const auto twice = world.zone(tzif({{"2006-10-29T02:31:00Z", -12600}}, -9000, "NST3:30"));
  CHECK(twice.day(at("2006-10-29T02:29:59Z")) == "2006-10-28");
  CHECK(twice.day(at("2006-10-29T02:30:00Z")) == "2006-10-29");
  CHECK(twice.day(at("2006-10-29T02:45:00Z")) == "2006-10-29");  // by the clock it is the 28th
  CHECK(shown(twice.period(daily, at("2006-10-29T02:45:00Z"))) ==
        "2006-10-29T02:30:00Z 2006-10-30T03:30:00Z 2006-10-29");
  // Samoa went over the date line: no 30 December 2011.
  const auto samoa =
      world.zone(tzif({{"2011-12-30T10:00:00Z", 14 * hour}}, -10 * hour, "<+14>-14"));
  CHECK(samoa.day(at("2011-12-30T09:59:59Z")) == "2011-12-29");
  CHECK(samoa.day(at("2011-12-30T10:00:00Z")) == "2011-12-31");
  CHECK(samoa.period(daily, at("2011-12-30T09:59:59Z")).end == at("2011-12-30T10:00:00Z"));
  // Kwajalein went the other way: clocks went back a whole day.
  const auto back = world.zone(tzif({{"1969-10-01T00:00:00Z", -12 * hour}}, 11 * hour, "<-12>12"));
  CHECK(back.day(at("1969-09-30T13:00:00Z")) == "1969-10-01");
  CHECK(back.day(at("1969-10-01T06:00:00Z")) == "1969-10-01");
  CHECK(back.day(at("1969-10-02T12:00:00Z")) == "1969-10-02");
}

TEST_CASE("account/period: each moment is of one period, and periods follow one another") {
  World world;
  std::vector<cp::LedgerCalendar> calendars{cp::LedgerCalendar{}};
  for (const char* footer :
       {"CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
        "IST-1GMT0,M10.5.0,M3.5.0/1", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "<-04>4<-03>,M9.1.6/24,M4.1.6/24", "AAA-3BBB,J60/0,J300/0", "AAA11BBB10,59/0,299",
        "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "XXX-24", "XXX24"})
    calendars.push_back(world.zone(tzif({}, 0, footer)));
  std::mt19937_64 random{4};
  for (const auto& calendar : calendars)
    for (const auto reset : {daily, weekly, monthly}) {
      // An injected clock that goes from period to period, over leap years.
      cp::ManualClock clock{at("2027-12-30T00:00:00Z")};
      auto period = calendar.period(reset, clock.now());
      for (int i = 0; i < 800; ++i) {
        CHECK(period.start < period.end);
        const auto length = static_cast<std::uint64_t>((period.end - period.start).count());
        const auto inside =
            period.start + cp::Duration{static_cast<std::int64_t>(random() % length)};
        CHECK(shown(calendar.period(reset, inside)) == shown(period));
        CHECK(calendar.day(period.start) == period.first_day);
        CHECK(calendar.period(reset, period.end - cp::Duration{1}).start == period.start);
        clock.set_wall(period.end);
        const auto next = calendar.period(reset, clock.now());
        CHECK(next.start == period.end);
        CHECK(next.first_day > period.first_day);
        period = next;
      }
    }
}

TEST_CASE("account/period: the machine's database agrees with the C library") {
  ThrowawayHome home;
  const char* before = std::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  for (const char* name : {"Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata",
                           "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
                           "Asia/Tehran", "Europe/Dublin", "America/St_Johns"}) {
    if (!std::filesystem::exists(std::filesystem::path{"/usr/share/zoneinfo"} / name)) continue;
    INFO(name);
    std::ifstream file{std::filesystem::path{"/usr/share/zoneinfo"} / name, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    const auto zone = cp::detail::TimeZone::read(bytes);
    REQUIRE(zone);
    REQUIRE(cp::LedgerCalendar::open(name, home.environment()));
    ::setenv("TZ", name, 1);
    ::tzset();
    int differ = 0;
    for (std::time_t when = 0; when < 2'208'988'800; when += 3'601 * 7) {
      std::tm local{};
      ::localtime_r(&when, &local);
      const auto offset = zone->offset_at(cp::detail::ZoneSeconds{std::chrono::seconds{when}});
      differ += offset.count() != local.tm_gmtoff ? 1 : 0;
    }
    CHECK(differ == 0);
  }
  if (before == nullptr)
    ::unsetenv("TZ");
  else
    ::setenv("TZ", kept.c_str(), 1);
  ::tzset();
}

TEST_CASE("account/period: names and files that are no time zone") {
  World world;
  world.home.write("zones/Test/Place", "TZif2 and then nothing");
  world.home.write("secret", "x");
  const auto code = [&](std::string_view name) {
    const auto opened = world.open(name);
    REQUIRE_FALSE(opened);
    return opened.error().errc();
  };
  for (const std::string_view name :
       {"", "Test", "Test/Nowhere", "../secret", "/etc/passwd", "Test/", "Test/../../secret", "utc",
        "Test Place", "\xc3\xa9"})
    CHECK(code(name) == cp::Errc::configuration);
  CHECK(code("Test/Place") == cp::Errc::malformed);
  const auto good = tzif({{"2026-03-29T01:00:00Z", 2 * hour}}, hour, "CET-1CEST,M3.5.0,M10.5.0/3");
  for (std::size_t size = 0; size < good.size(); ++size)
    REQUIRE_FALSE(cp::detail::TimeZone::read(std::string_view{good}.substr(0, size)));
  auto other = good;
  other[4] = '\0';
  CHECK(cp::detail::TimeZone::read(other).error().errc() == cp::Errc::unsupported);
  for (const char* footer : {"CET", "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
                             "CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0/3", "C-1",
                             "<CET-1", "CET-1CEST,M3.5.0,M10.5.0/3,", "CET--1", "CET-168",
                             "CET-1CEST,J0,J5", "CET-1CEST,366,5", "CET-1:60"}) {
    INFO(footer);
    CHECK_FALSE(cp::detail::TimeZone::read(tzif({}, 0, footer)));
  }
}
