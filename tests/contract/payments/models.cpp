// SPDX-License-Identifier: MIT
#include "payment_store.hpp"

#include <credpool/account/sqlite_payments.hpp>

#include <throwaway_home.hpp>

namespace cp = credpool;

TEST_CASE("contract/payments: MemoryPaymentStore") {
  cp::MemoryPaymentStore store;
  payment_contract::whole_contract(store);
}

TEST_CASE("contract/payments: SqlitePaymentStore") {
  const ThrowawayHome home;
  const auto environment = home.environment();
  const auto directory = cp::StateDirectory::locate(environment);
  REQUIRE(directory);
  auto store = cp::SqlitePaymentStore::open(*directory, environment);
  REQUIRE(store);
  payment_contract::whole_contract(**store);
  // It is all there the next time, and for another object.
  const auto again = cp::SqlitePaymentStore::open(*directory, environment);
  REQUIRE(again);
  CHECK(payment_contract::got((*again)->payment("p1")).reference == "cs_1");
  CHECK(payment_contract::got((*again)->payment_method("bob")).method == "pm_3");
  payment_contract::refused((*again)->add_payment(payment_contract::payment_named(
                                "t6", "carl", cp::PaymentKind::auto_topup)),
                            cp::Errc::conflict);
}
