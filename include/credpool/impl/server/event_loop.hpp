#pragma once
// SPDX-License-Identifier: MIT

// One thread's event loop with what its connections share. Internal.

#include <credpool/server/limits.hpp>

#include <credpool/impl/server/loop_deadline.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

class EventLoop {
 public:
  EventLoop() : timer_{context_}, work_{context_.get_executor()} {}

  asio::io_context& context() noexcept { return context_; }
  /// Where everything on this loop reads to; its content lives until the handler returns.
  std::array<char, 64 << 10>& scratch() noexcept { return scratch_; }

  /// The loop whose thread this is; none elsewhere.
  static EventLoop*& current() noexcept {
    thread_local EventLoop* loop = nullptr;
    return loop;
  }

  void start() {
    thread_ = std::thread{[this] {
      // A peer that left must not end the process: OpenSSL writes without MSG_NOSIGNAL.
      sigset_t all;
      ::sigfillset(&all);
      for (const int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigdelset(&all, fatal);
      ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
      current() = this;
      context_.run();
      current() = nullptr;
    }};
  }
  void halt() { context_.stop(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  void arm(LoopDeadline& deadline, LoopTime::duration length) {
    const auto due = deadlines_.arm(deadline, length, loop_now());
    if (due < wake_at_) wake_at(due);
  }
  static void disarm(LoopDeadline& deadline) noexcept { LoopDeadlineList::disarm(deadline); }

  /// "Sun, 06 Nov 1994 08:49:37 GMT", of this second.
  std::string_view http_date() {
    const auto now = std::chrono::system_clock::to_time_t(SystemClock{}.now());
    if (now != date_of_) {
      date_of_ = now;
      tm parts{};
      ::gmtime_r(&now, &parts);
      date_size_ = ::strftime(date_.data(), date_.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    }
    return {date_.data(), date_size_};
  }

  std::atomic<std::size_t> connections{0};  ///< of peers; counted where they are accepted

 private:
  void wake_at(LoopTime when) {
    wake_at_ = when;
    timer_.expires_at(when);
    timer_.async_wait([this](const asio::error_code& error) {
      if (error) return;  // another moment was chosen
      wake_at_ = LoopTime::max();
      deadlines_.expire(loop_now());
      if (const auto next = deadlines_.next(); next < wake_at_) wake_at(next);
    });
  }

  LoopDeadlines deadlines_;  // outlives the connections that handlers of the context may hold
  asio::io_context context_{1};
  asio::steady_timer timer_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  LoopTime wake_at_ = LoopTime::max();
  std::array<char, 64 << 10> scratch_;
  std::array<char, 40> date_{};
  std::size_t date_size_ = 0;
  std::time_t date_of_ = -1;
  std::thread thread_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
