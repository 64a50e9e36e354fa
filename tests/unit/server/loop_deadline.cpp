// SPDX-License-Identifier: MIT
#include <credpool/impl/server/loop_deadline.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <string>

namespace {

using namespace std::chrono_literals;
namespace dl = credpool::detail;

struct Tells final : dl::LoopDeadline {
  explicit Tells(std::function<void()> what) : then{std::move(what)} {}
  void on_deadline() override { then(); }
  std::function<void()> then;
};

}  // namespace

TEST_CASE("server/loop_deadline: each is told once, at its time, whatever its length") {
  dl::LoopDeadlines deadlines;
  std::string told;
  Tells first{[&] { told += "1"; }};
  Tells second{[&] { told += "2"; }};
  Tells third{[&] { told += "3"; }};
  const dl::LoopTime start{};
  CHECK(deadlines.next() == dl::LoopTime::max());
  CHECK(deadlines.arm(first, 10s, start) == start + 10s);
  CHECK(deadlines.arm(second, 5s, start + 1s) == start + 6s);
  CHECK(deadlines.arm(third, 10s, start + 2s) == start + 12s);
  CHECK(deadlines.next() == start + 6s);
  deadlines.expire(start + 5s);
  CHECK(told.empty());
  deadlines.expire(start + 6s);
  CHECK(told == "2");
  CHECK_FALSE(second.armed());
  deadlines.expire(start + 20s);
  CHECK(told == "213");
  CHECK(deadlines.next() == dl::LoopTime::max());
}

TEST_CASE("server/loop_deadline: armed anew it is due later, disarmed never") {
  dl::LoopDeadlines deadlines;
  std::string told;
  Tells first{[&] { told += "1"; }};
  Tells second{[&] { told += "2"; }};
  Tells third{[&] { told += "3"; }};
  const dl::LoopTime start{};
  deadlines.arm(first, 10s, start);
  deadlines.arm(second, 10s, start);
  deadlines.arm(third, 10s, start);
  deadlines.arm(first, 10s, start + 5s);
  dl::LoopDeadlineList::disarm(second);
  dl::LoopDeadlineList::disarm(second);
  deadlines.expire(start + 10s);
  CHECK(told == "3");
  deadlines.expire(start + 15s);
  CHECK(told == "31");
}

TEST_CASE(
    "server/loop_deadline: who is told may arm, with a length of its own, and disarm others") {
  dl::LoopDeadlines deadlines;
  std::string told;
  const dl::LoopTime start{};
  Tells other{[&] { told += "o"; }};
  std::deque<Tells> many;
  for (int i = 0; i < 40; ++i) many.emplace_back([&told] { told += "m"; });
  Tells first{[&] {
    told += "1";
    dl::LoopDeadlineList::disarm(other);
    for (int i = 0; i < 40; ++i)  // lists that were not there before
      deadlines.arm(many[static_cast<std::size_t>(i)], std::chrono::seconds{100 + i}, start);
    if (told == "1") deadlines.arm(first, 10s, start + 10s);
  }};
  deadlines.arm(first, 10s, start);
  deadlines.arm(other, 10s, start);
  deadlines.expire(start + 10s);
  CHECK(told == "1");
  deadlines.expire(start + 20s);
  CHECK(told == "11");
  deadlines.expire(start + 200s);
  CHECK(told.size() == 2 + 40);
}
