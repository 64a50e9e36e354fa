#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/sqlite_payments.hpp>

#include <credpool/impl/account/sqlite_records.hpp>

#include <mutex>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// migration[n] leads from version n to n + 1. Never change one that was released: add another.
inline constexpr std::array<const char*, 1> sqlite_payment_migrations{R"sql(
CREATE TABLE payment(
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('checkout', 'auto_topup')),
  credits INTEGER NOT NULL,
  charge_cents INTEGER NOT NULL,
  reference TEXT UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'failed', 'unclaimed')),
  save_method INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX payment_state ON payment(state, id);
-- One top-up of an account at a time, whoever begins it.
CREATE UNIQUE INDEX payment_open_topup ON payment(account)
  WHERE kind = 'auto_topup' AND state = 'open';

CREATE TABLE payment_method(
  account TEXT PRIMARY KEY,
  customer TEXT NOT NULL,
  method TEXT NOT NULL
) WITHOUT ROWID;
)sql"};

inline constexpr SqliteSchema payment_schema{"opening the payments", 0x63707061,
                                             sqlite_payment_migrations, "FULL"};

inline constexpr char sqlite_payment_columns[] =
    "id, account, kind, credits, charge_cents, reference, state, save_method, created_at";
inline Payment sqlite_payment_of(const SqliteStatement& row) {
  // The table holds no other words.
  return {.id = row_text(row, 0),
          .account = row_text(row, 1),
          .kind = payment_kind_of(row.bytes(2)).value_or(PaymentKind::checkout),
          .credits = row_money(row, 3),
          .charge_cents = row.integer(4),
          .reference = row_text(row, 5),
          .state = payment_state_of(row.bytes(6)).value_or(PaymentState::unclaimed),
          .save_method = row.flag(7),
          .created_at = row.time(8)};
}
inline PaymentMethod sqlite_payment_method_of(const SqliteStatement& row) {
  return {row_text(row, 0), row_text(row, 1)};
}

}  // namespace detail

struct SqlitePaymentStore::State {
  explicit State(detail::SqliteDatabase opened) : rows{std::move(opened)} {}

  std::mutex mutex;
  detail::SqliteAccounts rows;
};

CREDPOOL_INLINE SqlitePaymentStore::SqlitePaymentStore(std::unique_ptr<State> state) noexcept
    : state_{std::move(state)} {}
CREDPOOL_INLINE SqlitePaymentStore::~SqlitePaymentStore() = default;

CREDPOOL_INLINE Result<std::unique_ptr<SqlitePaymentStore>> SqlitePaymentStore::open(
    const StateDirectory& directory, const Environment& environment, Duration patience) {
  const auto& schema = detail::payment_schema;
  auto path = detail::sqlite_path(directory, "payments.sqlite", schema.doing);
  if (!path) return fail(path.error());
  auto database = detail::open_sqlite_file(*path, environment, patience, schema);
  if (!database) return fail(detail::SqliteAccounts::named(database.error()));
  return std::unique_ptr<SqlitePaymentStore>{
      new SqlitePaymentStore{std::make_unique<State>(*std::move(database))}};
}

CREDPOOL_INLINE Result<void> SqlitePaymentStore::add_payment(const Payment& payment) {
  const std::lock_guard lock{state_->mutex};
  bool added = false;
  auto done = state_->rows.each(
      "beginning a payment",
      "INSERT INTO payment(id, account, kind, credits, charge_cents, reference, state, "
      "save_method, created_at) VALUES (?, ?, ?, ?, ?, nullif(?, ''), ?, ?, ?) "
      "ON CONFLICT DO NOTHING RETURNING 1",
      [&](const detail::SqliteStatement&) { added = true; }, payment.id, payment.account,
      to_string(payment.kind), payment.credits.micros, payment.charge_cents, payment.reference,
      to_string(payment.state), payment.save_method, payment.created_at);
  if (!done) return done;
  if (!added) return fail(Errc::conflict, "beginning a payment", {}, "another one is still open");
  return {};
}

CREDPOOL_INLINE Result<std::optional<Payment>> SqlitePaymentStore::payment(std::string_view id) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::sqlite_payment_columns, " FROM payment WHERE id = ?");
  const std::lock_guard lock{state_->mutex};
  return state_->rows.one("reading a payment", sql.data(), detail::sqlite_payment_of, id);
}

CREDPOOL_INLINE Result<std::optional<Payment>> SqlitePaymentStore::payment_by_reference(
    std::string_view reference) {
  static constexpr auto sql = detail::sql_text("SELECT ", detail::sqlite_payment_columns,
                                               " FROM payment WHERE reference = nullif(?, '')");
  const std::lock_guard lock{state_->mutex};
  return state_->rows.one("reading a payment", sql.data(), detail::sqlite_payment_of, reference);
}

CREDPOOL_INLINE Result<std::optional<Payment>> SqlitePaymentStore::open_topup(
    const AccountId& account) {
  static constexpr auto sql = detail::sql_text(
      "SELECT ", detail::sqlite_payment_columns,
      " FROM payment WHERE account = ? AND kind = 'auto_topup' AND state = 'open'");
  const std::lock_guard lock{state_->mutex};
  return state_->rows.one("reading a payment", sql.data(), detail::sqlite_payment_of, account);
}

CREDPOOL_INLINE Result<void> SqlitePaymentStore::change_payment(const Payment& payment) {
  const std::lock_guard lock{state_->mutex};
  const char* doing = "changing a payment";
  bool there = false;
  if (auto done = state_->rows.each(
          doing,
          "UPDATE payment SET reference = iif(state = 'open', nullif(?, ''), reference), "
          "state = iif(state = 'open', ?, state) WHERE id = ? RETURNING 1",
          [&](const detail::SqliteStatement&) { there = true; }, payment.reference,
          to_string(payment.state), payment.id);
      !done)
    return done;
  if (!there) return fail(Errc::not_found, doing);
  return {};
}

CREDPOOL_INLINE Result<std::vector<Payment>> SqlitePaymentStore::payments_in(
    PaymentState state, std::string_view after_id, std::uint64_t limit) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::sqlite_payment_columns,
                       " FROM payment WHERE state = ? AND id > ? ORDER BY id LIMIT ?");
  const std::lock_guard lock{state_->mutex};
  return state_->rows.all("listing payments", sql.data(), detail::sqlite_payment_of,
                          to_string(state), after_id, limit);
}

CREDPOOL_INLINE Result<std::optional<PaymentMethod>> SqlitePaymentStore::payment_method(
    const AccountId& account) {
  const std::lock_guard lock{state_->mutex};
  return state_->rows.one("reading a payment method",
                          "SELECT customer, method FROM payment_method WHERE account = ?",
                          detail::sqlite_payment_method_of, account);
}

CREDPOOL_INLINE Result<void> SqlitePaymentStore::set_payment_method(
    const AccountId& account, const std::optional<PaymentMethod>& method) {
  const std::lock_guard lock{state_->mutex};
  const char* doing = "changing a payment method";
  if (!method)
    return state_->rows.run(doing, "DELETE FROM payment_method WHERE account = ?", account);
  return state_->rows.run(doing,
                          "INSERT INTO payment_method VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
                          "customer = excluded.customer, method = excluded.method",
                          account, method->customer, method->method);
}

}  // namespace credpool::inline CREDPOOL_ABI
