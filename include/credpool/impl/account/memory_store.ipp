#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/memory_store.hpp>
#include <credpool/impl/account/memory_document.hpp>
#include <credpool/impl/account/memory_world.hpp>

#include <set>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// The part of a list that was asked for; the list is newest first.
template <class T> Page<T> memory_page(std::vector<T> all, PageRequest page) {
  Page<T> part;
  part.total = all.size();
  if (page.offset < all.size()) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(page.offset);
    const auto count = std::min<std::uint64_t>(page.limit, all.size() - page.offset);
    part.items.assign(std::make_move_iterator(first),
                      std::make_move_iterator(first + static_cast<std::ptrdiff_t>(count)));
  }
  return part;
}

/// Records with the number of their making, newest first.
template <class T> std::vector<T> newest_first(std::vector<std::pair<std::uint64_t, T>> numbered) {
  std::ranges::sort(numbered, std::greater{}, [](const auto& entry) { return entry.first; });
  std::vector<T> records;
  records.reserve(numbered.size());
  for (auto& [number, record] : numbered) records.push_back(std::move(record));
  return records;
}

/// Whether another account has that e-mail or GitHub user.
inline bool memory_taken(const MemoryWorld& world, const Account& wanted) {
  return std::ranges::any_of(world.accounts, [&](const auto& entry) {
    const auto& other = entry.second.account;
    return other.id != wanted.id && (other.email == wanted.email ||
                                     (wanted.github_id && other.github_id == wanted.github_id));
  });
}

inline bool memory_name_taken(const MemoryWorld& world, const ProvisionedKey& wanted) {
  return !wanted.revoked_at && std::ranges::any_of(world.keys, [&](const auto& entry) {
    const auto& other = entry.second.key;
    return other.account == wanted.account && other.hash != wanted.hash && !other.revoked_at &&
           other.name == wanted.name;
  });
}

inline MemoryKey* memory_key(MemoryWorld& world, const AccountId& account, std::string_view hash) {
  const auto found = world.keys.find(hash);
  return found == world.keys.end() || found->second.key.account != account ? nullptr
                                                                           : &found->second;
}

/// Held by all servers of the key's period.
inline Money memory_held(const MemoryWorld& world, const MemoryKey& key) {
  Money held;
  for (auto at = world.allowances.lower_bound({key.key.hash, key.period.counted_from});
       at != world.allowances.end() && at->first.first == key.key.hash; ++at)
    held += at->second;
  return held;
}

inline Money memory_usage_since(const MemoryWorld& world, const ProvisionedKey& key,
                                const std::string& day) {
  Money spent;
  for (auto at = world.days.lower_bound({key.account, day, {}, {}});
       at != world.days.end() && std::get<0>(at->first) == key.account; ++at)
    if (at->second.key_hash == key.hash) spent += at->second.cost;
  return spent;
}

/// Takes what comes back from the key's allowance; no more than is left of it.
inline Money memory_take_back(MemoryWorld& world, const Settlement& settlement) {
  const auto found = world.allowances.find({settlement.key_hash, settlement.period_start});
  if (found == world.allowances.end()) return {};
  const auto back = std::min(found->second, settlement.spent + settlement.returned);
  found->second -= back;
  if (found->second == Money{}) world.allowances.erase(found);
  return back;
}

inline void memory_note_usage(MemoryWorld& world, const Settlement& settlement, bool named) {
  auto row = *settlement.usage;
  row.account = named ? settlement.account : AccountId{};
  row.key_hash = settlement.key_hash;
  auto& day = world.days[{row.account, settlement.day, row.key_hash, row.model}];
  day.key_hash = row.key_hash;
  day.model = row.model;
  day.day = settlement.day;
  ++day.requests;
  day.input_tokens += row.input_tokens;
  day.output_tokens += row.output_tokens;
  day.cost += settlement.spent;
  world.rows.push_back(std::move(row));
}

/// The entry of usage grows, or a new one begins.
inline void memory_note_spent(MemoryWorld& world, MemoryAccount& account,
                              const Settlement& settlement) {
  if (settlement.spent == Money{}) return;
  account.balance.usage += settlement.spent;
  if (account.usage_day.empty() || account.usage_day != settlement.day) {
    account.usage_day = settlement.day;
    account.transactions.push_back({usage_transaction_id(account.account.id, ++world.numbers),
                                    TransactionType::usage,
                                    {},
                                    {},
                                    usage_description(settlement.day),
                                    settlement.usage->at});
  }
  auto& entry = account.transactions.back();
  entry.amount -= settlement.spent;
  entry.balance_after = account.balance.remaining();
}

