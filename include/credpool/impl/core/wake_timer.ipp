#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/wake_timer.hpp>

#include <credpool/core/clock.hpp>

#include <algorithm>
#include <utility>

#if defined(__linux__)
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <cerrno>
#include <cstdint>

#include <poll.h>
#else
#include <condition_variable>
#include <mutex>
#endif

namespace credpool::inline CREDPOOL_ABI {

#if defined(__linux__)

struct WakeTimer::State {
  Descriptor timer;
  Descriptor calls;
};

CREDPOOL_INLINE Result<WakeTimer> WakeTimer::make() {
  auto state = std::make_unique<State>();
  state->timer = Descriptor{::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK)};
  state->calls = Descriptor{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!state->timer || !state->calls)
    return fail(Errc::io, "making a timer", {}, "the process has too many files open");
  return WakeTimer{std::move(state)};
}

CREDPOOL_INLINE WakeTimer::Woken WakeTimer::wait_until(TimePoint wall) {
  // All zero would disarm it: a time before 1970 is one millisecond after its start instead.
  const auto at = std::max(wall.time_since_epoch(), Duration{1});
  itimerspec due{};
  due.it_value.tv_sec = static_cast<time_t>(at.count() / 1000);
  due.it_value.tv_nsec = static_cast<long>(at.count() % 1000) * 1'000'000;
  ::timerfd_settime(state_->timer.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &due,
                    nullptr);
  for (;;) {
    pollfd watched[] = {{state_->timer.get(), POLLIN, 0}, {state_->calls.get(), POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0) continue;  // a signal
    std::uint64_t count = 0;
    if (watched[1].revents != 0 && ::read(state_->calls.get(), &count, sizeof count) > 0)
      return Woken::called;
    if (watched[0].revents == 0) continue;
    if (::read(state_->timer.get(), &count, sizeof count) > 0) return Woken::time_came;
    if (errno == ECANCELED) return Woken::clock_changed;
  }
}

CREDPOOL_INLINE void WakeTimer::wake() noexcept {
  const std::uint64_t one = 1;
  // A full counter means that a wake is pending already.
  [[maybe_unused]] const auto written = ::write(state_->calls.get(), &one, sizeof one);
}

#else

struct WakeTimer::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool called = false;
};

CREDPOOL_INLINE Result<WakeTimer> WakeTimer::make() {
  return WakeTimer{std::make_unique<State>()};
}

CREDPOOL_INLINE WakeTimer::Woken WakeTimer::wait_until(TimePoint wall) {
  using namespace std::chrono;
  constexpr seconds tick{1};
  const auto wall_now = [] { return SystemClock{}.now(); };
  std::unique_lock lock{state_->mutex};
  while (true) {
    if (std::exchange(state_->called, false)) return Woken::called;
    const auto before = wall_now();
    if (before >= wall) return Woken::time_came;
    state_->changed.wait_for(lock, std::min<Duration>(wall - before, tick),
                             [this] { return state_->called; });
    const auto passed = wall_now() - before;
    if (passed < Duration{-500} || passed > 5 * tick) return Woken::clock_changed;
  }
}

CREDPOOL_INLINE void WakeTimer::wake() noexcept {
  {
    const std::lock_guard lock{state_->mutex};
    state_->called = true;
  }
  state_->changed.notify_one();
}

#endif

CREDPOOL_INLINE WakeTimer::WakeTimer(std::unique_ptr<State> state) noexcept
    : state_{std::move(state)} {}
CREDPOOL_INLINE WakeTimer::WakeTimer(WakeTimer&&) noexcept = default;
CREDPOOL_INLINE WakeTimer& WakeTimer::operator=(WakeTimer&&) noexcept = default;
CREDPOOL_INLINE WakeTimer::~WakeTimer() = default;

}  // namespace credpool::inline CREDPOOL_ABI
