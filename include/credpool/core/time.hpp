#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <chrono>

namespace credpool::inline CREDPOOL_ABI {

/// A point on the wall clock: milliseconds since the Unix epoch, UTC.
using TimePoint = std::chrono::sys_time<std::chrono::milliseconds>;

/// A length of time in milliseconds.
using Duration = std::chrono::milliseconds;

}  // namespace credpool::inline CREDPOOL_ABI
