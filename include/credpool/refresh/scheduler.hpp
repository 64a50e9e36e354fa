#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/core/wake_timer.hpp>
#include <credpool/refresh/renewal_plan.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What the scheduler needs to know and may do.
struct SchedulerWorld {
  std::function<TimePoint()> now;
  /// Renews one login; may block on the network.
  /// @return when to look at it again; none: not before put() names it anew
  std::function<std::optional<TimePoint>(const CredentialId&)> renew;
  /// The wall clock was set or the machine slept: what is known about the logins may be old.
  /// Called by the scheduler's own thread. May be empty.
  std::function<void()> clock_changed = {};
  std::size_t workers = 4;  ///< renewals at the same time, 1 to 64
};

/// Renews logins in time: one thread that waits for the next one, a few that renew.
///
/// A login is renewed by one worker at a time. The end waits for the renewals that are under way:
/// an exchange that has begun is not cut off.
///
/// @thread_safety safe
class RenewalScheduler {
 public:
  /// @errors io when the system has no timer for it
  static Result<std::unique_ptr<RenewalScheduler>> start(SchedulerWorld world);

  RenewalScheduler(const RenewalScheduler&) = delete;
  RenewalScheduler& operator=(const RenewalScheduler&) = delete;
  ~RenewalScheduler();

  /// Plans a login, or moves it; one that is being renewed is moved when that is done.
  void put(const CredentialId& id, TimePoint due);
  /// Leaves a login alone from now on.
  void remove(const CredentialId& id);
  std::size_t size() const;

 private:
  RenewalScheduler(SchedulerWorld world, WakeTimer timer);
  void watch();
  void work();
  void note_change() noexcept;

  /// What was asked for a login while it was being renewed.
  struct Meanwhile {
    std::optional<TimePoint> moved_to;
    bool removed = false;
  };

  const SchedulerWorld world_;
  WakeTimer timer_;
  mutable std::mutex mutex_;
  std::condition_variable due_;      ///< for the workers: something is due
  std::condition_variable changed_;  ///< for the watcher: the plan is another one
  std::uint64_t changes_ = 0;        ///< of the plan
  RenewalPlan plan_;
  std::map<CredentialId, Meanwhile> renewing_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;  ///< last: they use everything above
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/scheduler.ipp>
#endif
