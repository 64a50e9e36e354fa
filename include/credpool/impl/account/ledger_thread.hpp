#pragma once
// SPDX-License-Identifier: MIT

// The thread of a Ledger: the only one that talks to the store. Internal: included by .ipp files
// only.

#include <credpool/impl/account/ledger_state.hpp>

#include <array>
#include <random>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr Duration ledger_retry{50};  ///< while others hold what is wanted
inline constexpr std::chrono::microseconds ledger_gather{200};
inline constexpr std::size_t ledger_most_asked = 256;  ///< keys in one transaction

inline void tell_all(LedgerNews& news) {
  for (const auto& tell : std::exchange(news, {})) tell();
}

inline Result<void> LedgerState::begin() {
  std::random_device random;
  life = std::to_string(random()) + std::to_string(random()) + std::to_string(random());
  const auto now = options.now();
  const auto steady = options.steady();
  if (auto taken_back = store.reclaim(now, true); !taken_back) return taken_back;
  if (auto alive = store.extend(now, now + options.lease); !alive) return alive;
  hold_until = (steady + LedgerTime{options.lease} / 2).count();
  extend_at = steady + LedgerTime{options.lease} / 10;
  sweep_at = steady + LedgerTime{options.idle} / 2;
  thread = std::jthread{[this] { run(); }};
  return {};
}

inline void LedgerState::run() {
  for (bool told = false;;) {
    round(wait_for_work());
    if (!stopping) continue;
    if (!std::exchange(told, true)) {
      stop_at = options.steady() + options.stop_patience;
      refuse_everybody(
          fail(Errc::cancelled, "holding credits for a request", {}, "the server is stopping")
              .error,
          false);
    }
    const bool done = outstanding == 0 && batch.empty() && drained_queue();
    if (done || options.steady() >= stop_at) return finish();
  }
}

inline LedgerTime LedgerState::next_wake() {
  auto next = std::min(extend_at, sweep_at);
  if (!retrying.empty()) next = std::min(next, retry_at);
  if (!batch.empty()) next = std::min(next, batch_retry);
  return next;
}

/// Lets those come along that are about to settle as well: a commit costs nearly the same for one
/// and for many, so half of all that are under way are waited for, for a moment.
inline void LedgerState::gather(std::unique_lock<std::mutex>& lock) {
  if (woken || stopping || !queue.empty() || !batch.empty() || settlements.empty()) return;
  enough = std::min((settlements.size() + outstanding) / 2, options.most_batch);
  sleeping = true;
  queue_changed.wait_for(lock, ledger_gather,
                         [&] { return woken || !queue.empty() || settlements.size() >= enough; });
  sleeping = false;
  enough = 1;
}

inline std::vector<std::shared_ptr<LedgerEntry>> LedgerState::wait_for_work() {
  std::unique_lock lock{queue_mutex};
  const auto ready = [&] {
    return woken || !queue.empty() || (batch.empty() && !settlements.empty());
  };
  const auto left = std::min<LedgerTime>(next_wake() - options.steady(), std::chrono::seconds{1});
  if (!ready() && left > LedgerTime::zero()) {
    sleeping = true;
    queue_changed.wait_for(lock, left, ready);
    sleeping = false;
  }
  gather(lock);
  woken = false;
  if (queue.size() <= ledger_most_asked) return std::exchange(queue, {});
  const auto end = queue.begin() + static_cast<std::ptrdiff_t>(ledger_most_asked);
  std::vector<std::shared_ptr<LedgerEntry>> some{std::make_move_iterator(queue.begin()),
                                                 std::make_move_iterator(end)};
  queue.erase(queue.begin(), end);
  return some;
}

inline void LedgerState::round(std::vector<std::shared_ptr<LedgerEntry>> entries) {
  LedgerNews news;
  if (options.steady() >= extend_at) extend();
  std::vector<std::shared_ptr<LedgerEntry>> asked;
  std::vector<AllowanceRequest> requests;
  for (auto& entry : entries)
    if (auto request = prepare(entry, news)) {
      requests.push_back(*std::move(request));
      asked.push_back(std::move(entry));
    }
  tell_all(news);
  // First what comes back, then what is asked for.
  commit_batch(news);
  tell_all(news);
  if (!requests.empty()) {
    const auto answers = store.reserve_all(requests);
    for (std::size_t i = 0; i < asked.size(); ++i) apply(asked[i], answers[i], news);
    tell_all(news);
  }
  if (!retrying.empty() && options.steady() >= retry_at) retry_due();
  if (options.steady() >= sweep_at) sweep();
}

