#pragma once
// SPDX-License-Identifier: MIT

// Deadlines on the monotonic clock. Internal.

#include <credpool/core/clock.hpp>

#include <algorithm>
#include <chrono>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// How long it is until then, cut to milliseconds; never negative.
inline Duration time_left(std::chrono::nanoseconds deadline) {
  return std::max(Duration{0},
                  std::chrono::duration_cast<Duration>(deadline - SystemClock{}.steady()));
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
