// SPDX-License-Identifier: MIT
#include <credpool/account/postgres_payments.hpp>

#include <contract/payments/payment_store.hpp>
#include <postgres_server.hpp>

namespace cp = credpool;

namespace {

PostgresServer& server() {
  static PostgresServer running;
  return running;
}

std::unique_ptr<cp::PostgresPaymentStore> connect() {
  auto opened = cp::PostgresPaymentStore::open(cp::Secret{server().address()});
  if (!opened) FAIL(opened.error().message());
  return std::move(*opened);
}

}  // namespace

TEST_CASE("contract/payments: PostgresPaymentStore") {
  const auto store = connect();
  payment_contract::whole_contract(*store);
  // Another server sees it all, and begins no second top-up either.
  const auto other = connect();
  CHECK(payment_contract::got(other->payment("p1")).reference == "cs_1");
  payment_contract::refused(other->add_payment(payment_contract::payment_named(
                                "t6", "carl", cp::PaymentKind::auto_topup)),
                            cp::Errc::conflict);
}

TEST_CASE("account/postgres_payments: a connection that broke is replaced") {
  const auto store = connect();
  const auto payment = payment_contract::payment_named("broken", "fay");
  server().sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
      " WHERE pid <> pg_backend_pid() AND application_name = 'credpool'");
  REQUIRE(store->add_payment(payment));
  payment_contract::same(payment_contract::got(store->payment("broken")), payment);
  payment_contract::refused(store->add_payment(payment), cp::Errc::conflict);
}

TEST_CASE("account/postgres_payments: tables of a newer version are left alone") {
  connect();
  server().sql("INSERT INTO credpool_payment_schema(version) VALUES (99)");
  const auto opened = cp::PostgresPaymentStore::open(cp::Secret{server().address()});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().errc() == cp::Errc::unsupported);
  server().sql("DELETE FROM credpool_payment_schema WHERE version = 99");
}
