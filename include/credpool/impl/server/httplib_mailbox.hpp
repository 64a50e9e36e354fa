#pragma once
// SPDX-License-Identifier: MIT

// What a thread that blocks is asked to do, now or at a time. Internal.

#include <credpool/core/time.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// @thread_safety safe; run_one() is called by one thread
class HttplibMailbox {
 public:
  using Clock = std::chrono::steady_clock;

  void post(std::function<void()> what) {
    std::unique_lock lock{mutex_};
    if (const auto heir = heir_) {
      lock.unlock();
      return heir->post(std::move(what));
    }
    posted_.push_back(std::move(what));
    changed_.notify_one();
  }

  void at(Clock::time_point when, std::function<void()> what) {
    std::unique_lock lock{mutex_};
    if (const auto heir = heir_) {
      lock.unlock();
      return heir->at(when, std::move(what));
    }
    timers_.emplace(when, std::move(what));
    changed_.notify_one();
  }

  /// Runs the next thing, waiting for one until then.
  /// @return whether there was one
  bool run_one(Clock::time_point until) {
    std::unique_lock lock{mutex_};
    for (;;) {
      const auto now = Clock::now();
      std::function<void()> what;
      if (!posted_.empty()) {
        what = std::move(posted_.front());
        posted_.pop_front();
      } else if (!timers_.empty() && timers_.begin()->first <= now) {
        what = std::move(timers_.begin()->second);
        timers_.erase(timers_.begin());
      }
      if (what) {
        lock.unlock();
        what();
        return true;
      }
      if (now >= until) return false;
      changed_.wait_until(lock, timers_.empty() ? until : std::min(until, timers_.begin()->first));
    }
  }

  /// What is left, and what comes from now on, is that one's.
  void leave_to(std::shared_ptr<HttplibMailbox> heir) {
    std::deque<std::function<void()>> posted;
    std::multimap<Clock::time_point, std::function<void()>> timers;
    {
      const std::lock_guard lock{mutex_};
      heir_ = heir;
      posted.swap(posted_);
      timers.swap(timers_);
    }
    for (auto& what : posted) heir->post(std::move(what));
    for (auto& [when, what] : timers) heir->at(when, std::move(what));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> posted_;
  std::multimap<Clock::time_point, std::function<void()>> timers_;
  std::shared_ptr<HttplibMailbox> heir_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
