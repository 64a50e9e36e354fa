#pragma once
// SPDX-License-Identifier: MIT

// Settlements of accounts.sqlite: durable first, booked later. Internal: included by .ipp files
// only.
//
// A settlement changes counters of its key, its account and its day: pages all over the file, more
// of them the more keys there are. So it is first written where the last one was, and booked
// together with the many that follow it. Until then its money stands as reserved, which it was.

#include <credpool/impl/account/sqlite_records.hpp>

#include <map>
#include <tuple>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// So many wait at most: what a commit then books delays those who wait for it.
inline constexpr std::int64_t sqlite_most_unbooked = 1'024;

/// A row of the journal. Money that only goes back has no day and nothing of a request.
inline auto sqlite_journal_values(const Settlement& settlement) {
  static const UsageRow none;
  const auto& usage = settlement.usage ? *settlement.usage : none;
  return std::tuple{std::string_view{settlement.key_hash},
                    std::string_view{settlement.account},
                    settlement.period_start,
                    settlement.spent.micros,
                    settlement.returned.micros,
                    settlement.usage.has_value(),
                    std::string_view{settlement.day},
                    std::string_view{usage.request_id},
                    std::string_view{usage.model},
                    usage.input_tokens,
                    usage.cached_input_tokens,
                    usage.output_tokens,
                    usage.reasoning_tokens,
                    usage.estimated,
                    usage.status,
                    usage.at};
}

/// Writes settlements down, to be booked later; eight to a statement.
inline Result<void> sqlite_journal(SqliteAccounts& accounts,
                                   std::span<const Settlement> settlements) {
  const char* doing = "settling requests";
  static constexpr char insert[] =
      "INSERT INTO settlement(key_hash, account, period_start, spent, returned, served, day, "
      "request_id, model, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, "
      "estimated, status, at) VALUES ";
  static constexpr char row[] = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  static constexpr auto one = sql_text(insert, row);
  static constexpr auto eight =
      sql_text(insert, row, ",", row, ",", row, ",", row, ",", row, ",", row, ",", row, ",", row);
  const auto values = sqlite_journal_values;
  for (; settlements.size() >= 8; settlements = settlements.subspan(8))
    if (auto done =
            accounts.run(doing, eight.data(), values(settlements[0]), values(settlements[1]),
                         values(settlements[2]), values(settlements[3]), values(settlements[4]),
                         values(settlements[5]), values(settlements[6]), values(settlements[7]));
        !done)
      return done;
  for (const auto& each : settlements)
    if (auto done = accounts.run(doing, one.data(), values(each)); !done) return done;
  return {};
}

/// How many settlements wait to be booked: all go at once, and then the numbers begin again.
inline Result<std::int64_t> sqlite_unbooked(SqliteAccounts& accounts) {
  std::int64_t last = 0;
  auto done = accounts.each("looking for settlements", "SELECT max(number) FROM settlement",
                            [&](const SqliteStatement& row) { last = row.integer(0); });
  if (!done) return fail(done.error());
  return last;
}

/// What the settlements of one key, day and model come to.
struct SqliteSettled {
  AccountId account;
  std::string key_hash;
  TimePoint period_start;
  bool served;
  std::string day;
  std::string model;
  std::uint64_t requests;
  std::uint64_t input_tokens;
  std::uint64_t output_tokens;
  Money spent;
  Money returned;
  TimePoint first_at;
};

inline SqliteSettled row_settled(const SqliteStatement& row) {
  return {row_text(row, 0),  row_text(row, 1),  row.time(2),        row.flag(3),
          row_text(row, 4),  row_text(row, 5),  row_count(row, 6),  row_count(row, 7),
          row_count(row, 8), row_money(row, 9), row_money(row, 10), row.time(11)};
}

/// What all of them come to, so that each counter is written once.
struct SettlementSums {
  struct Key {
    AccountId account;
    Money back;  ///< spent and returned
    Money spent;
  };
  struct Entry {
    Money spent;
    TimePoint at = TimePoint::max();
  };

  std::map<std::pair<std::string_view, TimePoint>, Key> keys;              ///< by hash and period
  std::map<std::pair<std::string_view, std::string_view>, Entry> entries;  ///< by account and day

