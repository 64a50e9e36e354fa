#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/payments.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

/// What every PaymentStore must do, whatever it is made of.
namespace payment_contract {

namespace cp = credpool;

inline constexpr cp::TimePoint start{cp::Duration{1'795'262'400'123}};

inline cp::Payment payment_named(std::string id, std::string account,
                                 cp::PaymentKind kind = cp::PaymentKind::checkout) {
  return {.id = std::move(id),
          .account = std::move(account),
          .kind = kind,
          .credits = cp::Money{12'345'678},
          .charge_cents = 1315,
          .reference = {},
          .state = cp::PaymentState::open,
          .save_method = true,
          .created_at = start};
}

inline void same(const cp::Payment& a, const cp::Payment& b) {
  CHECK(a.id == b.id);
  CHECK(a.account == b.account);
  CHECK(a.kind == b.kind);
  CHECK(a.credits == b.credits);
  CHECK(a.charge_cents == b.charge_cents);
  CHECK(a.reference == b.reference);
  CHECK(a.state == b.state);
  CHECK(a.save_method == b.save_method);
  CHECK(a.created_at == b.created_at);
}

template <class T> T got(const cp::Result<std::optional<T>>& found) {
  REQUIRE(found);
  REQUIRE(*found);
  return **found;
}
template <class T> void none(const cp::Result<std::optional<T>>& found) {
  REQUIRE(found);
  CHECK_FALSE(*found);
}
inline void refused(const cp::Result<void>& result, cp::Errc code) {
  REQUIRE_FALSE(result);
  CHECK(result.error().errc() == code);
}

inline void kept(cp::PaymentStore& store) {
  auto payment = payment_named("p1", "ann");
  none(store.payment("p1"));
  none(store.payment_by_reference(""));
  REQUIRE(store.add_payment(payment));
  refused(store.add_payment(payment), cp::Errc::conflict);
  same(got(store.payment("p1")), payment);
  // One without a reference is not found by an empty one.
  none(store.payment_by_reference(""));
  payment.reference = "cs_1";
  REQUIRE(store.change_payment(payment));
  same(got(store.payment_by_reference("cs_1")), payment);
  // Only reference and state change.
  auto other = payment;
  other.credits = cp::Money{};
  other.account = "bob";
  other.state = cp::PaymentState::paid;
  REQUIRE(store.change_payment(other));
  payment.state = cp::PaymentState::paid;
  same(got(store.payment("p1")), payment);
  // What has ended stays as it is.
  other.state = cp::PaymentState::open;
  other.reference = "cs_2";
  REQUIRE(store.change_payment(other));
  same(got(store.payment("p1")), payment);
  refused(store.change_payment(payment_named("p9", "ann")), cp::Errc::not_found);
}

inline void one_topup(cp::PaymentStore& store) {
  auto first = payment_named("t1", "carl", cp::PaymentKind::auto_topup);
  none(store.open_topup("carl"));
  REQUIRE(store.add_payment(first));
  refused(store.add_payment(payment_named("t2", "carl", cp::PaymentKind::auto_topup)),
          cp::Errc::conflict);
  none(store.payment("t2"));
  // Other accounts and other kinds are no matter.
  REQUIRE(store.add_payment(payment_named("t3", "dora", cp::PaymentKind::auto_topup)));
  REQUIRE(store.add_payment(payment_named("t4", "carl")));
  same(got(store.open_topup("carl")), first);
  first.state = cp::PaymentState::failed;
  REQUIRE(store.change_payment(first));
  none(store.open_topup("carl"));
  REQUIRE(store.add_payment(payment_named("t5", "carl", cp::PaymentKind::auto_topup)));
  CHECK(got(store.open_topup("carl")).id == "t5");
}

inline void one_of_many(cp::PaymentStore& store) {
  std::atomic<int> begun{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      if (store.add_payment(
              payment_named("m" + std::to_string(i), "many", cp::PaymentKind::auto_topup)))
        ++begun;
    });
  for (auto& thread : threads) thread.join();
  CHECK(begun == 1);
}

inline void listed(cp::PaymentStore& store) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    auto payment = payment_named("x" + std::to_string(i), "eve");
    REQUIRE(store.add_payment(payment));
    if (i == 2) {
      payment.state = cp::PaymentState::unclaimed;
      REQUIRE(store.change_payment(payment));
    }
  }
  for (std::string after = "x"; ids.size() < 10;) {
    const auto page = store.payments_in(cp::PaymentState::open, after, 2);
    REQUIRE(page);
    if (page->empty()) break;
    for (const auto& payment : *page) ids.push_back(payment.id);
    after = ids.back();
  }
  CHECK(ids == std::vector<std::string>{"x0", "x1", "x3", "x4"});
  const auto unclaimed = store.payments_in(cp::PaymentState::unclaimed, "", 10);
  REQUIRE(unclaimed);
  REQUIRE(unclaimed->size() == 1);
  CHECK(unclaimed->front().id == "x2");
}

inline void methods(cp::PaymentStore& store) {
  none(store.payment_method("ann"));
  REQUIRE(store.set_payment_method("ann", cp::PaymentMethod{"cus_1", "pm_1"}));
  REQUIRE(store.set_payment_method("ann", cp::PaymentMethod{"cus_1", "pm_2"}));
  REQUIRE(store.set_payment_method("bob", cp::PaymentMethod{"cus_2", "pm_3"}));
  CHECK(got(store.payment_method("ann")).method == "pm_2");
  REQUIRE(store.set_payment_method("ann", std::nullopt));
  REQUIRE(store.set_payment_method("ann", std::nullopt));
  none(store.payment_method("ann"));
  CHECK(got(store.payment_method("bob")).customer == "cus_2");
}

inline void whole_contract(cp::PaymentStore& store) {
  kept(store);
  one_topup(store);
  one_of_many(store);
  listed(store);
  methods(store);
}

}  // namespace payment_contract
