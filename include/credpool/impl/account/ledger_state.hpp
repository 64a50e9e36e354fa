#pragma once
// SPDX-License-Identifier: MIT

// What a Ledger holds in memory. Internal: included by .ipp files only.

#include <credpool/account/ledger.hpp>
#include <credpool/impl/account/allowance.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

using LedgerTime = std::chrono::nanoseconds;  ///< of the monotonic clock

struct LedgerTextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

/// A request that waits for credits.
struct LedgerWaiter {
  Money need;
  LedgerTime until{};
  Ledger::Granted granted;
};

/// What this server knows of one key value.
struct LedgerEntry {
  explicit LedgerEntry(std::string_view of) : digest{of} {}

  const std::string digest;
  std::mutex mutex;
  // Written once, before the first hold.
  std::string key_hash;
  AccountId account;

  // Under the mutex:
  bool known = false;   ///< the store has granted an allowance, and what follows is of it
  bool gone = false;    ///< no longer in the table
  bool queued = false;  ///< the thread has it in hand, or will have
  bool tight = false;   ///< see Allowance
  Money free;           ///< granted and not held
  TimePoint period_start{};
  TimePoint valid_until{};
  LedgerTime checked_at{};
  LedgerTime used_at{};
  Money usual;                ///< what the newest request has asked for
  std::uint64_t changes = 0;  ///< how often somebody has changed the key on this host
  std::deque<LedgerWaiter> waiters;

  // The thread's own:
  std::string request_id;           ///< of a reservation whose outcome is unknown
  std::uint64_t asked_changes = 0;  ///< changes, and
  LedgerTime asked_at{};            ///< the time, when the store was asked
  Money asked_free;                 ///< what was free then
  bool retrying = false;            ///< it is in LedgerState::retrying
};

/// A settlement that waits to be made durable, and who wants to know.
struct LedgerPending {
  std::shared_ptr<const LedgerEntry> entry;  ///< whose key and account it is
  Settlement settlement;                     ///< they and the day are filled in by the thread
  std::function<void(Result<void>)> done;
  LedgerTime queued_at{};
};

/// What is to be told when no lock is held.
using LedgerNews = std::vector<std::function<void()>>;

struct LedgerState : std::enable_shared_from_this<LedgerState> {
  LedgerState(AccountStore& with, LedgerOptions how) : store{with}, options{std::move(how)} {}

  AccountStore& store;
  const LedgerOptions options;

