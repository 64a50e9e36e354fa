// SPDX-License-Identifier: MIT
#include <credpool/core/wake_timer.hpp>

#include <credpool/core/clock.hpp>

#include <doctest/doctest.h>

#include <thread>

namespace cp = credpool;
using namespace std::chrono_literals;
using Woken = cp::WakeTimer::Woken;

TEST_CASE("core/wake_timer: a point that has passed returns at once, a later one when it comes") {
  auto timer = cp::WakeTimer::make();
  REQUIRE(timer);
  CHECK(timer->wait_until(cp::TimePoint{}) == Woken::time_came);
  CHECK(timer->wait_until(cp::TimePoint{-5s}) == Woken::time_came);
  const auto due = cp::SystemClock{}.now() + 20ms;
  CHECK(timer->wait_until(due) == Woken::time_came);
  CHECK(cp::SystemClock{}.now() >= due);
}

TEST_CASE("core/wake_timer: a call ends the wait, also one that came before it") {
  auto timer = cp::WakeTimer::make();
  REQUIRE(timer);
  const auto far = cp::SystemClock{}.now() + 1h;
  timer->wake();
  timer->wake();
  CHECK(timer->wait_until(far) == Woken::called);
  std::jthread caller{[&] { timer->wake(); }};
  CHECK(timer->wait_until(far) == Woken::called);
  CHECK(timer->wait_until(cp::SystemClock{}.now()) == Woken::time_came);  // none is left over
}