inline void memory_settle(MemoryWorld& world, const Settlement& settlement) {
  const auto back = memory_take_back(world, settlement);
  const auto owner = world.accounts.find(settlement.account);
  if (owner != world.accounts.end()) {
    owner->second.balance.reserved -= back;
    memory_note_spent(world, owner->second, settlement);
  }
  if (auto* key = memory_key(world, settlement.account, settlement.key_hash)) {
    key->key.usage += settlement.spent;
    if (settlement.period_start >= key->period.counted_from)
      key->key.period_usage += settlement.spent;
  }
  if (settlement.usage) memory_note_usage(world, settlement, owner != world.accounts.end());
}

}  // namespace detail

CREDPOOL_INLINE MemoryAccountStore::MemoryAccountStore()
    : world_{std::make_unique<detail::MemoryWorld>()} {}
CREDPOOL_INLINE MemoryAccountStore::MemoryAccountStore(MemoryAccountStore&&) noexcept = default;
CREDPOOL_INLINE MemoryAccountStore& MemoryAccountStore::operator=(MemoryAccountStore&&) noexcept =
    default;
CREDPOOL_INLINE MemoryAccountStore::~MemoryAccountStore() = default;

CREDPOOL_INLINE std::string MemoryAccountStore::document() const {
  const std::lock_guard lock{world_->mutex};
  return detail::memory_document(*world_);
}

CREDPOOL_INLINE Result<MemoryAccountStore> MemoryAccountStore::from_document(
    std::string_view text) {
  MemoryAccountStore store;
  if (auto read = detail::read_memory_document(text, *store.world_); !read)
    return fail(read.error());
  return store;
}

// --- accounts

CREDPOOL_INLINE Result<void> MemoryAccountStore::add_account(const Account& account,
                                                             const ManagementKey& key) {
  const std::lock_guard lock{world_->mutex};
  if (world_->accounts.contains(account.id) || world_->management_keys.contains(key.digest) ||
      detail::memory_taken(*world_, account))
    return detail::email_taken("adding an account");
  auto& made = world_->accounts[account.id];
  made.account = account;
  made.number = ++world_->numbers;
  world_->management_keys.emplace(key.digest, key);
  return {};
}

CREDPOOL_INLINE Result<std::optional<Account>> MemoryAccountStore::account(const AccountId& id) {
  const std::lock_guard lock{world_->mutex};
  const auto found = world_->accounts.find(id);
  if (found == world_->accounts.end()) return std::optional<Account>{};
  return std::optional{found->second.account};
}

CREDPOOL_INLINE Result<std::optional<Account>> MemoryAccountStore::account_by_email(
    std::string_view email) {
  const std::lock_guard lock{world_->mutex};
  for (const auto& [id, entry] : world_->accounts)
    if (entry.account.email == email) return std::optional{entry.account};
  return std::optional<Account>{};
}

CREDPOOL_INLINE Result<std::optional<Account>> MemoryAccountStore::account_by_github(
    std::int64_t github_id) {
  const std::lock_guard lock{world_->mutex};
  for (const auto& [id, entry] : world_->accounts)
    if (entry.account.github_id == github_id) return std::optional{entry.account};
  return std::optional<Account>{};
}

CREDPOOL_INLINE Result<Account> MemoryAccountStore::change_account(
    const AccountId& id, const std::function<Result<void>(Account&)>& change) {
  const std::lock_guard lock{world_->mutex};
  const auto found = world_->accounts.find(id);
  if (found == world_->accounts.end()) return detail::no_account("changing an account");
  auto changed = found->second.account;
  if (auto done = change(changed); !done) return fail(done.error());
  detail::keep_account_identity(changed, found->second.account);
  if (detail::memory_taken(*world_, changed)) return detail::email_taken("changing an account");
  found->second.account = changed;
  return changed;
}

