// SPDX-License-Identifier: MIT
#include <credpool/impl/server/busy_poll.hpp>

#include <doctest/doctest.h>

namespace dl = credpool::detail;
using namespace std::chrono_literals;

namespace {

constexpr auto shortest = dl::BusyPoll::shortest;
constexpr auto longest = dl::BusyPoll::longest;

/// How many short waits in a row it wants to see; 10,000 where that is not enough.
int short_waits_until_worthwhile(dl::BusyPoll& poll) {
  int count = 0;
  while (!poll.is_worthwhile() && count < 10'000) {
    poll.waited(longest, 1);
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("server/busy_poll: worthwhile after short waits in a row") {
  dl::BusyPoll poll;
  CHECK_FALSE(poll.is_worthwhile());
  for (int i = 0; i < 100; ++i) {  // never many in a row
    for (int j = 0; j < 15; ++j) poll.waited(shortest, 1);
    REQUIRE_FALSE(poll.is_worthwhile());
    poll.waited(longest + 1us, 1);
  }
  CHECK(short_waits_until_worthwhile(poll) == 16);
}

TEST_CASE("server/busy_poll: one long wait among many is borne, two in a row are not") {
  dl::BusyPoll poll;
  for (int i = 0; i < 1000; ++i) poll.waited(longest, 1);
  for (int i = 0; i < 100; ++i) {
    poll.waited(1h, 1);
    REQUIRE(poll.is_worthwhile());
    for (int j = 0; j < 20; ++j) poll.waited(longest, 1);
  }
  poll.waited(1h, 1);
  poll.waited(1h, 1);
  CHECK_FALSE(poll.is_worthwhile());
}

TEST_CASE("server/busy_poll: what was there already says nothing, unless it is much") {
  dl::BusyPoll poll;
  for (int i = 0; i < 1000; ++i) poll.waited(shortest - 1ns, 1);
  CHECK(short_waits_until_worthwhile(poll) == 16);
  for (int i = 0; i < 1000; ++i) poll.waited(0us, 1);
  CHECK(poll.is_worthwhile());
  poll.waited(0us, dl::BusyPoll::most_events + 1);
  CHECK_FALSE(poll.is_worthwhile());
}

TEST_CASE("server/busy_poll: not where many come at once") {
  constexpr auto most = dl::BusyPoll::most_events;
  dl::BusyPoll poll;
  for (int i = 0; i < 100; ++i) poll.waited(shortest, most + 1);
  CHECK_FALSE(poll.is_worthwhile());
  for (int i = 0; i < 16; ++i) poll.waited(shortest, most);
  CHECK(poll.is_worthwhile());
  poll.waited(shortest, most + 1);
  CHECK_FALSE(poll.is_worthwhile());
}

TEST_CASE("server/busy_poll: each time in vain it wants to see twice as much") {
  dl::BusyPoll poll;
  CHECK(short_waits_until_worthwhile(poll) == 16);
  for (const int wanted : {8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096}) {
    poll.waited(longest + 1us, 1);
    CHECK(short_waits_until_worthwhile(poll) == wanted);
  }
  // What it sleeps through is nothing that polling was wrong about.
  poll.waited(longest + 1us, 1);
  for (int i = 0; i < 100; ++i) poll.waited(1h, 0);
  CHECK(short_waits_until_worthwhile(poll) == 4096);
  // Each time that it was right it wants to see half as much, down to what it began with.
  for (int i = 0; i < 10; ++i) poll.waited(longest, 1);
  for (int i = 0; i < 3; ++i) poll.waited(1h, 1);
  CHECK(short_waits_until_worthwhile(poll) <= 64);
}
