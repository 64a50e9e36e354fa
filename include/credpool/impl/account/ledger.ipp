#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/ledger.hpp>
#include <credpool/impl/account/ledger_state.hpp>
#include <credpool/impl/account/ledger_thread.hpp>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline Unexpected ledger_ended() {
  return fail(Errc::cancelled, "holding credits for a request", {}, "the server is stopping");
}

inline std::shared_ptr<LedgerEntry> LedgerState::entry_of(std::string_view digest) {
  auto& shard = shard_of(digest);
  const std::lock_guard lock{shard.mutex};
  const auto found = shard.entries.find(digest);
  if (found != shard.entries.end()) return found->second;
  return shard.entries.emplace(digest, std::make_shared<LedgerEntry>(digest)).first->second;
}

inline bool LedgerState::usable(const LedgerEntry& entry) const {
  const auto steady = options.steady();
  return entry.known && options.now() < entry.valid_until &&
         steady - entry.checked_at < options.recheck && steady.count() < hold_until.load();
}

/// What is kept for a key beyond what its requests need: enough for a few of them.
inline Money LedgerState::chunk_of(const LedgerEntry& entry) const {
  constexpr std::int64_t few = 4;
  return std::min(most_money, std::max(options.chunk, Money{entry.usual.micros * few}));
}

inline Spend LedgerState::spend_from(const std::shared_ptr<LedgerEntry>& entry, Money amount) {
  entry->free -= amount;
  outstanding.fetch_add(1);
  Spend spend;
  spend.state_ = shared_from_this();
  spend.entry_ = entry;
  spend.held_ = amount;
  spend.period_start_ = entry->period_start;
  return spend;
}

inline std::optional<Spend> LedgerState::take_free(const std::shared_ptr<LedgerEntry>& entry,
                                                   Money amount, bool& ask) {
  entry->used_at = options.steady();
  entry->usual = amount;
  if (!entry->waiters.empty() || amount > entry->free || !usable(*entry)) return std::nullopt;
  auto spend = spend_from(entry, amount);
  // Before it runs out, or is trusted no longer, so that nobody has to wait.
  ask = (!entry->tight && entry->free < Money{chunk_of(*entry).micros / 2}) ||
        entry->used_at - entry->checked_at > options.recheck / 2;
  return spend;
}

inline std::shared_ptr<LedgerEntry> LedgerState::find_entry(std::string_view digest) {
  auto& shard = shard_of(digest);
  const std::lock_guard lock{shard.mutex};
  const auto found = shard.entries.find(digest);
  return found == shard.entries.end() ? nullptr : found->second;
}

inline std::optional<Spend> LedgerState::try_hold(std::string_view digest, Money amount) {
  if (stopping || amount < Money{} || amount > most_money) return std::nullopt;
  const auto entry = find_entry(digest);
  if (!entry) return std::nullopt;
  std::optional<Spend> spend;
  bool ask = false;
  {
    const std::lock_guard lock{entry->mutex};
    if (entry->gone) return std::nullopt;
    spend = take_free(entry, amount, ask);
    ask = ask && !std::exchange(entry->queued, entry->queued || ask);
  }
  if (ask) enqueue(entry);
  return spend;
}

inline std::optional<Result<Spend>> LedgerState::hold(std::string_view digest, Money amount,
                                                      Ledger::Granted& later) {
  if (stopping) return ledger_ended();
  if (amount < Money{} || amount > most_money)
    return fail(Errc::invalid_argument, "holding credits for a request", {},
                "the amount is out of range");
  std::shared_ptr<LedgerEntry> entry;
  std::optional<Result<Spend>> answer;
  bool ask = false;
  for (bool found = false; !found;) {
    entry = entry_of(digest);
    const std::lock_guard lock{entry->mutex};
    if (entry->gone) continue;
    found = true;
    if (auto spend = take_free(entry, amount, ask)) {
      answer = std::move(*spend);
    } else if (waiting.load() >= options.most_waiting) {
      return fail(Errc::overloaded, "holding credits for a request", {}, "too many requests wait");
    } else {
      ++waiting;
      entry->waiters.push_back(
          {amount, entry->used_at + options.wait, std::exchange(later, nullptr)});
      ask = true;
    }
    ask = ask && !std::exchange(entry->queued, entry->queued || ask);
  }
  if (ask) enqueue(entry);
  return answer;
}