CREDPOOL_INLINE Result<void> MemoryAccountStore::remove_account(const AccountId& id, TimePoint) {
  const std::lock_guard lock{world_->mutex};
  auto& world = *world_;
  if (world.accounts.erase(id) == 0) return detail::no_account("removing an account");
  std::set<std::string, std::less<>> hashes;
  for (const auto& [hash, key] : world.keys)
    if (key.key.account == id) hashes.insert(hash);
  std::erase_if(world.allowances,
                [&](const auto& entry) { return hashes.contains(entry.first.first); });
  std::erase_if(world.keys, [&](const auto& entry) { return hashes.contains(entry.first); });
  std::erase_if(world.hashes, [&](const auto& entry) { return hashes.contains(entry.second); });
  std::erase_if(world.management_keys,
                [&](const auto& entry) { return entry.second.account == id; });
  std::erase_if(world.references, [&](const auto& entry) { return entry.second.account == id; });
  std::erase_if(world.answers, [&](const auto& entry) { return entry.first.first == id; });
  std::erase_if(world.sessions, [&](const auto& entry) { return entry.second.account == id; });
  for (auto& row : world.rows)
    if (row.account == id) row.account.clear();
  for (auto at = world.days.lower_bound({id, {}, {}, {}});
       at != world.days.end() && std::get<0>(at->first) == id;) {
    auto key = at->first;
    std::get<0>(key).clear();
    world.days.emplace(std::move(key), std::move(at->second));
    at = world.days.erase(at);
  }
  return {};
}

CREDPOOL_INLINE Result<Page<Account>> MemoryAccountStore::accounts(PageRequest page) {
  const std::lock_guard lock{world_->mutex};
  std::vector<std::pair<std::uint64_t, Account>> found;
  for (const auto& [id, entry] : world_->accounts) found.emplace_back(entry.number, entry.account);
  return detail::memory_page(detail::newest_first(std::move(found)), page);
}

// --- management keys

CREDPOOL_INLINE Result<void> MemoryAccountStore::add_management_key(const ManagementKey& key,
                                                                    bool revoke_others) {
  const std::lock_guard lock{world_->mutex};
  const char* doing = "adding a management key";
  if (!world_->accounts.contains(key.account)) return detail::no_account(doing);
  if (!world_->management_keys.emplace(key.digest, key).second)
    return fail(Errc::conflict, doing, "key", "that key is there already");
  if (revoke_others)
    for (auto& [digest, other] : world_->management_keys)
      if (other.account == key.account && digest != key.digest && !other.revoked_at)
        other.revoked_at = key.created_at;
  return {};
}

CREDPOOL_INLINE Result<std::optional<Account>> MemoryAccountStore::account_by_management_key(
    std::string_view digest) {
  const std::lock_guard lock{world_->mutex};
  const auto key = world_->management_keys.find(digest);
  if (key == world_->management_keys.end() || key->second.revoked_at)
    return std::optional<Account>{};
  return std::optional{world_->accounts.at(key->second.account).account};
}

CREDPOOL_INLINE Result<void> MemoryAccountStore::revoke_management_key(const AccountId& account,
                                                                       std::string_view digest,
                                                                       TimePoint now) {
  const std::lock_guard lock{world_->mutex};
  const auto key = world_->management_keys.find(digest);
  if (key == world_->management_keys.end() || key->second.account != account ||
      key->second.revoked_at)
    return detail::no_key("revoking a management key");
  key->second.revoked_at = now;
  return {};
}

CREDPOOL_INLINE Result<std::vector<ManagementKey>> MemoryAccountStore::management_keys(
    const AccountId& account) {
  const std::lock_guard lock{world_->mutex};
  std::vector<ManagementKey> keys;
  for (const auto& [digest, key] : world_->management_keys)
    if (key.account == account) keys.push_back(key);
  std::ranges::stable_sort(keys, std::greater{}, &ManagementKey::created_at);
  return keys;
}

// --- provisioned keys

CREDPOOL_INLINE Result<void> MemoryAccountStore::add_key(const ProvisionedKey& key) {
  const std::lock_guard lock{world_->mutex};
  const char* doing = "adding a key";
  if (!world_->accounts.contains(key.account)) return detail::no_account(doing);
  if (world_->keys.contains(key.hash) || world_->hashes.contains(key.digest))
    return fail(Errc::conflict, doing, "key", "that key is there already");
  if (detail::memory_name_taken(*world_, key)) return detail::key_name_taken(doing);
  world_->hashes.emplace(key.digest, key.hash);
  world_->keys.emplace(key.hash, detail::MemoryKey{key, {key.limit_reset, {}}, ++world_->numbers});
  return {};
}

