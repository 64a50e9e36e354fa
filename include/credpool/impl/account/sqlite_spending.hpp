#pragma once
// SPDX-License-Identifier: MIT

// Reservations in accounts.sqlite, inside a transaction of the caller. Internal: included by .ipp
// files only.

#include <credpool/impl/account/sqlite_journal.hpp>

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
inline Result<SqliteStanding> sqlite_standing(SqliteAccounts& accounts,
                                              const AllowanceRequest& request) {
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
    if (const auto booked = sqlite_book(accounts); !booked) return fail(booked.error());
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

/// Reserves from books that are as old as the last booking, unless more can be had from newer ones.
inline Result<Allowance> sqlite_reserve(SqliteAccounts& accounts, const AllowanceRequest& request) {
  auto found = sqlite_standing(accounts, request);
  const bool scarce = found ? found->share.tight
                            : found.error().errc() == Errc::rate_limited ||
                                  found.error().errc() == Errc::quota_exhausted;
  if (scarce) {
    const auto booked = sqlite_book(accounts);
    if (!booked) return fail(booked.error());
    if (*booked) found = sqlite_standing(accounts, request);
  }
  if (!found) return fail(found.error());
  return sqlite_grant(accounts, *found);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
