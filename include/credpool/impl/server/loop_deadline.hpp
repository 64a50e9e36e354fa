#pragma once
// SPDX-License-Identifier: MIT

// Deadlines of thousands of connections at the cost of one timer. Internal.

#include <credpool/core/clock.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

using LoopTime = std::chrono::steady_clock::time_point;

inline LoopTime loop_now() noexcept {
  return LoopTime{std::chrono::duration_cast<LoopTime::duration>(SystemClock{}.steady())};
}

class LoopDeadlineList;

/// Something that must happen before a moment. In at most one list at a time.
class LoopDeadline {
 public:
  LoopDeadline() = default;
  LoopDeadline(const LoopDeadline&) = delete;
  LoopDeadline& operator=(const LoopDeadline&) = delete;
  virtual void on_deadline() = 0;
  bool armed() const noexcept { return list_ != nullptr; }

 protected:
  ~LoopDeadline() = default;

 private:
  friend class LoopDeadlineList;
  LoopDeadlineList* list_ = nullptr;
  LoopDeadline* before_ = nullptr;
  LoopDeadline* behind_ = nullptr;
  LoopTime due_{};
};

/// Deadlines of one length: the order in which they are armed is the order in which they are due.
class LoopDeadlineList {
 public:
  explicit LoopDeadlineList(LoopTime::duration length) noexcept : length_{length} {}

  LoopTime::duration length() const noexcept { return length_; }
  LoopDeadline* first() const noexcept { return first_; }
  LoopTime first_due() const noexcept { return first_->due_; }

  LoopTime arm(LoopDeadline& deadline, LoopTime now) noexcept {
    disarm(deadline);
    deadline.due_ = now + length_;
    deadline.list_ = this;
    deadline.before_ = last_;
    (last_ ? last_->behind_ : first_) = &deadline;
    last_ = &deadline;
    return deadline.due_;
  }

  static void disarm(LoopDeadline& deadline) noexcept {
    auto* list = std::exchange(deadline.list_, nullptr);
    if (!list) return;
    (deadline.before_ ? deadline.before_->behind_ : list->first_) = deadline.behind_;
    (deadline.behind_ ? deadline.behind_->before_ : list->last_) = deadline.before_;
    deadline.before_ = deadline.behind_ = nullptr;
  }

 private:
  LoopTime::duration length_;
  LoopDeadline* first_ = nullptr;
  LoopDeadline* last_ = nullptr;
};

/// One list for each length that is asked for.
class LoopDeadlines {
 public:
  /// @return when it is due
  LoopTime arm(LoopDeadline& deadline, LoopTime::duration length, LoopTime now) {
    for (auto& list : lists_)
      if (list.length() == length) return list.arm(deadline, now);
    return lists_.emplace_back(length).arm(deadline, now);
  }

  /// Tells all that are due, and takes them out before.
  void expire(LoopTime now) {
    // By number: who is told may ask for a length that has no list yet.
    for (std::size_t i = 0; i < lists_.size(); ++i) {
      auto& list = lists_[i];
      while (list.first() && list.first_due() <= now) {
        auto& deadline = *list.first();
        LoopDeadlineList::disarm(deadline);
        deadline.on_deadline();
      }
    }
  }

  /// When the next one is due; the maximum when there is none.
  LoopTime next() const noexcept {
    auto earliest = LoopTime::max();
    for (const auto& list : lists_)
      if (list.first() && list.first_due() < earliest) earliest = list.first_due();
    return earliest;
  }

 private:
  std::deque<LoopDeadlineList> lists_;  // they stay where they are
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
