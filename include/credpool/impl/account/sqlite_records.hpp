#pragma once
// SPDX-License-Identifier: MIT

// A connection to accounts.sqlite. Internal: included by .ipp files only.

#include <credpool/impl/account/account_rows.hpp>
#include <credpool/impl/account/sqlite_accounts_schema.hpp>

#include <unordered_map>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

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

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
