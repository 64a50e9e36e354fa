#pragma once
// SPDX-License-Identifier: MIT

// Records of accounts.sqlite as rows. Internal: included by .ipp files only.

#include <credpool/impl/account/allowance.hpp>
#include <credpool/impl/account/sqlite_accounts_schema.hpp>

#include <unordered_map>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// SQL put together of parts while compiling: it is one literal.
template <std::size_t... sizes> consteval auto sql_text(const char (&... parts)[sizes]) {
  std::array<char, (sizes + ...) - sizeof...(sizes) + 1> text{};
  std::size_t length = 0;
  const auto add = [&](const char* part, std::size_t size) {
    for (std::size_t i = 0; i + 1 < size; ++i) text[length++] = part[i];
  };
  (add(parts, sizes), ...);
  return text;
}

/// A connection to the file, with its statements, each prepared when it is first run.
class SqliteAccounts {
 public:
  explicit SqliteAccounts(SqliteDatabase database) : database_{std::move(database)} {}

  SqliteDatabase& database() noexcept { return database_; }

  /// @param sql a literal: the statement is known by its address
  template <class F, class... Values>
  Result<void> each(const char* doing, const char* sql, F&& on_row, const Values&... values) {
    auto found = statements_.find(sql);
    if (found == statements_.end()) {
      auto prepared = database_.prepare(sql);
      if (!prepared) return fail(named(prepared.error()));
      found = statements_.emplace(sql, *std::move(prepared)).first;
    }
    auto done = found->second.each(doing, std::forward<F>(on_row), values...);
    if (!done) return fail(named(done.error()));
    return done;
  }
  template <class... Values>
  Result<void> run(const char* doing, const char* sql, const Values&... values) {
    return each(
        doing, sql, [](const SqliteStatement&) {}, values...);
  }
  /// The one record that a query yields.
  template <class Record, class... Values>
  Result<std::optional<Record>> one(const char* doing, const char* sql,
                                    Record (*of_row)(const SqliteStatement&),
                                    const Values&... values) {
    std::optional<Record> record;
    auto done = each(
        doing, sql, [&](const SqliteStatement& row) { record = of_row(row); }, values...);
    if (!done) return fail(done.error());
    return record;
  }
  template <class Record, class... Values>
  Result<std::vector<Record>> all(const char* doing, const char* sql,
                                  Record (*of_row)(const SqliteStatement&),
                                  const Values&... values) {
    std::vector<Record> records;
    auto done = each(
        doing, sql, [&](const SqliteStatement& row) { records.push_back(of_row(row)); }, values...);
    if (!done) return fail(done.error());
    return records;
  }

  /// A damaged file of money is no cache to be thrown away.
  static Error named(Error error) {
    if (error.errc() == Errc::malformed)
      error.hint =
          "the file is damaged: stop the server, keep the file with its -wal and -shm, and bring "
          "back a backup (or what sqlite3's .recover finds)";
    return error;
  }

 private:
  SqliteDatabase database_;
  std::unordered_map<const void*, SqliteStatement> statements_;
};

inline std::string sqlite_text_of(const SqliteStatement& row, int column) {
  return std::string{row.bytes(column)};
}
inline Money sqlite_money_of(const SqliteStatement& row, int column) {
  return Money{row.integer(column)};
}
inline std::optional<TimePoint> sqlite_maybe_time_of(const SqliteStatement& row, int column) {
  return row.null(column) ? std::nullopt : std::optional{row.time(column)};
}
inline std::uint64_t sqlite_count_of(const SqliteStatement& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}
inline std::int64_t sqlite_first_integer_of(const SqliteStatement& row) {
  return row.integer(0);
}

inline constexpr char sqlite_account_columns[] =
    "id, email, password_hash, plan, github_id, avatar_url, created_at";
inline Account sqlite_account_of(const SqliteStatement& row) {
  return {sqlite_text_of(row, 0),
          sqlite_text_of(row, 1),
          sqlite_text_of(row, 2),
          sqlite_text_of(row, 3),
          row.null(4) ? std::nullopt : std::optional{row.integer(4)},
          sqlite_text_of(row, 5),
          row.time(6)};
}

