// SPDX-License-Identifier: MIT
#include "../account_import.hpp"

#include "libpq_on_demand.hpp"

#include <credpool/impl/store/postgres.hpp>

namespace credpool_cli {

namespace cp = credpool;

namespace {

using cp::detail::PostgresConnection;
using cp::detail::PostgresRows;

constexpr const char* doing = "reading the other server's database";

/// The fields of one row, from the left.
class Fields {
 public:
  Fields(const PostgresRows& rows, int row) : rows_{rows}, row_{row} {}

  std::string text() { return rows_.text(column_++, row_); }  // NULL: empty
  bool flag() { return text() == "t"; }
  std::int64_t integer() { return rows_.integer(column_++, row_); }
  cp::TimePoint time() { return cp::TimePoint{cp::Duration{integer()}}; }
  std::optional<std::string> optional_text() { return maybe(&Fields::text); }
  std::optional<std::int64_t> optional_integer() { return maybe(&Fields::integer); }
  std::optional<cp::TimePoint> optional_time() { return maybe(&Fields::time); }

 private:
  template <class Value> std::optional<Value> maybe(Value (Fields::*read)()) {
    if (!rows_.null(column_, row_)) return (this->*read)();
    ++column_;
    return std::nullopt;
  }

  const PostgresRows& rows_;
  int row_;
  int column_ = 0;
};

/// Some rows at a time: no statement takes long, however large the table is.
template <class Row>
cp::Result<void> read(PostgresConnection& connection, std::vector<Row>& all, std::string sql,
                      Row (*make)(Fields)) {
  // ms(column): milliseconds since the epoch.
  for (std::size_t at = 0; (at = sql.find("ms(", at)) != std::string::npos;) {
    const auto end = sql.find(')', at);
    const auto column = sql.substr(at + 3, end - at - 3);
    sql.replace(at, end + 1 - at, "floor(extract(epoch FROM " + column + ") * 1000)::bigint");
  }
  if (auto done = connection.run(doing, ("DECLARE books NO SCROLL CURSOR FOR " + sql).c_str());
      !done)
    return cp::fail(done.error());
  for (;;) {
    const auto rows = connection.run(doing, "FETCH 5000 FROM books");
    if (!rows) return cp::fail(rows.error());
    if (rows->empty()) break;
    for (int row = 0; row < rows->size(); ++row) all.push_back(make(Fields{*rows, row}));
  }
  if (auto done = connection.run(doing, "CLOSE books"); !done) return cp::fail(done.error());
  return {};
}

cp::Result<ReferenceBooks> read_books(PostgresConnection& connection) {
  using B = ReferenceBooks;
  B books;
  for (const char* sql :
       {"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL statement_timeout = '60s'"})
    if (auto done = connection.run(doing, sql); !done) return cp::fail(done.error());
  const auto all = [&]() -> cp::Result<void> {
    if (auto done = read<B::User>(
            connection, books.users,
            "SELECT id, email, password_hash, plan, github_id, avatar_url, ms(created_at) "
            "FROM users ORDER BY created_at, id",
            [](Fields f) {
              return B::User{f.text(), f.text(), f.text(), f.text(), f.optional_integer(),
                             f.text(), f.time()};
            });
        !done)
      return done;
    // The keys themselves do not leave the database.
    if (auto done = read<B::ManagementKey>(
            connection, books.management_keys,
            "SELECT id, user_id, encode(sha256(convert_to(key_value, 'UTF8')), 'hex'), is_revoked, "
            "ms(created_at), ms(revoked_at) FROM management_keys ORDER BY created_at, id",
            [](Fields f) {
              return B::ManagementKey{f.text(), f.text(), f.text(),
                                      f.flag(), f.time(), f.optional_time()};
            });
        !done)
      return done;
    if (auto done = read<B::Key>(
            connection, books.keys,
            "SELECT id, user_id, hash, encode(sha256(convert_to(key_value, 'UTF8')), 'hex'), name, "
            "credit_limit::text, limit_reset, usage::text, disabled, is_revoked, ms(created_at), "
            "ms(expires_at), ms(revoked_at) FROM provisioned_keys ORDER BY created_at, id",
            [](Fields f) {
              return B::Key{f.text(),         f.text(),          f.text(), f.text(),
                            f.text(),         f.optional_text(), f.text(), f.text(),
                            f.flag(),         f.flag(),          f.time(), f.optional_time(),
                            f.optional_time()};
            });
        !done)
      return done;
    if (auto done = read<B::Balance>(
            connection, books.balances,
            "SELECT id, user_id, total_credits::text, total_usage::text, auto_topup_enabled, "
            "auto_topup_threshold::text, auto_topup_amount::text, ms(updated_at) "
            "FROM credit_balances ORDER BY id",
            [](Fields f) {
              return B::Balance{f.text(), f.text(), f.text(), f.text(),
                                f.flag(), f.text(), f.text(), f.time()};
            });
        !done)
      return done;
    if (auto done = read<B::Transaction>(
            connection, books.transactions,
            "SELECT id, user_id, type, amount::text, description, ms(created_at) "
            "FROM credit_transactions ORDER BY created_at, id",
            [](Fields f) {
              return B::Transaction{f.text(), f.text(), f.text(), f.text(), f.text(), f.time()};
            });
        !done)
      return done;
    return read<B::Usage>(
        connection, books.usage,
        "SELECT id, user_id, key_id, model, prompt_tokens, completion_tokens, cost::text, "
        "coalesce(upstream_status, 0), ms(created_at) FROM usage_logs ORDER BY created_at, id",
        [](Fields f) {
          return B::Usage{f.text(),    f.text(),    f.text(), f.text(),
                          f.integer(), f.integer(), f.text(), static_cast<int>(f.integer()),
                          f.time()};
        });
  };
  if (auto done = all(); !done) return cp::fail(done.error());
  if (auto done = connection.run(doing, "COMMIT"); !done) return cp::fail(done.error());
  return books;
}

}  // namespace

cp::Result<ImportReport> with_reference_books(
    const std::string& address,
    const std::function<cp::Result<ImportReport>(const ReferenceBooks&)>& then) {
  if (auto loaded = need_libpq(); !loaded) return cp::fail(loaded.error());
  auto connection = PostgresConnection::open(cp::Secret{address}, std::chrono::seconds{60});
  if (!connection) return cp::fail(connection.error());
  // Held until the connection ends. The number is ours alone: the bytes of "importcp".
  const auto alone = connection->run(doing, "SELECT pg_try_advisory_lock(7596851770407805808)");
  if (!alone) return cp::fail(alone.error());
  if (!alone->flag(0))
    return cp::fail(cp::Errc::busy, doing, connection->place(),
                    "another import from it is running: wait until it ends");
  const auto books = read_books(*connection);
  if (!books) return cp::fail(books.error());
  return then(*books);
}

}  // namespace credpool_cli
