#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/background.hpp>

#include <algorithm>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

CREDPOOL_INLINE Repeater::Repeater(std::function<Duration()> work)
    : work_{std::move(work)}, thread_{[this](const std::stop_token& stop) { run(stop); }} {}

CREDPOOL_INLINE void Repeater::wake() noexcept {
  {
    const std::lock_guard lock{mutex_};
    wanted_ = true;
  }
  woken_.notify_one();
}

CREDPOOL_INLINE void Repeater::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto pause = work_();
    std::unique_lock lock{mutex_};
    woken_.wait_for(lock, stop, pause, [&] { return wanted_; });
    wanted_ = false;
  }
}

CREDPOOL_INLINE bool WriterPace::asked() noexcept {
  if (!asked_) asked_ = true;
  return resting_ && resting_.exchange(false);
}

CREDPOOL_INLINE Duration WriterPace::next() noexcept {
  idle_rounds_ = asked_.exchange(false) ? 0 : std::min(idle_rounds_ + 1, idle_rounds_before_rest);
  resting_ = idle_rounds_ == idle_rounds_before_rest;
  if (asked_) resting_ = false;  // by one who may not have seen that it rests
  return resting_ ? pause_ * rest_factor : pause_;
}

CREDPOOL_INLINE void Bell::ring() noexcept {
  // Both sides pass the pool's lock in between: a listener that is not seen here has yet to look.
  if (listeners_.load(std::memory_order_relaxed) == 0) return;
  {
    const std::lock_guard lock{mutex_};
    ++rings_;
  }
  rung_.notify_all();
}

CREDPOOL_INLINE Bell::Listener::Listener(Bell& bell) noexcept : bell_{bell} {
  bell_.listeners_.fetch_add(1, std::memory_order_relaxed);
}

CREDPOOL_INLINE Bell::Listener::~Listener() {
  bell_.listeners_.fetch_sub(1, std::memory_order_relaxed);
}

CREDPOOL_INLINE void Bell::Listener::listen() noexcept {
  const std::lock_guard lock{bell_.mutex_};
  heard_ = bell_.rings_;
}

CREDPOOL_INLINE void Bell::Listener::wait(Duration at_most) {
  std::unique_lock lock{bell_.mutex_};
  bell_.rung_.wait_for(lock, at_most, [&] { return bell_.rings_ != heard_; });
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
