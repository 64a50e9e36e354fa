#pragma once
// SPDX-License-Identifier: MIT

// Reservations and settlements in accounts.sqlite, inside a transaction of the caller. Internal:
// included by .ipp files only.

#include <credpool/impl/account/sqlite_records.hpp>

#include <map>
#include <tuple>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Result<Money> sqlite_usage_since(SqliteAccounts& accounts, const ProvisionedKey& key,
                                        const std::string& day) {
  Money spent;
  auto done = accounts.each(
      "summing up a key's usage",
      "SELECT coalesce(sum(cost), 0) FROM usage_day WHERE account = ? AND key_hash = ? AND day >= "
      "?",
      [&](const SqliteStatement& row) { spent = row_money(row, 0); }, key.account, key.hash, day);
  if (!done) return fail(done.error());
  return spent;
}

/// What a key may be given of what it and its account have left.
struct SqliteStanding {
  ProvisionedKey key;
  LimitPeriod period;
  Share share;
};

/// Judges a request by the books, and moves the key's counter to the period that runs now.
/// @param book books the settlements that wait; it yields whether there were any
template <class Book>
Result<SqliteStanding> sqlite_standing(SqliteAccounts& accounts, const AllowanceRequest& request,
                                       Book book) {
  const char* doing = "holding credits for a request";
  static constexpr auto find_key =
      sql_text("SELECT ", account_key_columns, " FROM provisioned_key WHERE digest = ?");
  auto found =
      accounts.one(doing, find_key.data(), row_stored_key<SqliteStatement>, request.key_digest);
  if (!found) return fail(found.error());
  if (!*found) return key_refusal(Errc::unauthorized, key_unknown_hint);
  auto& [key, state] = **found;
  if (auto usable = check_key_usable(key, request.now); !usable) return fail(usable.error());

  const auto period = request.period(key.limit_reset);
  const auto change = move_period(key, state, period);
  if (change == PeriodChange::other_kind) {
    if (const auto booked = book(); !booked) return fail(booked.error());
    const auto spent = sqlite_usage_since(accounts, key, period.first_day);
    if (!spent) return fail(spent.error());
    key.period_usage = *spent;
  }
  if (change != PeriodChange::none)
    if (auto done = accounts.run(doing,
                                 "UPDATE provisioned_key SET period_usage = ?, period_start = ?, "
                                 "period_kind = ?, counted_from = ? WHERE hash = ?",
                                 key.period_usage.micros, key.period_start, to_string(state.kind),
                                 state.counted_from, key.hash);
        !done)
      return fail(done.error());

  Money held;
  if (auto done = accounts.each(
          doing,
          "SELECT coalesce(sum(amount), 0) FROM allowance WHERE key_hash = ? AND period_start >= ?",
          [&](const SqliteStatement& row) { held = row_money(row, 0); }, key.hash,
          state.counted_from);
      !done)
    return fail(done.error());
  const auto balance =
      accounts.one(doing, "SELECT credits, usage, reserved FROM account WHERE id = ?",
                   row_balance<SqliteStatement>, key.account);
  if (!balance) return fail(balance.error());
  if (!*balance) return key_refusal(Errc::unauthorized, key_unknown_hint);

  Budget budget;
  budget.limit_held = held;
  budget.limit_left = key.credit_limit ? *key.credit_limit - key.period_usage - held : most_money;
  budget.balance_held = (*balance)->reserved;
  budget.balance_left = (*balance)->remaining() - (*balance)->reserved;
  const auto share = decide_share(request, budget);
  if (!share) return fail(share.error());
  return SqliteStanding{std::move(key), period, *share};
}

inline Result<Allowance> sqlite_grant(SqliteAccounts& accounts, const SqliteStanding& standing) {
  const char* doing = "holding credits for a request";
  const auto& [key, period, share] = standing;
  if (share.amount > Money{}) {
    const auto amount = share.amount.micros;
    if (auto done = accounts.run(doing, "UPDATE account SET reserved = reserved + ? WHERE id = ?",
                                 amount, key.account);
        !done)
      return fail(done.error());
    if (auto done = accounts.run(
            doing,
            "INSERT INTO allowance(key_hash, period_start, account, amount) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
            key.hash, key.period_start, key.account, amount);
        !done)
      return fail(done.error());
  }
  return allowance_of(key, period, share);
}

/// What many settlements come to, so that each row is written once.
struct SettlementSums {
  struct Key {
    AccountId account;
    Money spent;
  };
  struct Day {
    std::uint64_t requests = 0, input_tokens = 0, output_tokens = 0;
    Money cost;
  };
  struct Entry {
    Money spent;
    TimePoint at{};
  };
  using KeyPeriodName = std::pair<std::string_view, TimePoint>;

