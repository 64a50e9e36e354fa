// SPDX-License-Identifier: MIT
#include "../../../tools/gateway/top_picture.hpp"

#include <credpool/core/iso8601.hpp>

#include <doctest/doctest.h>

using namespace credpool_cli;
namespace cp = credpool;

namespace {

cp::TimePoint at(const char* time) {
  const auto parsed = cp::parse_iso8601(time);
  REQUIRE(parsed);
  return *parsed;
}

Json credential(const char* id, const char* name, const char* cli, bool usable, int in_flight,
                int uses) {
  return {{"id", id},
          {"profileId", name},
          {"cli", cli},
          {"provider", "openai"},
          {"status", usable ? "active" : "expired"},
          {"reason", usable ? "" : "refreshable"},
          {"usable", usable},
          {"expiresAt", "2026-11-21T18:00:00Z"},
          {"pool",
           {{"eligible", usable}, {"reason", usable ? "eligible" : "unusable"}, {"uses", uses}}},
          {"inFlight", in_flight},
          {"limit", 4},
          {"nextRefresh", "2026-11-21T17:30:00Z"}};
}

TopData data() {
  std::vector<int> requests(60, 0);
  requests[40] = 1;
  requests[58] = 8;
  requests[59] = 4;
  TopData made;
  made.server = "http://127.0.0.1:18789";
  made.status = {
      {"strategy", "least-used"},
      {"credentials",
       {credential("aa", "openai:default", "codex-cli", true, 2, 1523),
        credential("bb", "kimi-code:own", "kimi-cli", true, 0, 7),
        credential("cc", "anthropic:old", "claude-cli", false, 0, 0)}},
      {"cooldowns", {{{"credential", "bb"}, {"model", ""}, {"until", "2026-11-21T16:40:30Z"}}}}};
  made.activity = {{"credentials", {{{"id", "aa"}, {"requests", requests}}}}};
  made.events.push_back({at("2026-11-21T16:38:59Z"),
                         "credential.cooling",
                         {{"profileId", "kimi-code:own"}, {"reason", "rate_limited"}}});
  return made;
}

cp::TimePoint now() {
  return at("2026-11-21T16:40:00Z");
}

std::string picture(const TopData& data, const TopView& view, int columns, std::size_t rows) {
  const Terminal terminal{.is_terminal = columns > 0, .colour = false, .columns = columns};
  std::string text;
  for (const auto& line : top_lines(data, view, terminal, rows, false, now())) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("tools/top_picture: once, for a pipe") {
  CHECK(picture(data(), {}, 0, 0) ==
        "credpool  http://127.0.0.1:18789  16:40:00 UTC\n"
        "strategy least-used, 3 credentials: 2 can be lent, 1 rest; 2 in flight, 4 requests this "
        "minute\n"
        "\n"
        "CREDENTIAL      CLI         STATUS                POOL      BUSY  USES  REQ/MIN  LAST 20 "
        "MIN           COOLDOWN  REFRESH\n"
        "anthropic:old   claude-cli  expired, refreshable  unusable  0/4   0     0                 "
        "             -         in 50 min\n"
        "kimi-code:own   kimi-cli    active                eligible  0/4   7     0                 "
        "             in 30 s   in 50 min\n"
        "openai:default  codex-cli   active                eligible  2/4   1523  4        .        "
        "         #=  -         in 50 min\n"
        "\n"
        "16:38:59  credential.cooling  kimi-code:own  rate_limited\n");
}

TEST_CASE("tools/top_picture: no line is wider and no picture higher than the terminal") {
  auto many = data();
  for (int i = 0; i < 60; ++i)
    many.status["credentials"].push_back(credential(
        ("x" + std::to_string(i)).c_str(),
        ("openai:a-long-name-" + std::to_string(100 + i)).c_str(), "codex-cli", true, 0, i));
  for (const int columns : {40, 60, 80, 120, 200})
    for (const std::size_t rows : {6U, 10U, 24U, 50U})
      for (const std::size_t selected : {0U, 1U, 30U, 62U}) {
        CAPTURE(columns);
        CAPTURE(rows);
        CAPTURE(selected);
        const Terminal terminal{.is_terminal = true, .colour = false, .columns = columns};
        const auto lines =
            top_lines(many, {.selected = selected, .marks = true}, terminal, rows, true, now());
        CHECK(lines.size() <= rows);
        bool marked = false;
        for (const auto& line : lines) {
          CHECK(display_width(line) <= static_cast<std::size_t>(columns));
          marked |= line.starts_with("> ");
        }
        if (rows >= 10) CHECK(marked);
      }
}

TEST_CASE("tools/top_picture: orders, and what a person has chosen") {
  const auto all = data();
  CHECK(top_order(all, TopSort::name) == std::vector<std::string>{"cc", "bb", "aa"});
  CHECK(top_order(all, TopSort::uses) == std::vector<std::string>{"aa", "bb", "cc"});
  CHECK(top_order(all, TopSort::rate).front() == "aa");
  CHECK(top_order(all, TopSort::status).front() == "cc");
  const auto shown =
      picture(all, {.sort = TopSort::uses, .selected = 1, .marks = true, .paused = true}, 120, 20);
  CHECK(shown.find("> kimi-code:own") != std::string::npos);
  CHECK(shown.find("(paused)") != std::string::npos);
  CHECK(shown.find("s sort: uses") != std::string::npos);
  CHECK(picture(all, {.marks = true, .message = "Really? (y/N)"}, 120, 20).find("Really? (y/N)") !=
        std::string::npos);
}

TEST_CASE(
    "tools/top_picture: a server that says nothing yet, nothing at all, or what it should not") {
  CHECK(picture({.server = "s"}, {}, 80, 0).find("Asking the server.") != std::string::npos);
  CHECK(picture({.server = "s", .trouble = "it is gone"}, {}, 80, 0).find("it is gone") !=
        std::string::npos);
  TopData empty{.server = "s", .status = {{"strategy", "p2c"}, {"credentials", Json::array()}}};
  CHECK(picture(empty, {}, 80, 0).find("No credential.") != std::string::npos);
  TopData odd{.server = "s",
              .status = {{"strategy", 7},
                         {"credentials", {1, "x", nullptr, {{"profileId", "a\x1b[2Jb"}}}},
                         {"cooldowns", "no"}},
              .activity = {{"credentials", {{{"id", 1}, {"requests", {"x", -5, 1e300}}}}}}};
  CHECK(picture(odd, {}, 80, 0).find('\x1b') == std::string::npos);
}

TEST_CASE("tools/top_picture: sparklines") {
  CHECK(sparkline({}, false).empty());
  CHECK(sparkline({0, 0}, false) == "  ");
  CHECK(sparkline({0, 1, 4, 8}, false) == " .=#");
  CHECK(sparkline({1, 1'000'000}, false) == ".#");
  CHECK(sparkline({0, 8}, true) == " \xe2\x96\x88");
}
