// SPDX-License-Identifier: MIT
#include "../../../tools/credpool/renewal_log.hpp"

#include "throwaway_home.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>
#include <vector>

#include <sys/stat.h>

namespace cp = credpool;
using namespace credpool_cli;
using namespace std::chrono_literals;

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

mode_t mode_of(const std::filesystem::path& file) {
  struct stat facts {};
  REQUIRE(::stat(file.c_str(), &facts) == 0);
  return facts.st_mode & 07777;
}

}  // namespace

TEST_CASE("tools/renewal_log: a line is a time and a text") {
  const ThrowawayHome home;
  const auto file = home.path() / "logs/renewal.log";
  auto log = RenewalLog::open(file);
  REQUIRE(log);
  log->say(cp::TimePoint{1'770'341'700s}, "kimi-cli: token expires in 2 minutes (120s), renewing");
  log->say(cp::TimePoint{1'770'341'701s}, "a\nb\x1b[31m");
  const auto text = text_of(file);
  CHECK(std::regex_search(text, std::regex{"^\\[2026-02-0[56] \\d\\d:\\d\\d:00\\] kimi-cli: token "
                                           "expires in 2 minutes \\(120s\\), renewing\n"}));
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(mode_of(file) == 0600);
  CHECK(mode_of(file.parent_path()) == 0700);
}

TEST_CASE("tools/renewal_log: it goes on where it was, and moves on at 1 MiB") {
  const ThrowawayHome home;
  const auto file = home.path() / "renewal.log";
  const auto old = home.path() / "renewal.log.1";
  for (int turn = 0; turn < 2; ++turn) {
    auto log = RenewalLog::open(file);
    REQUIRE(log);
    log->say(cp::TimePoint{}, "turn " + std::to_string(turn));
  }
  CHECK(text_of(file).find("turn 0") != std::string::npos);
  CHECK(text_of(file).find("turn 1") != std::string::npos);

  auto log = RenewalLog::open(file);
  REQUIRE(log);
  const std::string kilobyte(1000, 'x');
  for (int i = 0; i < 1100; ++i) log->say(cp::TimePoint{}, kilobyte);
  CHECK(std::filesystem::file_size(old) >= 1 << 20);
  CHECK(std::filesystem::file_size(old) < (1 << 20) + 2000);
  CHECK(std::filesystem::file_size(file) > 0);
  CHECK(std::filesystem::file_size(file) < 200'000);
  CHECK(mode_of(file) == 0600);
}

TEST_CASE("tools/renewal_log: two that write take turns, and none writes to a file that moved on") {
  const ThrowawayHome home;
  const auto file = home.path() / "renewal.log";
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 2; ++writer)
    writers.emplace_back([&] {
      auto log = RenewalLog::open(file);
      const std::string text(1000, 'x');
      for (int i = 0; log && i < 700; ++i) log->say(cp::TimePoint{}, text);
    });
  for (auto& writer : writers) writer.join();
  std::size_t lines = 0;
  for (const auto& each : {file, home.path() / "renewal.log.1"}) {
    std::istringstream text{text_of(each)};
    for (std::string line; std::getline(text, line); ++lines) CHECK(line.size() == 1022);
  }
  CHECK(lines == 1400);
}

TEST_CASE("tools/renewal_log: a link is not followed") {
  const ThrowawayHome home;
  std::filesystem::create_symlink(home.path() / "elsewhere", home.path() / "renewal.log");
  const auto log = RenewalLog::open(home.path() / "renewal.log");
  REQUIRE(!log);
  CHECK(log.error().code == cp::Errc::unsafe_file);
  CHECK(!std::filesystem::exists(home.path() / "elsewhere"));
}

TEST_CASE("tools/renewal_log: durations in words, rounded down") {
  CHECK(spoken_duration(-5s) == "0 seconds");
  CHECK(spoken_duration(1s) == "1 second");
  CHECK(spoken_duration(59'999ms) == "59 seconds");
  CHECK(spoken_duration(60s) == "1 minute");
  CHECK(spoken_duration(14min + 59s) == "14 minutes");
  CHECK(spoken_duration(60min) == "1 hour");
  CHECK(spoken_duration(47h) == "47 hours");
  CHECK(spoken_duration(48h) == "2 days");
}