  std::map<KeyPeriodName, std::pair<AccountId, Money>> back;  ///< spent and returned
  std::map<KeyPeriodName, Key> spent;
  std::map<std::pair<std::string_view, std::string_view>, Entry> entries;  ///< by account and day
  /// By account, key, day and model.
  std::map<std::tuple<std::string_view, std::string_view, std::string_view, std::string_view>, Day>
      days;

  /// @param settlements must outlive this object
  explicit SettlementSums(std::span<const Settlement> settlements) {
    for (const auto& settlement : settlements) add(settlement);
  }

 private:
  void add(const Settlement& settlement) {
    const KeyPeriodName name{settlement.key_hash, settlement.period_start};
    auto& [account, amount] = back[name];
    account = settlement.account;
    amount += settlement.spent + settlement.returned;
    if (!settlement.usage) return;
    const auto& usage = *settlement.usage;
    if (settlement.spent > Money{}) {
      auto& key = spent[name];
      key.account = settlement.account;
      key.spent += settlement.spent;
      auto& entry = entries[{settlement.account, settlement.day}];
      entry.spent += settlement.spent;
      if (entry.at == TimePoint{}) entry.at = usage.at;
    }
    auto& day = days[{settlement.account, settlement.key_hash, settlement.day, usage.model}];
    ++day.requests;
    day.input_tokens += usage.input_tokens;
    day.output_tokens += usage.output_tokens;
    day.cost += settlement.spent;
  }
};

/// Takes back what comes home from a key's allowance; no more than is left of it.
inline Result<void> sqlite_take_back(SqliteAccounts& accounts, std::string_view key_hash,
                                     TimePoint period_start, const AccountId& account,
                                     Money amount) {
  const char* doing = "booking settlements";
  if (amount == Money{}) return {};
  Money left;
  if (auto done = accounts.each(
          doing, "SELECT amount FROM allowance WHERE key_hash = ? AND period_start = ?",
          [&](const SqliteStatement& row) { left = row_money(row, 0); }, key_hash, period_start);
      !done)
    return done;
  const auto taken = std::min(left, amount);
  if (taken == Money{}) return {};
  auto done =
      taken == left
          ? accounts.run(doing, "DELETE FROM allowance WHERE key_hash = ? AND period_start = ?",
                         key_hash, period_start)
          : accounts.run(doing,
                         "UPDATE allowance SET amount = amount - ? "
                         "WHERE key_hash = ? AND period_start = ?",
                         taken.micros, key_hash, period_start);
  if (!done) return done;
  return accounts.run(doing, "UPDATE account SET reserved = reserved - ? WHERE id = ?",
                      taken.micros, account);
}

/// The account's usage grows, and with it the entry of the day; or a new one begins.
inline Result<void> sqlite_note_spent(SqliteAccounts& accounts, std::string_view account,
                                      std::string_view day, const SettlementSums::Entry& entry) {
  const char* doing = "booking settlements";
  struct Row {
    Money remaining;
    std::optional<std::int64_t> entry;
  };
  std::optional<Row> owner;
  if (auto done = accounts.each(
          doing,
          "UPDATE account SET usage = usage + ? WHERE id = ? "
          "RETURNING credits - usage, usage_entry, usage_day = ?",
          [&](const SqliteStatement& row) {
            owner = Row{row_money(row, 0),
                        row.null(1) || !row.flag(2) ? std::nullopt : std::optional{row.integer(1)}};
          },
          entry.spent.micros, account, day);
      !done)
    return done;
  if (!owner) return {};
  if (owner->entry)
    return accounts.run(
        doing,
        "UPDATE credit_transaction SET amount = amount - ?, balance_after = ? WHERE number = ?",
        entry.spent.micros, owner->remaining.micros, *owner->entry);
  std::int64_t number = 0;
  if (auto done = accounts.each(
          doing,
          "INSERT INTO credit_transaction(id, account, type, amount, balance_after, description, "
          "created_at) VALUES ('', ?, 'usage', ?, ?, ?, ?) RETURNING number",
          [&](const SqliteStatement& row) { number = row.integer(0); }, account,
          -entry.spent.micros, owner->remaining.micros, usage_description(std::string{day}),
          entry.at);
      !done)
    return done;
  if (auto done = accounts.run(
          doing, "UPDATE credit_transaction SET id = ? WHERE number = ?",
          usage_transaction_id(AccountId{account}, static_cast<std::uint64_t>(number)), number);
      !done)
    return done;
  return accounts.run(doing, "UPDATE account SET usage_entry = ?, usage_day = ? WHERE id = ?",
                      number, day, account);
}

/// A request that is to be written down, and the numbers of its account and key.
struct SqliteUsage {
  const UsageRow* row;
  std::int64_t account;
  std::int64_t key;

  auto values() const {
    return std::tuple{account,
                      key,
                      std::string_view{row->request_id},
                      std::string_view{row->model},
                      row->input_tokens,
                      row->cached_input_tokens,
                      row->output_tokens,
                      row->reasoning_tokens,
                      row->estimated,
                      row->cost.micros,
                      row->status,
                      row->at};
  }
};

