#pragma once
// SPDX-License-Identifier: MIT

// A few threads for what may block, with a bounded queue. Internal.

#include <credpool/impl/server/event_loop.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A thread begins when there is work for it and stays until join().
class BlockingPool {
 public:
  BlockingPool(std::size_t threads, std::size_t queue) : most_{threads}, room_{threads + queue} {}
  ~BlockingPool() { join(); }

  /// Runs `work` here and then `then` on the loop; refuses when too much is waiting, or after
  /// join().
  bool run(std::function<void()> work, EventLoop& loop, std::function<void()> then) {
    const std::lock_guard lock{mutex_};
    if (ended_ || busy_ + jobs_.size() >= room_) return false;
    if (busy_ + jobs_.size() >= threads_.size() && threads_.size() < most_ && !add_thread())
      return false;
    jobs_.push_back({std::move(work), &loop, std::move(then)});
    wake_.notify_one();
    return true;
  }

  /// Waits for what was taken.
  void join() {
    {
      const std::lock_guard lock{mutex_};
      ended_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  /// Waits for what has begun and forgets the rest.
  void cancel() {
    {
      const std::lock_guard lock{mutex_};
      jobs_.clear();
    }
    join();
  }

 private:
  struct Job {
    std::function<void()> work;
    EventLoop* loop;
    std::function<void()> then;
  };

  /// @return whether there is one at all
  bool add_thread() {
    try {
      threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {  // the system has no more
    }
    return !threads_.empty();
  }

  void serve() {
    block_signals_here();
    std::unique_lock lock{mutex_};
    for (;;) {
      wake_.wait(lock, [this] { return ended_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      ++busy_;
      lock.unlock();
      job.work();
      lock.lock();
      --busy_;  // before `then`, which may run more
      lock.unlock();
      job.loop->post(std::move(job.then));
      job = {};
      lock.lock();
    }
  }

  const std::size_t most_;
  const std::size_t room_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::size_t busy_ = 0;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
