#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/postgres_payments.hpp>

#include <credpool/impl/store/postgres_session.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// migrations[n] leads from version n to n + 1. Never change one that was released: add another.
inline PostgresSchema payment_tables() {
  return {"preparing the tables of payments",
          "credpool_payment_schema",
          {{{
              "CREATE TABLE credpool_payment("
              " id text PRIMARY KEY,"
              " account text NOT NULL,"
              " kind text NOT NULL CHECK (kind IN ('checkout', 'auto_topup')),"
              " credits bigint NOT NULL,"
              " charge_cents bigint NOT NULL,"
              " reference text UNIQUE,"
              " state text NOT NULL CHECK (state IN ('open', 'paid', 'failed', 'unclaimed')),"
              " save_method boolean NOT NULL,"
              " created_at bigint NOT NULL)",
              "CREATE INDEX credpool_payment_state ON credpool_payment(state, id COLLATE \"C\")",
              // One top-up of an account at a time, whoever begins it.
              "CREATE UNIQUE INDEX credpool_payment_open_topup ON credpool_payment(account)"
              " WHERE kind = 'auto_topup' AND state = 'open'",
              "CREATE TABLE credpool_payment_method("
              " account text PRIMARY KEY, customer text NOT NULL, method text NOT NULL)",
          }}}};
}

inline std::vector<Payment> payments_of(const PostgresRows& rows) {
  std::vector<Payment> payments;
  for (int row = 0; row < rows.size(); ++row)
    // The table holds no other words.
    payments.push_back(
        {.id = rows.text(0, row),
         .account = rows.text(1, row),
         .kind = payment_kind_of(rows.text(2, row)).value_or(PaymentKind::checkout),
         .credits = Money{rows.integer(3, row)},
         .charge_cents = rows.integer(4, row),
         .reference = rows.text(5, row),
         .state = payment_state_of(rows.text(6, row)).value_or(PaymentState::unclaimed),
         .save_method = rows.text(7, row) == "t",
         .created_at = TimePoint{Duration{rows.integer(8, row)}}});
  return payments;
}

}  // namespace detail

struct PostgresPaymentStore::Session : detail::PostgresSession {
  using PostgresSession::PostgresSession;

  /// @param condition of the statement, with ORDER and LIMIT where wanted
  Result<std::vector<Payment>> select(const std::string& condition,
                                      const std::vector<std::string>& values) {
    const auto sql =
        "SELECT id, account, kind, credits, charge_cents, coalesce(reference, ''), state,"
        " save_method, created_at FROM credpool_payment WHERE " +
        condition;
    return with_connection([&](detail::PostgresConnection& connection) {
      return connection.run("reading payments", sql.c_str(), values)
          .transform([](const auto& rows) { return detail::payments_of(rows); });
    });
  }
  Result<std::optional<Payment>> select_one(const std::string& condition, std::string_view value) {
    return select(condition, {std::string{value}}).transform([](std::vector<Payment> found) {
      return found.empty() ? std::nullopt : std::optional{std::move(found.front())};
    });
  }
};

CREDPOOL_INLINE PostgresPaymentStore::PostgresPaymentStore(
    std::unique_ptr<Session> session) noexcept
    : session_{std::move(session)} {}
CREDPOOL_INLINE PostgresPaymentStore::~PostgresPaymentStore() = default;

CREDPOOL_INLINE Result<std::unique_ptr<PostgresPaymentStore>> PostgresPaymentStore::open(
    Secret connection, Duration patience) {
  auto session = std::make_unique<Session>(std::move(connection), patience);
  auto migrated = session->with_connection([](detail::PostgresConnection& opened) {
    return detail::migrate_postgres(opened, detail::payment_tables());
  });
  if (!migrated) return fail(migrated.error());
  return std::unique_ptr<PostgresPaymentStore>{new PostgresPaymentStore{std::move(session)}};
}

