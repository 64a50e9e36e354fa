#pragma once
// SPDX-License-Identifier: MIT

// A few threads for what may block, with a bounded queue. Internal.

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>

#include <atomic>
#include <functional>
#include <utility>

#include <credpool/core/version.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

class BlockingPool {
 public:
  BlockingPool(std::size_t threads, std::size_t queue) : pool_{threads}, room_{threads + queue} {}

  /// Runs `work` here and then `then` on the loop; refuses when too much is waiting.
  bool run(std::function<void()> work, asio::io_context& loop, std::function<void()> then) {
    if (waiting_.fetch_add(1) >= room_) {
      waiting_.fetch_sub(1);
      return false;
    }
    asio::post(pool_, [this, &loop, guard = asio::make_work_guard(loop), work = std::move(work),
                       then = std::move(then)]() mutable {
      work();
      waiting_.fetch_sub(1);
      asio::post(loop, std::move(then));
    });
    return true;
  }

  void join() { pool_.join(); }

 private:
  asio::thread_pool pool_;
  std::size_t room_;
  std::atomic<std::size_t> waiting_{0};
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