CREDPOOL_INLINE Result<std::optional<ProvisionedKey>> MemoryAccountStore::key(
    const AccountId& account, std::string_view hash) {
  const std::lock_guard lock{world_->mutex};
  const auto* found = detail::memory_key(*world_, account, hash);
  return found == nullptr ? std::optional<ProvisionedKey>{} : std::optional{found->key};
}

CREDPOOL_INLINE Result<std::optional<ProvisionedKey>> MemoryAccountStore::key_by_digest(
    std::string_view digest) {
  const std::lock_guard lock{world_->mutex};
  const auto hash = world_->hashes.find(digest);
  if (hash == world_->hashes.end()) return std::optional<ProvisionedKey>{};
  return std::optional{world_->keys.find(hash->second)->second.key};
}

CREDPOOL_INLINE Result<Page<ProvisionedKey>> MemoryAccountStore::keys(const AccountId& account,
                                                                      bool with_revoked,
                                                                      PageRequest page) {
  const std::lock_guard lock{world_->mutex};
  std::vector<std::pair<std::uint64_t, ProvisionedKey>> found;
  for (const auto& [hash, entry] : world_->keys)
    if (entry.key.account == account && (with_revoked || !entry.key.revoked_at))
      found.emplace_back(entry.number, entry.key);
  return detail::memory_page(detail::newest_first(std::move(found)), page);
}

CREDPOOL_INLINE Result<std::uint64_t> MemoryAccountStore::count_keys(const AccountId& account) {
  const std::lock_guard lock{world_->mutex};
  return static_cast<std::uint64_t>(std::ranges::count_if(world_->keys, [&](const auto& entry) {
    return entry.second.key.account == account && !entry.second.key.revoked_at;
  }));
}

CREDPOOL_INLINE Result<ProvisionedKey> MemoryAccountStore::change_key(
    const AccountId& account, std::string_view hash,
    const std::function<Result<void>(ProvisionedKey&)>& change) {
  const std::lock_guard lock{world_->mutex};
  const char* doing = "changing a key";
  auto* found = detail::memory_key(*world_, account, hash);
  if (found == nullptr) return detail::no_key(doing);
  auto changed = found->key;
  if (auto done = change(changed); !done) return fail(done.error());
  detail::keep_key_identity(changed, found->key);
  if (detail::memory_name_taken(*world_, changed)) return detail::key_name_taken(doing);
  if (changed.digest != found->key.digest) {
    if (!world_->hashes.emplace(changed.digest, changed.hash).second)
      return fail(Errc::conflict, doing, "key", "another key has that value");
    world_->hashes.erase(found->key.digest);
  }
  found->key = changed;
  return changed;
}

// --- credits

CREDPOOL_INLINE Result<Balance> MemoryAccountStore::balance(const AccountId& account) {
  const std::lock_guard lock{world_->mutex};
  const auto found = world_->accounts.find(account);
  if (found == world_->accounts.end()) return detail::no_account("reading the balance");
  return found->second.balance;
}

CREDPOOL_INLINE Result<AccountStore::Credited> MemoryAccountStore::credit(
    const CreditChange& change) {
  const std::lock_guard lock{world_->mutex};
  const auto found = world_->accounts.find(change.account);
  if (found == world_->accounts.end()) return detail::no_account("changing credits");
  if (!change.reference.empty()) {
    const auto earlier = world_->references.find(change.reference);
    if (earlier != world_->references.end()) {
      const auto& [owner, transaction] = earlier->second;
      if (owner != change.account || transaction.amount != change.amount)
        return detail::reference_taken();
      return Credited{transaction, true};
    }
  }
  auto& entry = found->second;
  if (!detail::fits_credits(change.amount) ||
      !detail::fits_credits(entry.balance.credits + change.amount))
    return detail::credits_out_of_range();
  entry.balance.credits += change.amount;
  entry.usage_day.clear();
  const CreditTransaction transaction{change.id,          change.type,
                                      change.amount,      entry.balance.remaining(),
                                      change.description, change.now};
  entry.transactions.push_back(transaction);
  if (!change.reference.empty())
    world_->references.emplace(change.reference,
                               detail::MemoryReference{change.account, transaction});
  return Credited{transaction, false};
}

