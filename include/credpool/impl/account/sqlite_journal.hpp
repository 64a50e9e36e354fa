#pragma once
// SPDX-License-Identifier: MIT

// Settlements of accounts.sqlite that are durable and not yet booked. Internal: included by .ipp
// files only.
//
// A settlement changes counters of its key, its account and its day: pages all over the file, more
// of them the more keys there are. So it is first written where the last one was, and booked
// together with the many that follow it. Until then its money stands as reserved, which it was.

#include <credpool/impl/account/sqlite_spending.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// So many wait at most, about: what a commit then books delays those who wait for it.
inline constexpr std::size_t sqlite_most_unbooked = 1'024;

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

inline Settlement row_settlement(const SqliteStatement& row) {
  Settlement settlement;
  settlement.key_hash = row_text(row, 0);
  settlement.account = row_text(row, 1);
  settlement.period_start = row.time(2);
  settlement.spent = row_money(row, 3);
  settlement.returned = row_money(row, 4);
  if (!row.flag(5)) return settlement;
  settlement.day = row_text(row, 6);
  auto& usage = settlement.usage.emplace();
  usage.request_id = row_text(row, 7);
  usage.model = row_text(row, 8);
  usage.input_tokens = row_count(row, 9);
  usage.cached_input_tokens = row_count(row, 10);
  usage.output_tokens = row_count(row, 11);
  usage.reasoning_tokens = row_count(row, 12);
  usage.estimated = row.flag(13);
  usage.cost = settlement.spent;
  usage.status = static_cast<int>(row.integer(14));
  usage.at = row.time(15);
  return settlement;
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

/// Whether settlements wait to be booked.
inline Result<bool> sqlite_unbooked(SqliteAccounts& accounts) {
  bool any = false;
  auto done = accounts.each("looking for settlements", "SELECT 1 FROM settlement LIMIT 1",
                            [&](const SqliteStatement&) { any = true; });
  if (!done) return fail(done.error());
  return any;
}

/// Books all settlements that wait, in the transaction of the caller.
/// @return whether there were any
inline Result<bool> sqlite_book_all(SqliteAccounts& accounts) {
  const char* doing = "booking settlements";
  const auto settlements =
      accounts.all(doing,
                   "SELECT key_hash, account, period_start, spent, returned, served, day, "
                   "request_id, model, input_tokens, cached_input_tokens, output_tokens, "
                   "reasoning_tokens, estimated, status, at FROM settlement ORDER BY number",
                   row_settlement);
  if (!settlements) return fail(settlements.error());
  if (settlements->empty()) return false;
  if (auto booked = sqlite_book(accounts, *settlements); !booked) return fail(booked.error());
  if (auto done = accounts.run(doing, "DELETE FROM settlement"); !done) return fail(done.error());
  return true;
}

/// Reserves from books that are as old as the last booking, unless more can be had from newer ones.
inline Result<Allowance> sqlite_reserve(SqliteAccounts& accounts, const AllowanceRequest& request) {
  const auto book = [&] { return sqlite_book_all(accounts); };
  auto found = sqlite_standing(accounts, request, book);
  const bool scarce = found ? found->share.tight
                            : found.error().errc() == Errc::rate_limited ||
                                  found.error().errc() == Errc::quota_exhausted;
  if (scarce) {
    const auto booked = book();
    if (!booked) return fail(booked.error());
    if (*booked) found = sqlite_standing(accounts, request, book);
  }
  if (!found) return fail(found.error());
  return sqlite_grant(accounts, *found);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
