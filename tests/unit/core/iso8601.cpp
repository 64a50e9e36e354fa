// SPDX-License-Identifier: MIT
#include <credpool/core/iso8601.hpp>

#include <doctest/doctest.h>

#include <string_view>

namespace cp = credpool;
using std::chrono::milliseconds;

TEST_CASE("core/iso8601: formats UTC, with milliseconds only when there are some") {
  CHECK(cp::format_iso8601(cp::TimePoint{}) == "1970-01-01T00:00:00Z");
  CHECK(cp::format_iso8601(cp::TimePoint{milliseconds{1700000000500}}) ==
        "2023-11-14T22:13:20.500Z");
}

TEST_CASE("core/iso8601: reads what the CLIs write") {
  const auto at = [](std::string_view text) { return cp::parse_iso8601(text); };
  CHECK(at("2100-01-01T00:00:00Z") == cp::TimePoint{milliseconds{4102444800000}});
  CHECK(at("2026-11-20T21:44:41.619320025Z")->time_since_epoch().count() % 1000 == 619);
  CHECK(at("2026-01-31T22:56:40+01:00") == at("2026-01-31T21:56:40Z"));
  CHECK(at("2026-01-31 22:56:40-0530") == std::nullopt);
  CHECK(at("2026-01-31t22:56:40-05:30") == at("2026-02-01T04:26:40Z"));
  CHECK(at("2024-02-29T00:00:00Z"));
}

TEST_CASE("core/iso8601: refuses what is no date") {
  for (const std::string_view text :
       {"", "2026", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Zx", "26-01-01T00:00:00Z", "2026-01-01T00:00:00+24:00"}) {
    CAPTURE(text);
    CHECK_FALSE(cp::parse_iso8601(text));
  }
}