CREDPOOL_INLINE Result<Page<CreditTransaction>> MemoryAccountStore::transactions(
    const AccountId& account, std::optional<TransactionType> type, PageRequest page) {
  const std::lock_guard lock{world_->mutex};
  const auto found = world_->accounts.find(account);
  if (found == world_->accounts.end()) return Page<CreditTransaction>{};
  std::vector<CreditTransaction> wanted;
  for (const auto& transaction : found->second.transactions)
    if (!type || transaction.type == *type) wanted.push_back(transaction);
  std::ranges::reverse(wanted);
  return detail::memory_page(std::move(wanted), page);
}

CREDPOOL_INLINE Result<AutoTopUp> MemoryAccountStore::auto_topup(const AccountId& account) {
  const std::lock_guard lock{world_->mutex};
  const auto found = world_->accounts.find(account);
  if (found == world_->accounts.end()) return detail::no_account("reading the top-up");
  return found->second.topup;
}

CREDPOOL_INLINE Result<void> MemoryAccountStore::set_auto_topup(const AccountId& account,
                                                                const AutoTopUp& topup) {
  const std::lock_guard lock{world_->mutex};
  const auto found = world_->accounts.find(account);
  if (found == world_->accounts.end()) return detail::no_account("changing the top-up");
  found->second.topup = topup;
  return {};
}

// --- spending

CREDPOOL_INLINE Result<Allowance> MemoryAccountStore::reserve(const AllowanceRequest& request) {
  const std::lock_guard lock{world_->mutex};
  auto& world = *world_;
  const auto hash = world.hashes.find(request.key_digest);
  if (hash == world.hashes.end()) return detail::key_refusal(Errc::unauthorized, key_unknown_hint);
  auto& entry = world.keys.find(hash->second)->second;
  auto& key = entry.key;
  if (auto usable = detail::check_key_usable(key, request.now); !usable)
    return fail(usable.error());
  const auto period = request.period(key.limit_reset);
  if (detail::move_period(key, entry.period, period) == detail::PeriodChange::other_kind)
    key.period_usage = detail::memory_usage_since(world, key, period.first_day);

  auto& balance = world.accounts.find(key.account)->second.balance;
  detail::Budget budget;
  budget.limit_held = detail::memory_held(world, entry);
  budget.limit_left =
      key.credit_limit ? *key.credit_limit - key.period_usage - budget.limit_held : most_money;
  budget.balance_held = balance.reserved;
  budget.balance_left = balance.remaining() - balance.reserved;
  const auto share = detail::decide_share(request, budget);
  if (!share) return fail(share.error());
  if (share->amount > Money{}) {
    world.allowances[{key.hash, key.period_start}] += share->amount;
    balance.reserved += share->amount;
  }
  return detail::allowance_of(key, period, *share);
}

CREDPOOL_INLINE Result<void> MemoryAccountStore::settle(std::span<const Settlement> settlements,
                                                        std::string_view batch) {
  if (auto fit = detail::check_settlements(settlements); !fit) return fit;
  const std::lock_guard lock{world_->mutex};
  if (!batch.empty() && batch == world_->last_batch) return {};
  world_->last_batch = batch;
  for (const auto& settlement : settlements) detail::memory_settle(*world_, settlement);
  return {};
}

CREDPOOL_INLINE Result<void> MemoryAccountStore::extend(TimePoint, TimePoint) {
  return {};
}

CREDPOOL_INLINE Result<void> MemoryAccountStore::reclaim(TimePoint, bool own) {
  if (!own) return {};
  const std::lock_guard lock{world_->mutex};
  world_->allowances.clear();
  for (auto& [id, entry] : world_->accounts) entry.balance.reserved = {};
  return {};
}

// --- usage

