#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Does the same work again and again on a thread of its own, until it is destroyed.
/// @thread_safety safe
class Repeater {
 public:
  /// @param work answers how long the pause before the next round may be
  explicit Repeater(std::function<Duration()> work);

  /// The next round begins at once.
  void wake() noexcept;

 private:
  void run(const std::stop_token& stop);

  const std::function<Duration()> work_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool wanted_ = false;
  std::jthread thread_;  ///< last: it uses the others
};

/// How often a background writer looks for other processes' news: seldom when nobody asks.
/// @thread_safety safe; next() belongs to the writer
class WriterPace {
 public:
  static constexpr int idle_rounds_before_rest = 50;
  static constexpr int rest_factor = 10;

  explicit WriterPace(Duration pause) noexcept : pause_{pause} {}

  /// Somebody asks for a lease.
  /// @return whether the writer rests: it is to be woken, by this one caller
  bool asked() noexcept;
  /// After a round. @return the pause until the next one
  Duration next() noexcept;

 private:
  const Duration pause_;
  std::atomic<bool> asked_{false};    ///< since the last round
  std::atomic<bool> resting_{false};  ///< the pause is a long one
  int idle_rounds_ = 0;               ///< the writer's own
};

/// Wakes those who wait for something, and costs next to nothing while nobody does.
/// @thread_safety safe
class Bell {
 public:
  /// Something has changed: whoever waits looks again.
  void ring() noexcept;

  /// One who waits: from before the first look to after the last.
  class Listener {
   public:
    explicit Listener(Bell& bell) noexcept;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener();

    /// What rings from now on ends the next wait(): to be called before looking.
    void listen() noexcept;
    /// Returns when it has rung since listen(), or after so long.
    void wait(Duration at_most);

   private:
    Bell& bell_;
    std::uint64_t heard_ = 0;
  };

 private:
  std::atomic<std::uint32_t> listeners_{0};
  std::mutex mutex_;
  std::condition_variable rung_;
  std::uint64_t rings_ = 0;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/pool/background.ipp>
#endif
