// SPDX-License-Identifier: MIT
#include "../../../tools/credpool/online/idle_memory.hpp"

#include <doctest/doctest.h>

#include <time.h>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

namespace {

/// KiB of this program's and its libraries' code that are mapped at the moment.
long code_in_memory() {
  std::ifstream maps{"/proc/self/smaps"};
  bool is_code = false;
  long kib = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find('-') < line.find(' '))
      is_code = line.find(" r-xp ") != line.npos && line.find('/') != line.npos;
    else if (is_code && line.starts_with("Rss:"))
      kib += std::stol(line.substr(4));
  }
  return kib;
}

void use_processor_for(std::chrono::milliseconds span) {
  const auto used = [] {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
  };
  const auto until = used() + span;
  while (used() < until) {
  }
}

int rests_in_half_a_minute(credpool_cli::IdleWatch& watch) {
  int rests = 0;
  for (int second = 0; second < 30; ++second) rests += watch.comes_to_rest() ? 1 : 0;
  return rests;
}

}  // namespace

TEST_CASE("tools/idle_memory: code goes back, and comes again when it is called") {
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.emplace_back(1000, static_cast<char>('a' + i % 26));
  const auto before = code_in_memory();
  credpool_cli::give_back_idle_memory();
  const auto after = code_in_memory();
  INFO("before ", before, " KiB, after ", after);
  CHECK(before > 0);
  CHECK(after < before * 3 / 4);
  // All of it works as before, constants and what lies on the heap too.
  for (int i = 0; i < 1000; ++i)
    REQUIRE(texts[static_cast<std::size_t>(i)] ==
            std::string(1000, static_cast<char>('a' + i % 26)));
  credpool_cli::give_back_idle_memory();
}

TEST_CASE("tools/idle_memory: a rest is told once, after work only") {
  credpool_cli::IdleWatch watch;
  use_processor_for(std::chrono::milliseconds{200});
  CHECK(rests_in_half_a_minute(watch) == 0);  // busy
  CHECK(rests_in_half_a_minute(watch) == 1);
  CHECK(rests_in_half_a_minute(watch) == 0);  // it rests still
  use_processor_for(std::chrono::milliseconds{200});
  CHECK(rests_in_half_a_minute(watch) == 0);
  CHECK(rests_in_half_a_minute(watch) == 1);
}