CREDPOOL_INLINE Result<std::vector<UsageDay>> MemoryAccountStore::usage(const AccountId& account,
                                                                        std::string_view key_hash,
                                                                        std::string_view first,
                                                                        std::string_view last) {
  const std::lock_guard lock{world_->mutex};
  std::vector<UsageDay> days;
  for (auto at = world_->days.lower_bound({account, std::string{first}, {}, {}});
       at != world_->days.end() && std::get<0>(at->first) == account && at->second.day <= last;
       ++at)
    if (key_hash.empty() || at->second.key_hash == key_hash) days.push_back(at->second);
  return days;
}

CREDPOOL_INLINE Result<Page<UsageRow>> MemoryAccountStore::usage_rows(const AccountId& account,
                                                                      std::string_view key_hash,
                                                                      PageRequest page) {
  const std::lock_guard lock{world_->mutex};
  std::vector<UsageRow> rows;
  for (const auto& row : world_->rows)
    if (row.account == account && (key_hash.empty() || row.key_hash == key_hash))
      rows.push_back(row);
  std::ranges::reverse(rows);
  return detail::memory_page(std::move(rows), page);
}

CREDPOOL_INLINE Result<std::uint64_t> MemoryAccountStore::prune_usage(TimePoint before,
                                                                      std::uint64_t most) {
  const std::lock_guard lock{world_->mutex};
  return std::erase_if(world_->rows, [&](const auto& row) {
    const bool gone = row.at < before && most > 0;
    if (gone) --most;
    return gone;
  });
}

// --- answers that may be asked for twice

CREDPOOL_INLINE Result<std::optional<StoredAnswer>> MemoryAccountStore::claim_answer(
    const AccountId& account, std::string_view key, std::string_view request_digest,
    TimePoint now) {
  const std::lock_guard lock{world_->mutex};
  const auto [found, added] = world_->answers.try_emplace({account, std::string{key}});
  auto& [answer, kept, at] = found->second;
  if (!added) {
    if (answer.request_digest != request_digest) return detail::answer_differs();
    if (kept) return std::optional{answer};
    if (now - at < answer_claim_life) return detail::answer_pending();
  }
  answer.request_digest = request_digest;
  at = now;
  return std::optional<StoredAnswer>{};
}

CREDPOOL_INLINE Result<void> MemoryAccountStore::keep_answer(const AccountId& account,
                                                             std::string_view key,
                                                             const StoredAnswer& answer) {
  const std::lock_guard lock{world_->mutex};
  const auto found = world_->answers.find({account, std::string{key}});
  if (found == world_->answers.end()) return detail::no_claim();
  found->second.answer = answer;
  found->second.kept = true;
  return {};
}

CREDPOOL_INLINE Result<void> MemoryAccountStore::drop_answer(const AccountId& account,
                                                             std::string_view key) {
  const std::lock_guard lock{world_->mutex};
  const auto found = world_->answers.find({account, std::string{key}});
  if (found != world_->answers.end() && !found->second.kept) world_->answers.erase(found);
  return {};
}

// --- device logins

CREDPOOL_INLINE Result<void> MemoryAccountStore::put_device_session(const DeviceSession& session) {
  const std::lock_guard lock{world_->mutex};
  world_->sessions.insert_or_assign(session.device_digest, session);
  return {};
}

CREDPOOL_INLINE Result<std::optional<DeviceSession>> MemoryAccountStore::device_session(
    std::string_view device_digest) {
  const std::lock_guard lock{world_->mutex};
  const auto found = world_->sessions.find(device_digest);
  if (found == world_->sessions.end()) return std::optional<DeviceSession>{};
  return std::optional{found->second};
}

CREDPOOL_INLINE Result<std::optional<DeviceSession>> MemoryAccountStore::device_session_by_token(
    std::string_view token_digest) {
  const std::lock_guard lock{world_->mutex};
  if (!token_digest.empty())
    for (const auto& [digest, session] : world_->sessions)
      if (session.token_digest == token_digest) return std::optional{session};
  return std::optional<DeviceSession>{};
}

CREDPOOL_INLINE Result<void> MemoryAccountStore::forget_ended(TimePoint sessions_before,
                                                              TimePoint answers_before) {
  const std::lock_guard lock{world_->mutex};
  std::erase_if(world_->sessions,
                [&](const auto& entry) { return entry.second.expires_at < sessions_before; });
  std::erase_if(world_->answers,
                [&](const auto& entry) { return entry.second.at < answers_before; });
  return {};
}

}  // namespace credpool::inline CREDPOOL_ABI
