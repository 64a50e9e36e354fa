#pragma once
// SPDX-License-Identifier: MIT

// One thread's event loop with what its connections share. Internal.

#include <credpool/core/platform.hpp>
#include <credpool/core/time.hpp>

#include <credpool/impl/server/busy_poll.hpp>
#include <credpool/impl/server/loop_deadline.hpp>

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Who is told what became of a descriptor that a loop watches. Of all events of a turn note is
/// taken before anything is done: who acts for one of them then knows of the others.
class EventSource {
 public:
  /// Who is served first in a turn: requests and the beginnings of answers, in the order in which
  /// they came, so that none overtakes who waits longer; then what comes in the middle of an
  /// answer.
  enum class Turn { usual, late };

  /// @param events EPOLLIN and its like
  virtual Turn note_events(std::uint32_t events) noexcept = 0;
  /// Several are served together: first each may read, to EventLoop::room_ahead(), ...
  virtual void read_ahead() {}
  virtual void on_events() = 0;
  /// ... then each writes that asked for it by EventLoop::write_later(), ...
  virtual void write_now() {}
  /// ... and what was read ahead and not taken has to be kept elsewhere.
  virtual void keep_ahead() {}

 protected:
  ~EventSource() = default;
};

/// Leaves signals to the threads of the program. A peer that left must not end the process either:
/// OpenSSL writes without MSG_NOSIGNAL.
inline void block_signals_here() noexcept {
  sigset_t all;
  ::sigfillset(&all);
  for (const int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigdelset(&all, fatal);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

/// An epoll with deadlines and a queue. Everything but post(), start(), halt() and join() belongs
/// to the loop's own thread.
class EventLoop {
 public:
  EventLoop()
      : epoll_{::epoll_create1(EPOLL_CLOEXEC)}, wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    epoll_event wake{};
    wake.events = EPOLLIN;
    is_usable_ =
        epoll_ && wake_ && ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &wake) == 0;
  }

  /// False when the system had no descriptors left: not to be started then.
  bool is_usable() const noexcept { return is_usable_; }

  /// The loop whose thread this is; none elsewhere.
  static EventLoop*& current() noexcept {
    thread_local EventLoop* loop = nullptr;
    return loop;
  }

  void start() {
    thread_ = std::thread{[this] {
      block_signals_here();
      current() = this;
      while (!halted_.load(std::memory_order_acquire)) turn();
      current() = nullptr;
    }};
  }
  /// What was posted and has not been called by now never is.
  void halt() {
    halted_.store(true, std::memory_order_release);
    wake_up();
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  // --- descriptors

  /// `source` is told until unwatch(). What is closed in the same turn may still be told: see
  /// keep_for_this_turn().
  bool watch(int descriptor, std::uint32_t events, EventSource& source) noexcept {
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.ptr = &source;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &wanted) == 0;
  }
  /// To be called before the descriptor is closed: a child process that still holds a copy of it
  /// would keep its events coming.
  void unwatch(int descriptor) noexcept {
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
  }
  /// Events of this turn may still name it.
  void keep_for_this_turn(std::shared_ptr<const void> closed) {
    closed_.push_back(std::move(closed));
  }

  // --- functions

  /// Has it called on the loop's thread, never from inside. Safe on every thread.
  void post(std::function<void()> what) {
    if (current() == this) return later_.push_back(std::move(what));
    const std::lock_guard lock{mutex_};
    if (posted_.empty()) wake_up();
    posted_.push_back(std::move(what));
  }
  /// Calls it at once if this is the loop's thread.
  template <class What> void dispatch(What what) {
    if (current() == this) return what();
    // A std::function wants to be able to copy what it holds.
    post([shared = std::make_shared<What>(std::move(what))] { (*shared)(); });
  }
  void after(LoopTime::duration delay, std::function<void()> then) {
    timers_.emplace(loop_now() + delay, std::move(then));
  }

  // --- deadlines

  void arm(LoopDeadline& deadline, LoopTime::duration length) {
    deadlines_.arm(deadline, length, now_);
  }
  static void disarm(LoopDeadline& deadline) noexcept { LoopDeadlineList::disarm(deadline); }

  // --- what is shared

  /// Where everything on this loop reads to; its content lives until the event's handler returns.
  /// The more slow peers have to take yet, the less is lent: what is read for them has to be kept.
  std::span<char> scratch() noexcept {
    constexpr std::size_t some = 512 << 10, much = 2 << 20;
    const auto all = std::span{scratch_};
    return kept < some ? all : all.first(kept < much ? 8 << 10 : 1 << 10);
  }

  /// Where a source reads to in read_ahead(): empty when it should read later. The content lives
  /// until all have written that are served together.
  std::span<char> room_ahead() noexcept {
    constexpr std::size_t most = 20 << 10;
    const auto left = std::span{ahead_}.subspan(ahead_used_);
    return left.size() < most || scratch().size() < scratch_.size() ? std::span<char>{}
                                                                    : left.first(most);
  }
  void took_ahead(std::size_t bytes) noexcept {
    constexpr std::size_t line = 64;
    ahead_used_ = std::min(ahead_.size(), (ahead_used_ + bytes + line - 1) / line * line);
  }
  bool is_ahead(const void* at) const noexcept {
    const std::less<const void*> before;
    return !before(at, ahead_.data()) && before(at, ahead_.data() + ahead_used_);
  }

  /// @return false when it must write at once
  bool write_later(EventSource& source) {
    if (!in_group_) return false;
    writers_.push_back(&source);
    return true;
  }

  /// "Sun, 06 Nov 1994 08:49:37 GMT", of this second.
  std::string_view http_date() {
    const auto now = ::time(nullptr);  // of the last tick, which costs next to nothing
    if (now != date_of_) {
      date_of_ = now;
      tm parts{};
      ::gmtime_r(&now, &parts);
      date_size_ = ::strftime(date_.data(), date_.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    }
    return {date_.data(), date_size_};
  }

  std::atomic<std::size_t> connections{0};  ///< of peers; counted where they are accepted
  std::size_t kept = 0;                     ///< bytes that peers have not taken

 private:
  /// How many sources are served together: with more the first would wait for the last.
  static constexpr std::size_t group = 16;

  void turn() {
    const auto events = wait_for_events();
    bool woken = false;
    for (const auto& event : events) {
      auto* const source = static_cast<EventSource*>(event.data.ptr);
      if (source)
        noted_[static_cast<std::size_t>(source->note_events(event.events))].push_back(source);
      else
        woken = true;
    }
    if (woken) take_posted();
    for (auto& sources : noted_) {
      for (auto rest = std::span{sources}; !rest.empty();) {
        const auto size = std::min(rest.size(), group);
        serve(rest.first(size));
        rest = rest.subspan(size);
      }
      sources.clear();
    }
    running_.swap(later_);
    for (const auto& what : running_) what();
    running_.clear();
    deadlines_.expire(now_);
    while (!timers_.empty() && timers_.begin()->first <= now_)
      timers_.extract(timers_.begin()).mapped()();
    // What ends with them may end more.
    while (!closed_.empty()) std::exchange(closed_, {}).clear();
  }

  std::span<const epoll_event> wait_for_events() {
    const auto begin = loop_now();
    const int timeout = milliseconds_to_wait(begin);
    std::span<const epoll_event> events;
    if (timeout != 0 && poll_.is_worthwhile()) {
      do events = ask_for_events(0);
      while (events.empty() && now_ - begin < BusyPoll::longest);
    }
    if (events.empty()) events = ask_for_events(timeout);
    if (timeout != 0) poll_.waited(now_ - begin, events.size());
    return events;
  }
  std::span<const epoll_event> ask_for_events(int timeout) {
    const int count =
        ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout);
    now_ = loop_now();
    return std::span{events_}.first(count > 0 ? static_cast<std::size_t>(count) : 0);
  }

  /// All read, then all are told, then all write: the code that the processor has at hand is used
  /// several times before other code takes its place.
  void serve(std::span<EventSource* const> sources) {
    ahead_used_ = 0;
    for (auto* const source : sources) source->read_ahead();
    in_group_ = true;
    for (auto* const source : sources) source->on_events();
    in_group_ = false;
    for (auto* const source : writers_) source->write_now();
    writers_.clear();
    for (auto* const source : sources) source->keep_ahead();
  }

  void take_posted() {
    std::uint64_t times = 0;
    (void)!::read(wake_.get(), &times, sizeof times);
    const std::lock_guard lock{mutex_};
    std::move(posted_.begin(), posted_.end(), std::back_inserter(later_));
    posted_.clear();
  }
  void wake_up() noexcept {
    const std::uint64_t once = 1;
    (void)!::write(wake_.get(), &once, sizeof once);
  }

  /// As epoll_wait() has it: -1 is "as long as it takes".
  int milliseconds_to_wait(LoopTime now) const noexcept {
    if (!later_.empty()) return 0;
    auto next = deadlines_.next();
    if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
    if (next == LoopTime::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
  }

  LoopDeadlines deadlines_;  // outlives the connections that functions may hold
  Descriptor epoll_;
  Descriptor wake_;
  bool is_usable_ = false;
  LoopTime now_ = loop_now();  ///< when this turn began
  BusyPoll poll_;
  std::array<epoll_event, 1024> events_;
  std::array<std::vector<EventSource*>, 2> noted_;  ///< in this turn, by EventSource::Turn
  std::vector<EventSource*> writers_;
  bool in_group_ = false;
  std::size_t ahead_used_ = 0;
  std::vector<std::shared_ptr<const void>> closed_;
  std::vector<std::function<void()>> later_;
  std::vector<std::function<void()>> running_;  ///< empty but for its memory, which is kept
  std::multimap<LoopTime, std::function<void()>> timers_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  ///< from other threads
  std::atomic<bool> halted_{false};
  std::array<char, 64 << 10> scratch_;
  std::array<char, 128 << 10> ahead_;
  std::array<char, 40> date_{};
  std::size_t date_size_ = 0;
  std::time_t date_of_ = -1;
  std::thread thread_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
