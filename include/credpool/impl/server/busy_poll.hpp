#pragma once
// SPDX-License-Identifier: MIT

// Whether a loop sleeps until something happens, or asks again and again. Internal.

#include <credpool/impl/server/loop_deadline.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Learns from how long its loop waited. To sleep and be woken up costs a virtual machine some 60
/// us, and the work on a request 20: where one wait after the other is short, asking until it ends
/// takes less of the processor and of the peers' time. Not where several come at once: they share
/// being woken up, and while that takes its time more of them come together.
class BusyPoll {
 public:
  /// How long one wait is polled for before the loop sleeps: what peers on this machine need that
  /// have to be woken up themselves.
  static constexpr LoopTime::duration longest = std::chrono::microseconds{150};

  /// Below that nobody waited: something was there already.
  static constexpr LoopTime::duration shortest = std::chrono::microseconds{5};

  /// How many events end a wait that may be polled for.
  static constexpr std::size_t most_events = 3;

  bool is_worthwhile() const noexcept { return credit_ >= enough; }

  /// @param time how long the loop waited, asleep or not
  /// @param events how many ended that
  void waited(LoopTime::duration time, std::size_t events) noexcept {
    const bool polled = is_worthwhile();
    if (time < shortest && events <= most_events) return;
    if (time <= longest && events <= most_events) {
      credit_ = std::min(credit_ + 1, 2 * enough);
      if (polled) price_ = std::max(price_ / 2, least);
    } else if (polled) {
      // Each time in vain costs twice as much as the one before: who waits for somebody that needs
      // this very core would find only short waits asleep, and only long ones awake.
      credit_ -= price_;
      price_ = std::min(2 * price_, most);
    } else {
      credit_ = std::min(credit_, 0);
    }
  }

 private:
  static constexpr int enough = 16, least = 8, most = 4096;
  int credit_ = 0;  ///< in short waits
  int price_ = least;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
