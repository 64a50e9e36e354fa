#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>
#include <credpool/core/time.hpp>

#include <memory>

namespace credpool::inline CREDPOOL_ABI {

/// Sleeps until a point on the wall clock, and notices when that clock jumps.
///
/// A thread that waits by the monotonic clock sleeps through a suspend: the token it guards has
/// ended long before it wakes. This one wakes right after the machine does (on Linux by
/// timerfd_create(2) with TFD_TIMER_CANCEL_ON_SET; elsewhere it looks at the clock every second).
///
/// @thread_safety wait_until(): one thread at a time; wake(): any
class WakeTimer {
 public:
  enum class Woken {
    time_came,      ///< the point was reached
    clock_changed,  ///< the wall clock was set, or the machine was suspended
    called,         ///< by wake()
  };

  /// @errors io when the system has no more descriptors
  static Result<WakeTimer> make();

  WakeTimer(WakeTimer&&) noexcept;
  WakeTimer& operator=(WakeTimer&&) noexcept;
  ~WakeTimer();

  /// A point that has passed returns at once.
  Woken wait_until(TimePoint wall);
  /// Ends the wait that is on, or the next one.
  void wake() noexcept;

 private:
  struct State;
  explicit WakeTimer(std::unique_ptr<State> state) noexcept;

  std::unique_ptr<State> state_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/wake_timer.ipp>
#endif