// --- settlements

inline const std::string& LedgerState::day_of(TimePoint when) {
  if (when < today.start || when >= today.end || today.first_day.starts_with("0000"))
    today = options.calendar.period(LimitReset::daily, when);
  return today.first_day;
}

inline void LedgerState::take_batch() {
  {
    const std::lock_guard lock{queue_mutex};
    while (!settlements.empty() && batch.size() < options.most_batch) {
      batch.push_back(std::move(settlements.front()));
      settlements.pop_front();
    }
  }
  for (auto& pending : batch) {
    auto& settlement = pending.settlement;
    settlement.key_hash = pending.entry->key_hash;
    settlement.account = pending.entry->account;
    if (settlement.usage) settlement.day = day_of(settlement.usage->at);
    batch_settlements.push_back(std::move(pending.settlement));
  }
  batch_id = life + ':' + std::to_string(++numbers);
  batch_retry = {};
  batch_backoff = Duration{50};
}

inline void LedgerState::commit_batch(LedgerNews& news) {
  if (batch.empty()) take_batch();
  if (batch.empty() || options.steady() < batch_retry) return;
  const auto settled = store.settle(batch_settlements, batch_id);
  if (!settled) return batch_failed(settled.error(), news);
  if (!retrying.empty()) {
    std::unordered_set<AccountId> accounts;
    for (auto& settlement : batch_settlements) accounts.insert(std::move(settlement.account));
    retry_now(accounts);
  }
  batch_settlements.clear();
  // No lock is held: they are told without a detour.
  told.swap(batch);
  for (auto& pending : told)
    if (pending.done) pending.done(Result<void>{});
  told.clear();
}