/// Writes requests down, eight at a time: a statement of its own for each costs half as much again.
inline Result<void> sqlite_note_usage(SqliteAccounts& accounts, std::span<const SqliteUsage> rows) {
  const char* doing = "booking settlements";
  static constexpr char insert[] =
      "INSERT INTO usage_row(account, key, request_id, model, input_tokens, cached_input_tokens, "
      "output_tokens, reasoning_tokens, estimated, cost, status, at) VALUES ";
  static constexpr char row[] = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  static constexpr auto one = sql_text(insert, row);
  static constexpr auto eight =
      sql_text(insert, row, ",", row, ",", row, ",", row, ",", row, ",", row, ",", row, ",", row);
  for (; rows.size() >= 8; rows = rows.subspan(8))
    if (auto done = accounts.run(doing, eight.data(), rows[0].values(), rows[1].values(),
                                 rows[2].values(), rows[3].values(), rows[4].values(),
                                 rows[5].values(), rows[6].values(), rows[7].values());
        !done)
      return done;
  for (const auto& each : rows)
    if (auto done = accounts.run(doing, one.data(), each.values()); !done) return done;
  return {};
}

/// Numbers that stand for names in usage_row, looked up once for a batch.
class SqliteNumbers {
 public:
  explicit SqliteNumbers(SqliteAccounts& accounts) : accounts_{accounts} {}

  /// @return 0 for an account that is gone: its usage is kept without a name
  Result<std::int64_t> account(std::string_view id) {
    return number_of(known_accounts_, "SELECT number FROM account WHERE id = ?", id);
  }
  Result<std::int64_t> key(std::string_view hash) {
    const auto found = number_of(known_keys_, "SELECT number FROM usage_key WHERE hash = ?", hash);
    if (!found || *found != 0) return found;
    auto& number = known_keys_[hash];
    if (auto done = accounts_.each(
            doing, "INSERT INTO usage_key(hash) VALUES (?) RETURNING number",
            [&](const SqliteStatement& row) { number = row.integer(0); }, hash);
        !done)
      return fail(done.error());
    return number;
  }

 private:
  using Known = std::map<std::string_view, std::int64_t>;
  static constexpr const char* doing = "booking settlements";

  Result<std::int64_t> number_of(Known& known, const char* sql, std::string_view name) {
    const auto [entry, is_new] = known.try_emplace(name, 0);
    auto& number = entry->second;
    if (is_new)
      if (auto done = accounts_.each(
              doing, sql, [&number](const SqliteStatement& row) { number = row.integer(0); }, name);
          !done)
        return fail(done.error());
    return number;
  }

  SqliteAccounts& accounts_;
  Known known_accounts_;
  Known known_keys_;
};

/// Books settlements: counters of keys, accounts and days, and a row for each request.
inline Result<void> sqlite_book(SqliteAccounts& accounts, std::span<const Settlement> settlements) {
  const char* doing = "booking settlements";
  const SettlementSums sums{settlements};
  for (const auto& [name, entry] : sums.back)
    if (auto done = sqlite_take_back(accounts, name.first, name.second, entry.first, entry.second);
        !done)
      return done;
  for (const auto& [name, entry] : sums.entries)
    if (auto done = sqlite_note_spent(accounts, name.first, name.second, entry); !done) return done;
  for (const auto& [name, key] : sums.spent)
    if (auto done = accounts.run(doing,
                                 "UPDATE provisioned_key SET usage = usage + ?1, "
                                 "period_usage = period_usage + iif(?2 >= counted_from, ?1, 0) "
                                 "WHERE hash = ?3 AND account = ?4",
                                 key.spent.micros, name.second, name.first, key.account);
        !done)
      return done;
  SqliteNumbers numbers{accounts};
  for (const auto& [name, day] : sums.days) {
    const auto& [account, key_hash, date, model] = name;
    const auto owner = numbers.account(account);
    if (!owner) return fail(owner.error());
    if (auto done = accounts.run(
            doing,
            "INSERT INTO usage_day(account, key_hash, day, model, requests, input_tokens, "
            "output_tokens, cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, "
            "input_tokens = input_tokens + excluded.input_tokens, "
            "output_tokens = output_tokens + excluded.output_tokens, cost = cost + excluded.cost",
            *owner == 0 ? std::string_view{} : account, key_hash, date, model, day.requests,
            day.input_tokens, day.output_tokens, day.cost.micros);
        !done)
      return done;
  }
  std::vector<SqliteUsage> rows;
  rows.reserve(settlements.size());
  for (const auto& settlement : settlements) {
    if (!settlement.usage) continue;
    const auto owner = numbers.account(settlement.account);
    if (!owner) return fail(owner.error());
    const auto key = numbers.key(settlement.key_hash);
    if (!key) return fail(key.error());
    rows.push_back({&*settlement.usage, *owner, *key});
  }
  return sqlite_note_usage(accounts, rows);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