inline Balance sqlite_balance_of(const SqliteStatement& row) {
  return {sqlite_money_of(row, 0), sqlite_money_of(row, 1), sqlite_money_of(row, 2)};
}

inline AutoTopUp sqlite_topup_of(const SqliteStatement& row) {
  return {row.flag(0), sqlite_money_of(row, 1), sqlite_money_of(row, 2),
          sqlite_maybe_time_of(row, 3)};
}

inline ManagementKey sqlite_management_key_of(const SqliteStatement& row) {
  return {sqlite_text_of(row, 0), sqlite_text_of(row, 1), row.time(2),
          sqlite_maybe_time_of(row, 3)};
}

/// A key and the period that its counter stands for.
struct SqliteKey {
  ProvisionedKey key;
  KeyPeriod period;
};

inline constexpr char sqlite_key_columns[] =
    "hash, digest, account, name, credit_limit, limit_reset, usage, period_usage, period_start, "
    "disabled, created_at, expires_at, revoked_at, period_kind, counted_from";
inline SqliteKey sqlite_stored_key_of(const SqliteStatement& row) {
  SqliteKey stored;
  auto& key = stored.key;
  key.hash = sqlite_text_of(row, 0);
  key.digest = sqlite_text_of(row, 1);
  key.account = sqlite_text_of(row, 2);
  key.name = sqlite_text_of(row, 3);
  if (!row.null(4)) key.credit_limit = sqlite_money_of(row, 4);
  key.limit_reset = limit_reset_of(row.bytes(5)).value_or(LimitReset::never);
  key.usage = sqlite_money_of(row, 6);
  key.period_usage = sqlite_money_of(row, 7);
  key.period_start = row.time(8);
  key.disabled = row.flag(9);
  key.created_at = row.time(10);
  key.expires_at = sqlite_maybe_time_of(row, 11);
  key.revoked_at = sqlite_maybe_time_of(row, 12);
  stored.period = {limit_reset_of(row.bytes(13)).value_or(LimitReset::never), row.time(14)};
  return stored;
}
inline ProvisionedKey sqlite_key_of(const SqliteStatement& row) {
  return sqlite_stored_key_of(row).key;
}

inline constexpr char sqlite_transaction_columns[] =
    "id, type, amount, balance_after, description, created_at";
inline CreditTransaction sqlite_transaction_of(const SqliteStatement& row) {
  return {
      sqlite_text_of(row, 0),  transaction_type_of(row.bytes(1)).value_or(TransactionType::usage),
      sqlite_money_of(row, 2), sqlite_money_of(row, 3),
      sqlite_text_of(row, 4),  row.time(5)};
}

inline constexpr char sqlite_usage_columns[] =
    "account, key_hash, request_id, model, input_tokens, cached_input_tokens, output_tokens, "
    "reasoning_tokens, estimated, cost, status, at";
inline UsageRow sqlite_usage_of(const SqliteStatement& row) {
  UsageRow usage;
  usage.account = sqlite_text_of(row, 0);
  usage.key_hash = sqlite_text_of(row, 1);
  usage.request_id = sqlite_text_of(row, 2);
  usage.model = sqlite_text_of(row, 3);
  usage.input_tokens = sqlite_count_of(row, 4);
  usage.cached_input_tokens = sqlite_count_of(row, 5);
  usage.output_tokens = sqlite_count_of(row, 6);
  usage.reasoning_tokens = sqlite_count_of(row, 7);
  usage.estimated = row.flag(8);
  usage.cost = sqlite_money_of(row, 9);
  usage.status = static_cast<int>(row.integer(10));
  usage.at = row.time(11);
  return usage;
}

inline UsageDay sqlite_day_of(const SqliteStatement& row) {
  return {sqlite_text_of(row, 0),  sqlite_text_of(row, 1),  sqlite_text_of(row, 2),
          sqlite_count_of(row, 3), sqlite_count_of(row, 4), sqlite_count_of(row, 5),
          sqlite_money_of(row, 6)};
}

inline DeviceSession sqlite_session_of(const SqliteStatement& row) {
  return {sqlite_text_of(row, 0),
          sqlite_text_of(row, 1),
          sqlite_text_of(row, 2),
          sqlite_text_of(row, 3),
          row.time(4),
          sqlite_text_of(row, 5)};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
