#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/scheduler.hpp>

#include <algorithm>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<std::unique_ptr<RenewalScheduler>> RenewalScheduler::start(
    SchedulerWorld world) {
  auto timer = WakeTimer::make();
  if (!timer) return fail(std::move(timer).error());
  return std::unique_ptr<RenewalScheduler>{
      new RenewalScheduler{std::move(world), std::move(*timer)}};
}

CREDPOOL_INLINE RenewalScheduler::RenewalScheduler(SchedulerWorld world, WakeTimer timer)
    : world_{std::move(world)}, timer_{std::move(timer)} {
  threads_.emplace_back([this] { watch(); });
  for (std::size_t i = 0; i < std::clamp<std::size_t>(world_.workers, 1, 64); ++i)
    threads_.emplace_back([this] { work(); });
}

CREDPOOL_INLINE RenewalScheduler::~RenewalScheduler() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  timer_.wake();
  due_.notify_all();
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

CREDPOOL_INLINE void RenewalScheduler::put(const CredentialId& id, TimePoint due) {
  {
    const std::lock_guard lock{mutex_};
    if (const auto busy = renewing_.find(id); busy != renewing_.end()) {
      busy->second = {.moved_to = due, .removed = false};
      return;
    }
    plan_.put(id, due);
    note_change();
  }
  timer_.wake();
}

CREDPOOL_INLINE void RenewalScheduler::remove(const CredentialId& id) {
  const std::lock_guard lock{mutex_};
  plan_.remove(id);
  note_change();
  if (const auto busy = renewing_.find(id); busy != renewing_.end())
    busy->second = {.moved_to = {}, .removed = true};
}

CREDPOOL_INLINE std::size_t RenewalScheduler::size() const {
  const std::lock_guard lock{mutex_};
  return plan_.size() + renewing_.size();
}

/// @pre the mutex is held
CREDPOOL_INLINE void RenewalScheduler::note_change() noexcept {
  ++changes_;
  changed_.notify_one();
}

/// Sleeps until the next one is due and calls the workers.
CREDPOOL_INLINE void RenewalScheduler::watch() {
  constexpr auto never = TimePoint{std::chrono::hours{24 * 365 * 200}};
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    const auto next = plan_.next().value_or(never);
    if (next <= world_.now()) {
      due_.notify_all();
      // Nothing to sleep for: a worker takes it now, or when it is done with another one.
      const auto seen = changes_;
      changed_.wait(lock, [&] { return stopping_ || changes_ != seen; });
      continue;
    }
    lock.unlock();
    if (timer_.wait_until(next) == WakeTimer::Woken::clock_changed && world_.clock_changed)
      world_.clock_changed();
    lock.lock();
  }
}

CREDPOOL_INLINE void RenewalScheduler::work() {
  std::unique_lock lock{mutex_};
  while (true) {
    std::optional<CredentialId> id;
    due_.wait(lock, [&] { return stopping_ || (id = plan_.take(world_.now())); });
    if (stopping_) return;
    renewing_.emplace(*id, Meanwhile{});
    note_change();
    lock.unlock();
    auto again = world_.renew(*id);
    lock.lock();
    const auto meanwhile = renewing_.extract(*id).mapped();
    if (meanwhile.removed) continue;
    if (meanwhile.moved_to) again = meanwhile.moved_to;
    if (!again) continue;
    plan_.put(*id, *again);
    note_change();
    timer_.wake();
  }
}

}  // namespace credpool::inline CREDPOOL_ABI
