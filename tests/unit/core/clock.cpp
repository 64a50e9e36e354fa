// SPDX-License-Identifier: MIT
#include <credpool/core/clock.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using namespace std::chrono_literals;

TEST_CASE("core/clock: the time of the last tick has passed, and not long ago") {
  // A tick is 10 ms at most; a machine that stood still meanwhile has missed some.
  constexpr auto standstill = 2s;
  for (int i = 0; i < 1000; ++i) {
    const auto before = cp::SystemClock{}.now();
    const auto tick = cp::TickClock{}.now();
    CHECK(tick >= before - standstill);
    CHECK(tick <= cp::SystemClock{}.now());
  }
}