  /// @param settled must outlive this object
  explicit SettlementSums(std::span<const SqliteSettled> settled) {
    for (const auto& each : settled) {
      auto& key = keys[{each.key_hash, each.period_start}];
      key.account = each.account;
      key.back += each.spent + each.returned;
      key.spent += each.spent;
      if (each.spent == Money{}) continue;
      auto& entry = entries[{each.account, each.day}];
      entry.spent += each.spent;
      entry.at = std::min(entry.at, each.first_at);
    }
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

/// The counters of a key, a day and a model.
inline Result<void> sqlite_note_day(SqliteAccounts& accounts, const SqliteSettled& settled) {
  return accounts.run(
      "booking settlements",
      // Usage of an account that is gone is kept without a name.
      "INSERT INTO usage_day(account, key_hash, day, model, requests, input_tokens, "
      "output_tokens, cost) VALUES (coalesce((SELECT id FROM account WHERE id = ?), ''), ?, ?, ?, "
      "?, ?, ?, ?) ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, "
      "input_tokens = input_tokens + excluded.input_tokens, "
      "output_tokens = output_tokens + excluded.output_tokens, cost = cost + excluded.cost",
      settled.account, settled.key_hash, settled.day, settled.model, settled.requests,
      settled.input_tokens, settled.output_tokens, settled.spent.micros);
}

/// A row for each request, in the order in which they were settled.
inline Result<void> sqlite_note_requests(SqliteAccounts& accounts,
                                         std::span<const SqliteSettled> settled) {
  const char* doing = "booking settlements";
  for (const auto& each : settled)
    if (each.served)
      if (auto done = accounts.run(doing, "INSERT OR IGNORE INTO usage_key(hash) VALUES (?)",
                                   each.key_hash);
          !done)
        return done;
  return accounts.run(
      doing,
      "INSERT INTO usage_row(account, key, request_id, model, input_tokens, cached_input_tokens, "
      "output_tokens, reasoning_tokens, estimated, cost, status, at) "
      "SELECT coalesce(account.number, 0), usage_key.number, request_id, model, input_tokens, "
      "cached_input_tokens, output_tokens, reasoning_tokens, estimated, spent, status, at "
      // CROSS: in this order, whatever SQLite thinks of it.
      "FROM settlement CROSS JOIN usage_key ON usage_key.hash = key_hash "
      "LEFT JOIN account ON account.id = settlement.account "
      "WHERE served ORDER BY settlement.number");
}

/// Books all settlements that wait, in the transaction of the caller: counters of keys, accounts
/// and days, and a row for each request.
/// @return whether there were any
inline Result<bool> sqlite_book(SqliteAccounts& accounts) {
  const char* doing = "booking settlements";
  const auto settled = accounts.all(
      doing,
      "SELECT account, key_hash, period_start, served, day, model, count(*), sum(input_tokens), "
      "sum(output_tokens), sum(spent), sum(returned), min(at) FROM settlement "
      "GROUP BY account, key_hash, period_start, served, day, model",
      row_settled);
  if (!settled) return fail(settled.error());
  if (settled->empty()) return false;
  const SettlementSums sums{*settled};
  for (const auto& [name, key] : sums.keys)
    if (auto done = sqlite_take_back(accounts, name.first, name.second, key.account, key.back);
        !done)
      return fail(done.error());
  for (const auto& [name, entry] : sums.entries)
    if (auto done = sqlite_note_spent(accounts, name.first, name.second, entry); !done)
      return fail(done.error());
  for (const auto& [name, key] : sums.keys)
    if (key.spent != Money{})
      if (auto done = accounts.run(doing,
                                   "UPDATE provisioned_key SET usage = usage + ?1, "
                                   "period_usage = period_usage + iif(?2 >= counted_from, ?1, 0) "
                                   "WHERE hash = ?3 AND account = ?4",
                                   key.spent.micros, name.second, name.first, key.account);
          !done)
        return fail(done.error());
  for (const auto& each : *settled)
    if (each.served)
      if (auto done = sqlite_note_day(accounts, each); !done) return fail(done.error());
  if (auto done = sqlite_note_requests(accounts, *settled); !done) return fail(done.error());
  if (auto done = accounts.run(doing, "DELETE FROM settlement"); !done) return fail(done.error());
  return true;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