CREDPOOL_INLINE Result<void> PostgresPaymentStore::add_payment(const Payment& payment) {
  const auto* doing = "beginning a payment";
  // Run again after the connection broke, the row that is there may be the one that was written.
  bool again = false;
  return session_->with_connection([&](detail::PostgresConnection& connection) -> Result<void> {
    const auto written = connection.run(
        doing,
        "INSERT INTO credpool_payment VALUES"
        " ($1, $2, $3, $4::bigint, $5::bigint, nullif($6, ''), $7, $8::boolean, $9::bigint)"
        " ON CONFLICT DO NOTHING RETURNING 1",
        {payment.id, payment.account, std::string{to_string(payment.kind)},
         std::to_string(payment.credits.micros), std::to_string(payment.charge_cents),
         payment.reference, std::string{to_string(payment.state)},
         payment.save_method ? "true" : "false",
         std::to_string(payment.created_at.time_since_epoch().count())});
    const bool second = std::exchange(again, true);
    if (!written) return fail(written.error());
    if (!written->empty()) return {};
    if (second) {
      const auto ours =
          connection.run(doing, "SELECT 1 FROM credpool_payment WHERE id = $1", {payment.id});
      if (!ours) return fail(ours.error());
      if (!ours->empty()) return {};
    }
    return fail(Errc::conflict, doing, {}, "another one is still open");
  });
}

CREDPOOL_INLINE Result<std::optional<Payment>> PostgresPaymentStore::payment(std::string_view id) {
  return session_->select_one("id = $1", id);
}

CREDPOOL_INLINE Result<std::optional<Payment>> PostgresPaymentStore::payment_by_reference(
    std::string_view reference) {
  return session_->select_one("reference = nullif($1, '')", reference);
}

CREDPOOL_INLINE Result<std::optional<Payment>> PostgresPaymentStore::open_topup(
    const AccountId& account) {
  return session_->select_one("account = $1 AND kind = 'auto_topup' AND state = 'open'", account);
}

CREDPOOL_INLINE Result<void> PostgresPaymentStore::change_payment(const Payment& payment) {
  const auto* doing = "changing a payment";
  return session_->with_connection([&](detail::PostgresConnection& connection) -> Result<void> {
    const auto changed = connection.run(
        doing,
        "UPDATE credpool_payment SET"
        " reference = CASE state WHEN 'open' THEN nullif($2, '') ELSE reference END,"
        " state = CASE state WHEN 'open' THEN $3 ELSE state END WHERE id = $1 RETURNING 1",
        {payment.id, payment.reference, std::string{to_string(payment.state)}});
    if (!changed) return fail(changed.error());
    if (changed->empty()) return fail(Errc::not_found, doing);
    return {};
  });
}

CREDPOOL_INLINE Result<std::vector<Payment>> PostgresPaymentStore::payments_in(
    PaymentState state, std::string_view after_id, std::uint64_t limit) {
  // Ids are compared byte by byte, whatever the database's language.
  return session_->select(
      "state = $1 AND id COLLATE \"C\" > $2 ORDER BY id COLLATE \"C\" LIMIT $3::bigint",
      {std::string{to_string(state)}, std::string{after_id},
       std::to_string(std::min<std::uint64_t>(limit, 1'000))});
}

CREDPOOL_INLINE Result<std::optional<PaymentMethod>> PostgresPaymentStore::payment_method(
    const AccountId& account) {
  return session_->with_connection(
      [&](detail::PostgresConnection& connection) -> Result<std::optional<PaymentMethod>> {
        const auto rows = connection.run(
            "reading a payment method",
            "SELECT customer, method FROM credpool_payment_method WHERE account = $1", {account});
        if (!rows) return fail(rows.error());
        if (rows->empty()) return std::optional<PaymentMethod>{};
        return std::optional{PaymentMethod{rows->text(0), rows->text(1)}};
      });
}

CREDPOOL_INLINE Result<void> PostgresPaymentStore::set_payment_method(
    const AccountId& account, const std::optional<PaymentMethod>& method) {
  const auto* doing = "changing a payment method";
  return session_->with_connection([&](detail::PostgresConnection& connection) -> Result<void> {
    const auto done =
        method ? connection.run(doing,
                                "INSERT INTO credpool_payment_method VALUES ($1, $2, $3)"
                                " ON CONFLICT (account) DO UPDATE SET"
                                " customer = excluded.customer, method = excluded.method",
                                {account, method->customer, method->method})
               : connection.run(doing, "DELETE FROM credpool_payment_method WHERE account = $1",
                                {account});
    if (!done) return fail(done.error());
    return {};
  });
}

}  // namespace credpool::inline CREDPOOL_ABI
