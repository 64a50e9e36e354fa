#pragma once
// SPDX-License-Identifier: MIT

// How a PostgresAccountStore asks its server. Internal: included by .ipp files only.

#include <credpool/account/postgres_store.hpp>
#include <credpool/impl/account/account_rows.hpp>
#include <credpool/impl/account/postgres_accounts_schema.hpp>
#include <credpool/impl/core/json.hpp>

#include <array>
#include <atomic>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// One row of an answer.
class PostgresRow {
 public:
  PostgresRow(const PostgresRows& rows, int row) noexcept : rows_{&rows}, row_{row} {}

  std::string bytes(int column) const { return rows_->text(column, row_); }
  std::int64_t integer(int column) const { return rows_->integer(column, row_); }
  bool flag(int column) const { return rows_->flag(column, row_); }
  bool null(int column) const { return rows_->null(column, row_); }
  TimePoint time(int column) const { return TimePoint{Duration{integer(column)}}; }

 private:
  const PostgresRows* rows_;
  int row_;
};

// Parameters are text; the statements say nullif($1, '')::bigint where there may be none.
inline std::string pg_value(std::int64_t number) {
  return std::to_string(number);
}
inline std::string pg_value(std::uint64_t number) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return std::to_string(std::min(number, most));
}
inline std::string pg_value(int number) {
  return std::to_string(number);
}
inline std::string pg_value(bool flag) {
  return flag ? "true" : "false";
}
inline std::string pg_value(Money amount) {
  return std::to_string(amount.micros);
}
inline std::string pg_value(TimePoint time) {
  return std::to_string(time.time_since_epoch().count());
}
/// The server knows no NUL in text.
inline std::string pg_value(std::string_view text) {
  std::string kept;
  for (const char c : text) kept += c == '\0' ? std::string{"\xef\xbf\xbd"} : std::string{c};
  return kept;
}
template <class T> std::string pg_value(const std::optional<T>& value) {
  return value ? pg_value(*value) : std::string{};
}
template <class... Values> std::vector<std::string> pg_values(const Values&... values) {
  return {pg_value(values)...};
}

template <class Record>
Result<std::vector<Record>> pg_all(PostgresConnection& c, const char* doing, const char* sql,
                                   const std::vector<std::string>& values,
                                   Record (*of_row)(const PostgresRow&)) {
  auto rows = c.run(doing, sql, values);
  if (!rows) return fail(rows.error());
  std::vector<Record> records;
  for (int row = 0; row < rows->size(); ++row) records.push_back(of_row(PostgresRow{*rows, row}));
  return records;
}

template <class Record>
Result<std::optional<Record>> pg_one(PostgresConnection& c, const char* doing, const char* sql,
                                     const std::vector<std::string>& values,
                                     Record (*of_row)(const PostgresRow&)) {
  auto records = pg_all(c, doing, sql, values, of_row);
  if (!records) return fail(records.error());
  return records->empty() ? std::optional<Record>{} : std::optional{std::move(records->front())};
}

inline Result<bool> pg_any(PostgresConnection& c, const char* doing, const char* sql,
                           const std::vector<std::string>& values) {
  auto rows = c.run(doing, sql, values);
  if (!rows) return fail(rows.error());
  return !rows->empty();
}

inline Result<void> pg_run(PostgresConnection& c, const char* doing, const char* sql,
                           const std::vector<std::string>& values) {
  auto rows = c.run(doing, sql, values);
  if (!rows) return fail(rows.error());
  return {};
}

/// For statements that end with RETURNING.
inline Result<void> pg_changed(PostgresConnection& c, const char* doing, const char* sql,
                               const std::vector<std::string>& values, Unexpected otherwise) {
  const auto any = pg_any(c, doing, sql, values);
  if (!any) return fail(any.error());
  if (!*any) return otherwise;
  return {};
}

template <class T>
Result<Page<T>> pg_page(Result<std::vector<T>> items, Result<std::optional<std::int64_t>> total) {
  if (!items) return fail(items.error());
  if (!total) return fail(total.error());
  return Page<T>{*std::move(items), static_cast<std::uint64_t>(total->value_or(0))};
}

/// Locks the account, as everybody does who changes it or one of its keys.
inline Result<void> pg_lock_account(PostgresConnection& c, const char* doing, const AccountId& id) {
  return pg_changed(c, doing, "SELECT 1 FROM credpool_account WHERE id = $1 FOR UPDATE",
                    pg_values(id), no_account(doing));
}

/// Runs the body in one transaction; it must not be run again when the commit's outcome is unknown.
template <class Body>
std::invoke_result_t<Body&, PostgresConnection&> pg_transact(PostgresConnection& c, Body& body) {
  const std::string doing = "changing accounts";
  if (auto begun = c.run(doing, "BEGIN"); !begun) return fail(begun.error());
  auto done = body(c);
  if (!done) {
    if (!c.lost())
      if (auto undone = c.run(doing, "ROLLBACK"); !undone) return fail(undone.error());
    return done;
  }
  if (auto committed = c.run(doing, "COMMIT"); !committed) {
    if (!c.lost()) return fail(committed.error());
    return fail(Errc::outcome_unknown, doing, c.place(),
                "the connection broke while it was committed: look before it is done again");
  }
  return done;
}

}  // namespace detail

struct PostgresAccountStore::State {
  explicit State(PostgresAccountPlace where)
      : place{std::move(where)},
        spending{place.connection, place.patience},
        managing{{{place.connection, place.patience}, {place.connection, place.patience}}} {}

  PostgresAccountPlace place;
  std::string life;  ///< names this object among all that ever had the server's name
  detail::PostgresSession spending;
  std::array<detail::PostgresSession, 2> managing;
  std::atomic<unsigned> turns{0};
  std::atomic<bool> registered{false};  ///< the server knows this life

  /// Reads, in statements that may be run again.
  template <class Body> std::invoke_result_t<Body&, detail::PostgresConnection&> read(Body body) {
    return managing[turns++ % managing.size()].with_connection(body);
  }
  template <class Body> std::invoke_result_t<Body&, detail::PostgresConnection&> write(Body body) {
    return managing[turns++ % managing.size()].with_connection(
        [&](detail::PostgresConnection& c) { return detail::pg_transact(c, body); });
  }
  /// Why the server does not know this life.
  Error not_alive(detail::PostgresConnection& c, const char* doing) const {
    const auto taken =
        detail::pg_any(c, doing, "SELECT 1 FROM credpool_account_server WHERE name = $1",
                       detail::pg_values(place.server));
    if (!taken) return taken.error();
    if (*taken)
      return fail(Errc::conflict, doing, place.server,
                  "another server has that name: give each its own, and restart this one")
          .error;
    return fail(Errc::not_found, doing, place.server,
                "this server was silent for so long that its allowances were taken back")
        .error;
  }
};

}  // namespace credpool::inline CREDPOOL_ABI