inline void LedgerState::settle(const std::shared_ptr<LedgerEntry>& entry, Money held,
                                TimePoint period_start, std::optional<UsageRow> usage,
                                std::function<void(Result<void>)> done) {
  LedgerPending pending;
  auto& settlement = pending.settlement;
  pending.entry = entry;
  settlement.period_start = period_start;
  settlement.spent = usage ? usage->cost : Money{};
  bool ask = false;
  {
    const std::lock_guard lock{entry->mutex};
    const bool same = entry->known && !entry->gone && entry->period_start == period_start;
    if (settlement.spent > held) {
      if (same) entry->free -= std::min(entry->free, settlement.spent - held);
    } else if (same && !stopping) {
      entry->free += held - settlement.spent;
      if (!entry->waiters.empty())
        ask = !std::exchange(entry->queued, true);
      else if (entry->tight)
        settlement.returned = std::exchange(entry->free, Money{});
    } else {
      settlement.returned = held - settlement.spent;
    }
  }
  if (usage) {
    if (usage->at == TimePoint{}) usage->at = options.now();
    settlement.usage = std::move(usage);
  }
  pending.done = std::move(done);
  pending.queued_at = options.steady();
  if (settlement.usage || settlement.returned != Money{}) {
    if (!enqueue(pending) && pending.done) pending.done(ledger_ended());
  }
  if (ask) enqueue(entry);
  if (outstanding.fetch_sub(1) == 1 && stopping) wake();
}

inline void LedgerState::enqueue(std::shared_ptr<LedgerEntry> entry) {
  {
    const std::lock_guard lock{queue_mutex};
    if (!ended) {
      queue.push_back(std::move(entry));
      if (sleeping) queue_changed.notify_one();
      return;
    }
  }
  LedgerNews news;
  {
    const std::lock_guard lock{entry->mutex};
    refuse_if(*entry, ledger_ended().error, news, [](const auto&) { return true; });
  }
  for (const auto& tell : news) tell();
}

inline bool LedgerState::enqueue(LedgerPending& pending) {
  const std::lock_guard lock{queue_mutex};
  if (ended) return false;
  settlements.push_back(std::move(pending));
  if (sleeping && settlements.size() >= enough) queue_changed.notify_one();
  return true;
}

inline void LedgerState::wake() {
  const std::lock_guard lock{queue_mutex};
  woken = true;
  queue_changed.notify_one();
}

}  // namespace detail

CREDPOOL_INLINE const std::string& Spend::key_hash() const noexcept {
  return entry_->key_hash;
}

CREDPOOL_INLINE const AccountId& Spend::account() const noexcept {
  return entry_->account;
}

CREDPOOL_INLINE void Spend::settle(UsageRow usage, std::function<void(Result<void>)> done) {
  const auto entry = std::exchange(entry_, nullptr);
  const auto state = std::exchange(state_, nullptr);
  if (!entry) return;
  if (usage.cost < Money{} || usage.cost > most_money) {
    state->settle(entry, held_, period_start_, std::nullopt, {});
    if (done)
      done(fail(Errc::invalid_argument, "settling a request", {}, "the cost is out of range"));
    return;
  }
  state->settle(entry, held_, period_start_, std::move(usage), std::move(done));
}

CREDPOOL_INLINE void Spend::release() noexcept {
  const auto entry = std::exchange(entry_, nullptr);
  const auto state = std::exchange(state_, nullptr);
  if (entry) state->settle(entry, held_, period_start_, std::nullopt, {});
}

CREDPOOL_INLINE Ledger::Ledger(std::shared_ptr<detail::LedgerState> state) noexcept
    : state_{std::move(state)} {}

CREDPOOL_INLINE Result<std::unique_ptr<Ledger>> Ledger::start(AccountStore& store,
                                                              LedgerOptions options) {
  auto state = std::make_shared<detail::LedgerState>(store, std::move(options));
  if (auto begun = state->begin(); !begun) return fail(begun.error());
  return std::unique_ptr<Ledger>{new Ledger{std::move(state)}};
}

CREDPOOL_INLINE Ledger::~Ledger() {
  stop();
}

CREDPOOL_INLINE std::optional<Result<Spend>> Ledger::hold(std::string_view digest, Money amount,
                                                          Granted later) {
  return state_->hold(digest, amount, later);
}

CREDPOOL_INLINE std::optional<Spend> Ledger::try_hold(std::string_view digest, Money amount) {
  return state_->try_hold(digest, amount);
}

CREDPOOL_INLINE bool Ledger::knows(std::string_view digest) const {
  const auto entry = state_->find_entry(digest);
  if (!entry) return false;
  const std::lock_guard lock{entry->mutex};
  return entry->known && !entry->gone;
}

CREDPOOL_INLINE void Ledger::recheck(std::string_view key_hash) {
  std::vector<std::shared_ptr<detail::LedgerEntry>> entries;
  {
    const std::lock_guard lock{state_->names_mutex};
    const auto [first, last] = state_->by_hash.equal_range(std::string{key_hash});
    for (auto at = first; at != last; ++at)
      if (auto entry = at->second.lock()) entries.push_back(std::move(entry));
  }
  for (const auto& entry : entries) {
    const std::lock_guard lock{entry->mutex};
    ++entry->changes;
    entry->checked_at = state_->options.steady() - state_->options.recheck;
  }
}

CREDPOOL_INLINE void Ledger::stop() {
  state_->stopping = true;
  state_->wake();
  if (state_->thread.joinable()) state_->thread.join();
}

CREDPOOL_INLINE void Ledger::wake() {
  state_->wake();
}

}  // namespace credpool::inline CREDPOOL_ABI