inline void LedgerState::batch_failed(const Error& error, LedgerNews& news) {
  const auto steady = options.steady();
  batch_retry = steady + batch_backoff;
  batch_backoff = std::min(batch_backoff * 2, Duration{2'000});
  const auto told = [&](LedgerPending& pending) {
    if (!pending.done || steady - pending.queued_at < options.settle_patience) return;
    news.emplace_back(
        [done = std::exchange(pending.done, nullptr), error] { done(Unexpected{error}); });
  };
  for (auto& pending : batch) told(pending);
  const std::lock_guard lock{queue_mutex};
  for (auto& pending : settlements) told(pending);
}

inline void LedgerState::give_back(const std::shared_ptr<LedgerEntry>& entry) {
  if (entry->free == Money{}) return;
  LedgerPending pending;
  pending.entry = entry;
  pending.settlement.period_start = entry->period_start;
  pending.settlement.returned = std::exchange(entry->free, Money{});
  pending.queued_at = options.steady();
  enqueue(pending);
}

// --- allowances

inline void LedgerState::serve(const std::shared_ptr<LedgerEntry>& entry, LedgerNews& news) {
  while (!entry->waiters.empty() && entry->waiters.front().need <= entry->free && usable(*entry)) {
    auto spend = std::make_shared<Spend>(spend_from(entry, entry->waiters.front().need));
    news.emplace_back([spend, granted = std::move(entry->waiters.front().granted)] {
      if (granted) granted(std::move(*spend));
    });
    entry->waiters.pop_front();
    --waiting;
  }
}

inline void LedgerState::refuse_if(LedgerEntry& entry, const Error& error, LedgerNews& news,
                                   const std::function<bool(const LedgerWaiter&)>& which) {
  std::erase_if(entry.waiters, [&](LedgerWaiter& waiter) {
    if (!which(waiter)) return false;
    --waiting;
    news.emplace_back([granted = std::move(waiter.granted), error] {
      if (granted) granted(Unexpected{error});
    });
    return true;
  });
}

inline AllowanceRequest LedgerState::request_for(LedgerEntry& entry) const {
  const auto now = options.now();
  AllowanceRequest request;
  request.key_digest = entry.digest;
  Money sum;
  for (const auto& waiter : entry.waiters) sum = std::min(sum + waiter.need, most_money);
  if (!entry.waiters.empty())
    request.least = std::max(Money{}, entry.waiters.front().need - entry.free);
  request.wanted = std::max(request.least, sum - entry.free);
  request.most = std::max(request.wanted, sum + chunk_of(entry) - entry.free);
  request.idle = entry.free;
  request.period = [this, now](LimitReset reset) { return options.calendar.period(reset, now); };
  request.now = now;
  request.expires_at = now + options.lease;
  return request;
}

/// Serves whom the entry can serve by itself. @return what has to be asked of the store
inline std::optional<AllowanceRequest> LedgerState::prepare(
    const std::shared_ptr<LedgerEntry>& entry, LedgerNews& news) {
  const std::lock_guard lock{entry->mutex};
  const auto nothing = [&] {
    entry->queued = false;
    return std::nullopt;
  };
  if (entry->gone) return nothing();
  if (entry->known && options.now() >= entry->valid_until) {
    give_back(entry);
    entry->known = false;
  }
  serve(entry, news);
  if (fenced) {
    refuse_if(*entry, *fenced, news, [](const auto&) { return true; });
    return nothing();
  }
  const auto steady = options.steady();
  if (steady.count() >= hold_until.load()) {
    const auto error = fail(Errc::timeout, "holding credits for a request", {},
                            "the accounts' store has not answered for long")
                           .error;
    refuse_if(*entry, error, news, [&](const auto& waiter) { return waiter.until <= steady; });
    if (!entry->waiters.empty()) retry_later(entry);
    return nothing();
  }
  auto request = request_for(*entry);
  if (entry->request_id.empty()) entry->request_id = life + ':' + std::to_string(++numbers);
  request.id = entry->request_id;
  entry->asked_changes = entry->changes;
  entry->asked_at = steady;
  entry->asked_free = entry->free;
  return request;
}

inline void LedgerState::apply(const std::shared_ptr<LedgerEntry>& entry,
                               const Result<Allowance>& answer, LedgerNews& news) {
  if (answer) {
    entry->request_id.clear();
    granted(entry, *answer, news);
  } else if (is_refusal(answer.error())) {
    entry->request_id.clear();
    refused(entry, answer.error(), news);
  } else {
    failed(entry, answer.error(), news);
  }
}

inline void LedgerState::learn_names(const std::shared_ptr<LedgerEntry>& entry,
                                     const std::string& key_hash, const AccountId& account) {
  if (!entry->key_hash.empty()) return;
  entry->key_hash = key_hash;
  entry->account = account;
  by_account[account].emplace(entry.get(), entry);
  const std::lock_guard lock{names_mutex};
  by_hash.emplace(key_hash, entry);
}

inline void LedgerState::granted(const std::shared_ptr<LedgerEntry>& entry,
                                 const Allowance& allowance, LedgerNews& news) {
  bool again = false;
  {
    const std::lock_guard lock{entry->mutex};
    learn_names(entry, allowance.key_hash, allowance.account);
    if (entry->known && entry->period_start != allowance.period_start) give_back(entry);
    entry->known = true;
    entry->period_start = allowance.period_start;
    entry->valid_until = allowance.valid_until;
    entry->tight = allowance.tight;
    entry->free += allowance.amount;
    if (entry->changes == entry->asked_changes) entry->checked_at = entry->asked_at;
    serve(entry, news);
    again = entry->queued = !entry->waiters.empty();
    if (!again && (entry->tight || stopping)) give_back(entry);
  }
  if (again) enqueue(entry);
}

inline void LedgerState::refused(const std::shared_ptr<LedgerEntry>& entry, const Error& error,
                                 LedgerNews& news) {
  const bool of_key = error.errc() == Errc::unauthorized || error.errc() == Errc::forbidden;
  bool again = false, wait = false;
  {
    const std::lock_guard lock{entry->mutex};
    if (of_key) {
      give_back(entry);
      entry->known = entry->queued = false;
      entry->gone = true;
      refuse_if(*entry, error, news, [](const auto&) { return true; });
    } else {
      // The key itself is good.
      if (entry->changes == entry->asked_changes) entry->checked_at = entry->asked_at;
      entry->tight = true;
      // Something came back meanwhile: it is another question then.
      const bool more = entry->free != entry->asked_free;
      if (!more && !entry->waiters.empty()) {
        const auto& front = entry->waiters.front();
        wait = error.retry_at && front.until > options.steady();
        // Whoever needs as much is refused as well: it is the same moment.
        const auto need = front.need;
        auto last = error;
        last.retry_at.reset();
        if (!wait)
          refuse_if(*entry, last, news, [&](const auto& waiter) { return waiter.need >= need; });
      }
      again = !wait && !entry->waiters.empty();
      entry->queued = again;
      if (!again && !wait) give_back(entry);
    }
  }
  if (of_key) forget(entry);
  if (wait) {
    // A key that was never granted anything: whose it is says who has to give something back.
    if (entry->key_hash.empty())
      if (const auto key = store.key_by_digest(entry->digest); key && *key) {
        const std::lock_guard lock{entry->mutex};
        learn_names(entry, (*key)->hash, (*key)->account);
      }
    retry_later(entry);
    call_in(entry->account);
  }
  if (again) enqueue(entry);
}

/// The store could not answer: whoever may still wait does.
inline void LedgerState::failed(const std::shared_ptr<LedgerEntry>& entry, const Error& error,
                                LedgerNews& news) {
  const auto steady = options.steady();
  const std::lock_guard lock{entry->mutex};
  refuse_if(*entry, error, news, [&](const auto& waiter) { return waiter.until <= steady; });
  entry->queued = false;
  if (!entry->waiters.empty()) retry_later(entry);
}

inline void LedgerState::retry_later(const std::shared_ptr<LedgerEntry>& entry) {
  if (std::exchange(entry->retrying, true)) return;
  if (retrying.empty()) retry_at = options.steady() + ledger_retry;
  retrying.push_back(entry);
}

inline void LedgerState::look_at(const std::shared_ptr<LedgerEntry>& entry) {
  {
    const std::lock_guard lock{entry->mutex};
    if (std::exchange(entry->queued, true)) return;
  }
  enqueue(entry);
}

/// Entries of those accounts are looked at again at once: something has come back.
inline void LedgerState::retry_now(const std::unordered_set<AccountId>& accounts) {
  std::vector<std::shared_ptr<LedgerEntry>> due;
  std::erase_if(retrying, [&](const auto& entry) {
    if (due.size() >= ledger_most_asked || !accounts.contains(entry->account)) return false;
    entry->retrying = false;
    due.push_back(entry);
    return true;
  });
  for (const auto& entry : due) look_at(entry);
}

inline void LedgerState::retry_due() {
  retry_at = options.steady() + ledger_retry;
  const auto count = std::min(retrying.size(), ledger_most_asked);
  for (std::size_t i = 0; i < count; ++i) {
    retrying[i]->retrying = false;
    look_at(retrying[i]);
  }
  retrying.erase(retrying.begin(), retrying.begin() + static_cast<std::ptrdiff_t>(count));
}

/// What idles with other keys of the account goes back, since one key wants it.
inline void LedgerState::call_in(const AccountId& account) {
  const auto found = by_account.find(account);
  if (found == by_account.end()) return;
  for (const auto& [address, weak] : found->second)
    if (const auto entry = weak.lock()) {
      const std::lock_guard lock{entry->mutex};
      if (entry->waiters.empty() && !entry->queued) give_back(entry);
    }
}

inline void LedgerState::forget(const std::shared_ptr<LedgerEntry>& entry) {
  {
    auto& shard = shard_of(entry->digest);
    const std::lock_guard lock{shard.mutex};
    const auto found = shard.entries.find(entry->digest);
    if (found != shard.entries.end() && found->second == entry) shard.entries.erase(found);
  }
  if (entry->key_hash.empty()) return;
  if (const auto found = by_account.find(entry->account); found != by_account.end()) {
    found->second.erase(entry.get());
    if (found->second.empty()) by_account.erase(found);
  }
  const std::lock_guard lock{names_mutex};
  const auto [first, last] = by_hash.equal_range(entry->key_hash);
  for (auto at = first; at != last;)
    at = at->second.lock() == entry ? by_hash.erase(at) : std::next(at);
}

// --- upkeep

inline void LedgerState::extend() {
  const auto now = options.now();
  const auto steady = options.steady();
  const LedgerTime lease = options.lease;
  extend_at = steady + std::min(lease / 100, LedgerTime{std::chrono::seconds{1}});
  if (fenced && !begin_anew()) return;
  const auto alive = store.extend(now, now + options.lease);
  if (alive) {
    fenced.reset();
    hold_until = (steady + lease / 2).count();
    extend_at = steady + lease / 10;
    // What dead servers held; if that fails, it is tried again the next time.
    (void)store.reclaim(now, false);
    return;
  }
  const auto code = alive.error().errc();
  if (code != Errc::conflict && code != Errc::not_found) return;
  fenced = alive.error();
  hold_until = 0;
  drop_allowances();
}

/// After its allowances were taken back: nothing of the old life may reach the store in the new
/// one.
inline bool LedgerState::begin_anew() {
  if (fenced->errc() != Errc::not_found || outstanding != 0 || !batch.empty() || !drained_queue())
    return false;
  drop_allowances();
  return static_cast<bool>(store.reclaim(options.now(), true));
}

/// They are not this server's any more: nothing is given back.
inline void LedgerState::drop_allowances() {
  for (const auto& entry : all_entries()) {
    const std::lock_guard lock{entry->mutex};
    entry->free = {};
    entry->known = false;
  }
}

inline std::vector<std::shared_ptr<LedgerEntry>> LedgerState::all_entries() {
  std::vector<std::shared_ptr<LedgerEntry>> entries;
  for (auto& shard : shards) {
    const std::lock_guard lock{shard.mutex};
    for (const auto& named : shard.entries) entries.push_back(named.second);
  }
  return entries;
}

inline void LedgerState::sweep() {
  const auto steady = options.steady();
  const LedgerTime idle = options.idle, old = idle * 10 + options.recheck;
  sweep_at = steady + idle / 2;
  for (const auto& entry : all_entries()) {
    bool gone = false;
    {
      const std::lock_guard lock{entry->mutex};
      if (entry->queued || !entry->waiters.empty() || steady - entry->used_at < idle) continue;
      give_back(entry);
      gone = entry->gone = steady - entry->used_at >= old;
    }
    if (gone) forget(entry);
  }
}

// --- the end

inline void LedgerState::refuse_everybody(const Error& error, bool for_good) {
  LedgerNews news;
  for (auto& shard : shards) {
    std::vector<std::shared_ptr<LedgerEntry>> entries;
    {
      const std::lock_guard lock{shard.mutex};
      for (const auto& named : shard.entries) entries.push_back(named.second);
      if (for_good) shard.entries.clear();
    }
    for (const auto& entry : entries) {
      const std::lock_guard lock{entry->mutex};
      entry->gone = entry->gone || for_good;
      refuse_if(*entry, error, news, [](const auto&) { return true; });
      give_back(entry);
    }
  }
  tell_all(news);
}

inline bool LedgerState::drained_queue() {
  const std::lock_guard lock{queue_mutex};
  return settlements.empty();
}

inline void LedgerState::finish() {
  const auto error =
      fail(Errc::cancelled, "holding credits for a request", {}, "the server has stopped").error;
  refuse_everybody(error, true);
  LedgerNews news;
  for (;;) {
    commit_batch(news);
    tell_all(news);
    if (batch.empty() && drained_queue()) break;
    if (batch.empty()) continue;
    // The store fails.
    if (options.steady() >= stop_at) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  std::deque<LedgerPending> left;
  {
    const std::lock_guard lock{queue_mutex};
    ended = true;
    left = std::exchange(settlements, {});
    queue.clear();
  }
  // Whoever came in between.
  refuse_everybody(error, true);
  for (auto& pending : left)
    if (pending.done) pending.done(Unexpected{error});
  for (auto& pending : batch)
    if (pending.done) pending.done(Unexpected{error});
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
