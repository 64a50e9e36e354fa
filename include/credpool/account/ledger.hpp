#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/period.hpp>
#include <credpool/account/store.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {
struct LedgerState;
struct LedgerEntry;
}  // namespace detail

/// How a Ledger works.
struct LedgerOptions {
  LedgerCalendar calendar;
  std::function<TimePoint()> now;                    ///< wall clock
  std::function<std::chrono::nanoseconds()> steady;  ///< monotonic clock
  /// Kept for a key beyond what its requests need, while much of its budget is left.
  Money chunk{500'000};
  /// How long this server's allowances outlive its last sign of life. Requests must end within
  /// half of it: with less than that left, nothing more is held.
  Duration lease{600'000};
  /// How long a key is trusted without asking the store: what another host changed (revoked,
  /// disabled, a smaller limit) holds here after that time at the latest.
  Duration recheck{5'000};
  /// What a key has not used for that long goes back.
  Duration idle{2'000};
  /// How long a request waits for credits that others hold now. Zero: it is refused at once.
  Duration wait{2'000};
  /// How long a settlement may take before its caller is told that it is not durable yet; it is
  /// tried again all the same.
  Duration settle_patience{10'000};
  /// How long stop() waits for requests that are still under way.
  Duration stop_patience{10'000};
  std::size_t most_waiting = 10'000;  ///< requests; more are Errc::overloaded
  std::size_t most_batch = 1'024;     ///< settlements in one transaction
};

/// Money that is held for one request. It is settled once, or goes back when this object ends.
///
/// @thread_safety caller serialises; may be used in any thread, and outlive its Ledger
class Spend {
 public:
  Spend() noexcept = default;
  Spend(Spend&&) noexcept = default;
  Spend& operator=(Spend&& other) noexcept {
    release();
    state_ = std::move(other.state_);
    entry_ = std::move(other.entry_);
    held_ = other.held_;
    period_start_ = other.period_start_;
    return *this;
  }
  ~Spend() { release(); }

  /// Whether money is held; false after settle() and release().
  explicit operator bool() const noexcept { return entry_ != nullptr; }

  const std::string& key_hash() const noexcept;  ///< there must be something held
  const AccountId& account() const noexcept;     ///< likewise
  Money held() const noexcept { return held_; }

  /// Says what the request has cost: `usage.cost`, also more than was held, or nothing. `key_hash`
  /// and `account` are filled in, `at` when it is the epoch. Does not block.
  ///
  /// @param done called once: in the ledger's thread when it is durable, or with an error when
  ///             that takes too long (it will be durable later, if the server lives); or at once
  ///             with invalid_argument for a cost below zero or beyond sense (what was held goes
  ///             back then), and with cancelled after the ledger's end. May be empty; must not
  ///             throw or block
  void settle(UsageRow usage, std::function<void(Result<void>)> done);

  /// Nothing was spent: what was held goes back. Does not block.
  void release() noexcept;

 private:
  friend struct detail::LedgerState;

  std::shared_ptr<detail::LedgerState> state_;
  std::shared_ptr<detail::LedgerEntry> entry_;
  Money held_;
  TimePoint period_start_{};
};

/// Holds money for requests and settles them, in memory, over an AccountStore.
///
/// A key spends from an allowance that the store has granted to this server; a request takes its
/// upper bound from it without asking anybody. One thread of its own talks to the store: it commits
/// all settlements that wait in one transaction, gets larger allowances, and gives idle ones back.
/// No lock is held meanwhile.
///
/// Since the store grants an allowance only from what is left, the sum of what all servers hold and
/// have spent never exceeds a limit or a balance, as long as no request costs more than was held
/// for it. After a crash what was not settled was not acknowledged; its allowance comes back.
///
/// @thread_safety safe
class Ledger {
 public:
  /// Gets a hold that was waited for, or why there is none. In the ledger's thread; must not throw
  /// or block.
  using Granted = std::function<void(Result<Spend>)>;

  /// Takes back what this server held in an earlier life, and starts.
  ///
  /// @param store must outlive the ledger; only one ledger spends from a store object
  /// @errors those of the store: busy when another server spends from the same file
  static Result<std::unique_ptr<Ledger>> start(AccountStore& store, LedgerOptions options);
  ~Ledger();  ///< stop()

  /// Holds money for one request. Does not block.
  ///
  /// @param digest SHA-256 of the key, 64 hexadecimal digits
  /// @param amount the most that the request can cost
  /// @param later  called once when the answer is none
  /// @return what is held, or why nothing is; none: that is said later
  /// @errors those of AccountStore::reserve(); overloaded when too many wait; invalid_argument for
  ///         an amount below zero or over most_money; cancelled after stop(); conflict when another
  ///         server has taken this one's name; not_found while it begins anew, having been silent
  ///         for too long; those of a store that cannot be reached
  std::optional<Result<Spend>> hold(std::string_view digest, Money amount, Granted later);

  /// hold() of what is there at once, which is nearly always, for callers to whom making `later`
  /// is dear.
  /// @return none: nothing is held, and hold() may say why
  std::optional<Spend> try_hold(std::string_view digest, Money amount);

  /// Whether the store has found the key good not long ago: somebody who has used it lately. Does
  /// not block.
  bool knows(std::string_view digest) const;

  /// Asks the store about a key before it is used again: after it was changed on this host.
  void recheck(std::string_view key_hash);

  /// Holds nothing more, waits for requests under way, settles what is there, gives everything
  /// back, and ends the thread. Further calls do nothing.
  void stop();

  /// Looks at the clock: for one that jumps.
  void wake();

 private:
  explicit Ledger(std::shared_ptr<detail::LedgerState> state) noexcept;

  std::shared_ptr<detail::LedgerState> state_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/ledger.ipp>
#endif
