#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>

#include <time.h>

#include <atomic>
#include <concepts>

namespace credpool::inline CREDPOOL_ABI {

/// Where the time comes from.
///
/// `now()` is the wall clock (it may jump); `steady()` never goes back and counts from an
/// arbitrary start. Both are cheap and safe to call from any thread.
template <class C>
concept Clock = requires(const C& clock) {
  { clock.now() } -> std::same_as<TimePoint>;
  { clock.steady() } -> std::same_as<std::chrono::nanoseconds>;
};

/// The clocks of the operating system.
struct SystemClock {
  TimePoint now() const noexcept {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }
  std::chrono::nanoseconds steady() const noexcept {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
};
static_assert(Clock<SystemClock>);

/// The same, but its wall clock is that of the system's last tick: up to 10 ms old (4 as a rule),
/// and read in a quarter of the time. For who asks several times for each request.
struct TickClock : SystemClock {
  TimePoint now() const noexcept {
#if defined(CLOCK_REALTIME_COARSE)
    timespec tick{};
    if (::clock_gettime(CLOCK_REALTIME_COARSE, &tick) == 0)
      return TimePoint{std::chrono::duration_cast<Duration>(
          std::chrono::seconds{tick.tv_sec} + std::chrono::nanoseconds{tick.tv_nsec})};
#endif
    return SystemClock::now();
  }
};
static_assert(Clock<TickClock>);

/// A clock that stands still until it is told to move: for tests and simulations.
class ManualClock {
 public:
  explicit ManualClock(TimePoint start = {}) noexcept : now_{start.time_since_epoch().count()} {}

  TimePoint now() const noexcept { return TimePoint{Duration{now_.load()}}; }
  std::chrono::nanoseconds steady() const noexcept {
    return std::chrono::nanoseconds{steady_.load()};
  }

  /// Time passes: both clocks move.
  void advance(Duration by) noexcept {
    now_ += by.count();
    steady_ += std::chrono::nanoseconds{by}.count();
  }
  /// Somebody sets the wall clock: only that one moves.
  void set_wall(TimePoint to) noexcept { now_ = to.time_since_epoch().count(); }

 private:
  std::atomic<Duration::rep> now_;
  std::atomic<std::chrono::nanoseconds::rep> steady_{0};
};
static_assert(Clock<ManualClock>);

/// Another clock, by reference: for things that own their clock, where a test keeps the hands on
/// it.
template <Clock C> class ClockRef {
 public:
  /// @param clock must outlive this object and its copies
  explicit ClockRef(const C& clock) noexcept : clock_{&clock} {}

  TimePoint now() const { return clock_->now(); }
  std::chrono::nanoseconds steady() const { return clock_->steady(); }

 private:
  const C* clock_;
};
static_assert(Clock<ClockRef<ManualClock>>);

}  // namespace credpool::inline CREDPOOL_ABI