  // --- the table of keys

  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<LedgerEntry>, LedgerTextHash, std::equal_to<>>
        entries;
  };
  std::array<Shard, 32> shards;

  std::mutex names_mutex;
  std::unordered_multimap<std::string, std::weak_ptr<LedgerEntry>> by_hash;

  Shard& shard_of(std::string_view digest) {
    return shards[LedgerTextHash{}(digest) % shards.size()];
  }
  std::shared_ptr<LedgerEntry> entry_of(std::string_view digest);
  void forget(const std::shared_ptr<LedgerEntry>& entry);

  // --- the caller's side

  std::atomic<LedgerTime::rep> hold_until{0};  ///< of the lease, less its guard
  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> waiting{0};
  std::atomic<std::size_t> outstanding{0};

  std::optional<Result<Spend>> hold(std::string_view digest, Money amount, Ledger::Granted& later);
  std::optional<Spend> try_hold(std::string_view digest, Money amount);
  /// Of what is free, if that is enough; with the entry's mutex held.
  /// @param ask becomes true when the store has to be asked for more
  std::optional<Spend> take_free(const std::shared_ptr<LedgerEntry>& entry, Money amount,
                                 bool& ask);
  std::shared_ptr<LedgerEntry> find_entry(std::string_view digest);
  Spend spend_from(const std::shared_ptr<LedgerEntry>& entry, Money amount);
  bool usable(const LedgerEntry& entry) const;
  Money chunk_of(const LedgerEntry& entry) const;
  void settle(const std::shared_ptr<LedgerEntry>& entry, Money held, TimePoint period_start,
              std::optional<UsageRow> usage, std::function<void(Result<void>)> done);

  // --- between callers and the thread

  std::mutex queue_mutex;
  std::condition_variable queue_changed;
  bool sleeping = false;   ///< the thread waits: it has to be woken
  std::size_t enough = 1;  ///< settlements for which it is woken
  bool woken = false;
  bool ended = false;  ///< nothing is taken any more
  std::deque<LedgerPending> settlements;
  std::vector<std::shared_ptr<LedgerEntry>> queue;  ///< keys with something to do

  void enqueue(std::shared_ptr<LedgerEntry> entry);
  /// @return false after the end: it was not taken, `pending` is as it was
  bool enqueue(LedgerPending& pending);
  void wake();

  // --- the thread

  std::jthread thread;
  std::uint64_t numbers = 0;
  std::string life;  ///< names this ledger among all that ever were
  /// In the store's hands, or to be tried again; `batch[n]` is told of `batch_settlements[n]`.
  std::vector<Settlement> batch_settlements;
  std::vector<LedgerPending> batch;
  std::vector<LedgerPending> told;  ///< its memory is kept
  std::string batch_id;
  LedgerTime batch_retry{};
  Duration batch_backoff{};
  std::vector<std::shared_ptr<LedgerEntry>> retrying;  ///< their waiters wait for others' credits
  LedgerTime retry_at{};
  std::unordered_map<AccountId, std::unordered_map<const LedgerEntry*, std::weak_ptr<LedgerEntry>>>
      by_account;
  LedgerTime extend_at{}, sweep_at{};
  std::optional<Error> fenced;

  LimitPeriod today;
  LedgerTime stop_at{};

  Result<void> begin();
  void run();
  std::vector<std::shared_ptr<LedgerEntry>> wait_for_work();
  void gather(std::unique_lock<std::mutex>& lock);
  LedgerTime next_wake();
  void round(std::vector<std::shared_ptr<LedgerEntry>> entries);

  void commit_batch(LedgerNews& news);
  void take_batch();
  void batch_failed(const Error& error, LedgerNews& news);
  const std::string& day_of(TimePoint when);

  std::optional<AllowanceRequest> prepare(const std::shared_ptr<LedgerEntry>& entry,
                                          LedgerNews& news);
  void apply(const std::shared_ptr<LedgerEntry>& entry, const Result<Allowance>& answer,
             LedgerNews& news);
  void granted(const std::shared_ptr<LedgerEntry>& entry, const Allowance& allowance,
               LedgerNews& news);
  void refused(const std::shared_ptr<LedgerEntry>& entry, const Error& error, LedgerNews& news);
  void failed(const std::shared_ptr<LedgerEntry>& entry, const Error& error, LedgerNews& news);
  void learn_names(const std::shared_ptr<LedgerEntry>& entry, const std::string& key_hash,
                   const AccountId& account);
  void retry_later(const std::shared_ptr<LedgerEntry>& entry);
  void retry_now(const std::unordered_set<AccountId>& accounts);
  void retry_due();
  void look_at(const std::shared_ptr<LedgerEntry>& entry);
  void call_in(const AccountId& account);
  void extend();
  bool begin_anew();
  void drop_allowances();
  std::vector<std::shared_ptr<LedgerEntry>> all_entries();
  void sweep();
  void refuse_everybody(const Error& error, bool for_good);
  bool drained_queue();
  void finish();

  // With the entry's mutex held:
  void give_back(const std::shared_ptr<LedgerEntry>& entry);
  void serve(const std::shared_ptr<LedgerEntry>& entry, LedgerNews& news);
  AllowanceRequest request_for(LedgerEntry& entry) const;
  void refuse_if(LedgerEntry& entry, const Error& error, LedgerNews& news,
                 const std::function<bool(const LedgerWaiter&)>& which);
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
