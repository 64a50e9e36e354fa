#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A map of bounded size: what was not used for longest is forgotten first.
template <class Value> class RecentlyUsed {
 public:
  explicit RecentlyUsed(std::size_t most) : most_{most} {}

  /// The entry of a key, made when it is missing; it becomes the most recently used.
  Value& at(std::string_view key) {
    if (auto* found = find(key)) return *found;
    if (entries_.size() >= most_ && !entries_.empty()) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(std::string{key}, Value{});
    places_.emplace(entries_.front().first, entries_.begin());
    return entries_.front().second;
  }
  Value* find(std::string_view key) {
    const auto place = places_.find(key);
    if (place == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, place->second);
    return &place->second->second;
  }
  void erase(std::string_view key) {
    const auto place = places_.find(key);
    if (place == places_.end()) return;
    const auto entry = place->second;
    places_.erase(place);
    entries_.erase(entry);
  }
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;
  std::size_t most_;
  Entries entries_;
  std::unordered_map<std::string_view, typename Entries::iterator> places_;  // views into entries_
};

}  // namespace detail

/// How many calls somebody may make.
struct RateLimit {
  std::uint32_t burst = 0;  ///< at once; 0: without limit
  Duration every{1'000};    ///< one more after each of these
};

/// Counts calls by caller (the generic cell rate algorithm: one time stamp for each caller).
///
/// @thread_safety safe
class RateLimiter {
 public:
  /// @param most_callers of whom it remembers something; the one not seen for longest is forgotten
  explicit RateLimiter(RateLimit limit, std::size_t most_callers = 20'000)
      : limit_{limit}, full_at_(most_callers) {}

  /// Takes one call.
  /// @return none when it may be made; else how long to wait, and nothing was taken
  std::optional<Duration> take(std::string_view caller, TimePoint now);

 private:
  RateLimit limit_;
  std::mutex mutex_;
  detail::RecentlyUsed<TimePoint> full_at_;  // when the caller has its whole burst again
};

/// How fast guessing becomes slow.
struct BackoffRule {
  std::uint32_t free_failures = 5;  ///< before anybody has to wait
  Duration first{1'000};            ///< after the next one; doubled by each that follows
  Duration longest{900'000};
};

/// Makes those wait who failed often: for guesses of passwords.
///
/// An attempt counts as failed from its beginning, so that guesses made at the same time are
/// counted like those made in turn. One failure is forgiven for each `longest` that passes quietly.
/// @thread_safety safe
class FailureBackoff {
 public:
  explicit FailureBackoff(BackoffRule rule, std::size_t most_callers = 20'000)
      : rule_{rule}, callers_(most_callers) {}

  /// Begins an attempt.
  /// @return none when it may go on; else how long to wait, and nothing was counted
  std::optional<Duration> attempt(std::string_view caller, TimePoint now);
  /// The attempt succeeded: all that the caller failed before is forgotten.
  void succeeded(std::string_view caller);
  /// The attempt does not count; earlier failures do.
  void take_back(std::string_view caller);

 private:
  struct Record {
    std::uint32_t failures = 0;
    TimePoint last{};
    TimePoint until{};
  };

  BackoffRule rule_;
  std::mutex mutex_;
  detail::RecentlyUsed<Record> callers_;
};

/// The name under which a network address is counted: an IPv6 address by its /64, since one
/// customer has all of it; anything else as it is.
std::string counted_peer(std::string_view address);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/rate_limit.ipp>
#endif
