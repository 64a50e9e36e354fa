#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/exchange.hpp>

#include <chrono>
#include <functional>

namespace credpool::inline CREDPOOL_ABI {

/// What a login works with, besides the person. Everything must outlive the call.
struct LoginWorld {
  SendOnce send;
  std::function<TimePoint()> now;
  std::function<std::chrono::nanoseconds()> steady;  ///< monotonic, for deadlines
};

}  // namespace credpool::inline CREDPOOL_ABI
