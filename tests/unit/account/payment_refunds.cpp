// SPDX-License-Identifier: MIT
#include <credpool/account/api.hpp>

#include "shop.hpp"

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

/// A customer who has paid 10.80 dollars for ten of credits.
struct PaidShop : Shop {
  PaidShop() {
    session = buy();
    stripe.pay(session);
    REQUIRE(stripe_says("checkout.session.completed", session).status == 200);
    REQUIRE(remaining() == 10);
    account_id = account("a@example.com").id;
  }
  /// The event is about `id`; what counts is what Stripe says when it is asked.
  int hear(std::string_view type, const std::string& id) { return stripe_says(type, id).status; }
  int refund(const std::string& id, std::int64_t cents, const std::string& status = "succeeded") {
    stripe.put(id, session, cents, status);
    stripe.things["ch_1"].object = {{"id", "ch_1"},
                                    {"payment_intent", stripe.things[id].object["payment_intent"]}};
    return hear("charge.refunded", "ch_1");
  }
  Json history() { return get("/credits/history?type=refund", key)["items"]; }
  void spend(cp::Money cost) {
    cp::UsageRow row;
    row.account = account_id;
    row.cost = cost;
    cp::Settlement settlement;
    settlement.account = account_id;
    settlement.spent = cost;
    settlement.usage = row;
    settlement.day = "2026-11-21";
    REQUIRE(store.settle(std::vector{settlement}, ""));
  }

  std::string session;
  cp::AccountId account_id;
};

}  // namespace

TEST_CASE("account/payment_refunds: a refund takes the credits back, once") {
  PaidShop shop;
  CHECK(shop.refund("re_1", 1080) == 200);
  CHECK(shop.remaining() == 0);
  for (int i = 0; i < 3; ++i) CHECK(shop.hear("charge.refunded", "ch_1") == 200);
  CHECK(shop.hear("refund.updated", "re_1") == 200);
  CHECK(shop.remaining() == 0);
  REQUIRE(shop.history().size() == 1);
  CHECK(shop.history()[0]["amount"] == -10);
  CHECK(shop.history()[0]["balance_after"] == 0);
  CHECK(shop.history()[0]["description"] == "Refund");
}

TEST_CASE(
    "account/payment_refunds: parts that are refunded, in any order, with news that is lost") {
  PaidShop shop;
  CHECK(shop.refund("re_1", 540) == 200);
  CHECK(shop.remaining() == 5);
  // Of these nobody tells; the next event finds them.
  shop.stripe.put("re_2", shop.session, 108, "succeeded");
  shop.stripe.put("re_3", shop.session, 108, "pending");
  CHECK(shop.refund("re_0", 216) == 200);
  CHECK(shop.remaining() == 2);
  CHECK(shop.history().size() == 3);

  INFO("what is under way counts when it has left; what came back is given back");
  shop.stripe.things["re_3"].object["status"] = "succeeded";
  CHECK(shop.hear("refund.updated", "re_3") == 200);
  CHECK(shop.remaining() == 1);
  shop.stripe.things["re_3"].object["status"] = "failed";
  for (int i = 0; i < 2; ++i) CHECK(shop.hear("refund.failed", "re_3") == 200);
  CHECK(shop.remaining() == 2);
  shop.stripe.put("re_4", shop.session, 216, "canceled");
  CHECK(shop.hear("refund.updated", "re_4") == 200);
  CHECK(shop.remaining() == 2);
}

TEST_CASE(
    "account/payment_refunds: who has spent what is refunded owes it, and gets nothing served") {
  PaidShop shop;
  const auto made = shop.data(shop.send("POST", "/keys", R"({"name":"k"})", shop.key), 201);
  shop.spend(cp::Money::dollars(7));
  CHECK(shop.refund("re_1", 1080) == 200);
  CHECK(shop.remaining() == -7);
  cp::AllowanceRequest request;
  request.key_digest = (*shop.store.key(shop.account_id, made["hash"].get<std::string>()))->digest;
  request.now = shop.clock.now();
  request.expires_at = request.now + 10min;
  request.period = [](cp::LimitReset) { return cp::LimitPeriod{}; };
  const auto refused = shop.store.reserve(request);  // not even for nothing
  REQUIRE_FALSE(refused);
  CHECK(refused.error().errc() == cp::Errc::quota_exhausted);
  const auto again = shop.buy();
  shop.stripe.pay(again);
  CHECK(shop.hear("checkout.session.completed", again) == 200);
  CHECK(shop.remaining() == 3);
  CHECK(shop.store.reserve(request));
}

TEST_CASE("account/payment_refunds: a refund that is no part of the payment is not booked") {
  PaidShop shop;
  CHECK(shop.refund("re_1", 1081) == 400);
  CHECK(shop.refund("re_1", 0) == 400);
  CHECK(shop.refund("re_1", 540) == 200);
  CHECK(shop.refund("re_2", 541) == 400);  // more than everything together
  shop.stripe.put("re_2", shop.session, 100, "succeeded");
  shop.stripe.things["re_2"].object["currency"] = "jpy";
  CHECK(shop.hear("charge.refunded", "ch_1") == 400);
  CHECK(shop.remaining() == 5);
  CHECK(shop.history().size() == 1);

  INFO("payments of others");
  shop.stripe.things["ch_2"].object = {{"id", "ch_2"}, {"payment_intent", "pi_of_somebody"}};
  shop.stripe.things["ch_3"].object = {{"id", "ch_3"}, {"payment_intent", nullptr}};
  CHECK(shop.hear("charge.refunded", "ch_2") == 200);
  CHECK(shop.hear("charge.refunded", "ch_3") == 200);
  CHECK(shop.hear("charge.dispute.created", "ch_2") == 200);  // Stripe knows no such dispute
  CHECK(shop.history().size() == 1);
}

TEST_CASE("account/payment_refunds: a refund that comes before the news of the payment") {
  Shop shop;
  const auto session = shop.buy();
  shop.stripe.pay(session);
  shop.stripe.put("re_1", session, 270, "succeeded");
  shop.stripe.down = true;
  CHECK(shop.stripe_says("charge.refunded", "re_1").status == 503);
  shop.stripe.down = false;
  CHECK(shop.stripe_says("charge.refunded", "re_1").status == 200);
  CHECK(shop.remaining() == 7.5);
  CHECK(shop.stripe_says("checkout.session.completed", session).status == 200);
  CHECK(shop.remaining() == 7.5);
  REQUIRE(shop.api->reconcile());
  CHECK(shop.remaining() == 7.5);
}

TEST_CASE(
    "account/payment_refunds: a disputed payment is taken back, and comes back when it is won") {
  PaidShop shop;
  shop.stripe.put("dp_1", shop.session, 1080, "needs_response");
  for (int i = 0; i < 2; ++i) CHECK(shop.hear("charge.dispute.created", "dp_1") == 200);
  CHECK(shop.remaining() == 0);
  shop.stripe.things["dp_1"].object["status"] = "lost";
  CHECK(shop.hear("charge.dispute.closed", "dp_1") == 200);
  CHECK(shop.remaining() == 0);
  shop.stripe.things["dp_1"].object["status"] = "won";
  for (int i = 0; i < 2; ++i) CHECK(shop.hear("charge.dispute.closed", "dp_1") == 200);
  CHECK(shop.remaining() == 10);
  CHECK(shop.history().size() == 2);

  INFO("the end comes first; then what came before it is late");
  shop.stripe.put("dp_2", shop.session, 540, "lost");
  CHECK(shop.hear("charge.dispute.closed", "dp_2") == 200);
  CHECK(shop.hear("charge.dispute.created", "dp_2") == 200);
  CHECK(shop.remaining() == 5);

  INFO("a question of the bank moves no money");
  shop.stripe.put("dp_3", shop.session, 540, "warning_needs_response");
  CHECK(shop.hear("charge.dispute.created", "dp_3") == 200);
  shop.stripe.put("dp_4", shop.session, 1081, "needs_response");
  CHECK(shop.hear("charge.dispute.created", "dp_4") == 400);
  CHECK(shop.remaining() == 5);
}

TEST_CASE("account/payment_refunds: whose top-up is taken back is not charged again by itself") {
  Shop shop;
  shop.enable_auto_topup();
  const auto account = shop.account("a@example.com").id;
  REQUIRE(*shop.api->top_up(account));
  CHECK(shop.remaining() == 25);
  std::string intent;
  for (const auto& [id, thing] : shop.stripe.things)
    if (id.starts_with("pi_charge")) intent = id;
  shop.stripe.put("dp_1", intent, 2110, "needs_response");
  CHECK(shop.stripe_says("charge.dispute.created", "dp_1").status == 200);
  CHECK(shop.remaining() == 5);
  CHECK(shop.get("/credits/auto-topup", shop.key)["enabled"] == false);
  CHECK_FALSE(*shop.api->top_up(account));
  CHECK(shop.stripe.charges() == 1);
  // Whoever switches it on again has that, whatever comes twice.
  shop.data(shop.send("PUT", "/credits/auto-topup", R"({"enabled":true})", shop.key));
  CHECK(shop.stripe_says("charge.dispute.created", "dp_1").status == 200);
  CHECK(shop.get("/credits/auto-topup", shop.key)["enabled"] == true);
}

TEST_CASE("account/payment_refunds: what no webhook told of is found, and booked once") {
  PaidShop shop;
  const auto asks = [&] { return std::exchange(shop.stripe.requests, {}).size(); };
  REQUIRE(shop.api->reconcile());
  // Five refunds are three parts of the list; one is known already, one has not left yet.
  REQUIRE(shop.refund("re_1", 108) == 200);
  for (const auto* id : {"re_2", "re_3", "re_4"})
    shop.stripe.put(id, shop.session, 108, "succeeded");
  shop.stripe.put("re_5", shop.session, 108, "pending");
  shop.stripe.put("dp_1", shop.session, 216, "needs_response");
  shop.clock.advance(1min);
  auto done = shop.api->reconcile();
  REQUIRE(done);
  CHECK(done->taken_back == 4);
  CHECK(done->doubtful == 0);
  CHECK(done->unanswered == 0);
  CHECK(shop.remaining() == 4);
  CHECK(shop.history().size() == 5);

  INFO("nothing is asked about what did not change");
  asks();
  shop.clock.advance(1min);
  CHECK(shop.api->reconcile()->taken_back == 0);
  CHECK(asks() == 4);  // the parts of the two lists
  INFO("a webhook that comes late books nothing more");
  CHECK(shop.hear("charge.refunded", "ch_1") == 200);
  CHECK(shop.hear("charge.dispute.created", "dp_1") == 200);
  CHECK(shop.remaining() == 4);

  INFO("what changes later is seen within a day");
  shop.clock.advance(2h);
  CHECK(shop.api->reconcile()->taken_back == 0);
  shop.stripe.things["re_5"].object["status"] = "succeeded";
  shop.stripe.things["dp_1"].object["status"] = "won";
  shop.clock.advance(24h);
  CHECK(shop.api->reconcile()->taken_back == 2);
  CHECK(shop.remaining() == 5);
  CHECK(shop.api->reconcile()->taken_back == 0);
}

TEST_CASE(
    "account/payment_refunds: what was taken back while nobody listened is found at the start") {
  PaidShop shop;
  shop.stripe.put("re_1", shop.session, 540, "succeeded");
  shop.clock.advance(24h * 100);
  const auto look = [&] {
    // Another life of the server, and another host.
    cp::AccountApiOptions options;
    AccountWorld::with_stripe(options);
    options.store = &shop.store;
    options.passwords = &shop.passwords;
    options.payments = &shop.payments;
    options.now = [&] { return shop.clock.now(); };
    options.send = [&](const cp::Request& request) { return shop.stripe.answer(request); };
    cp::AccountApi api{std::move(options)};
    return api.reconcile();
  };
  CHECK(look()->taken_back == 1);
  CHECK(look()->taken_back == 0);
  CHECK(shop.api->reconcile()->taken_back == 0);
  CHECK(shop.remaining() == 5);
}

TEST_CASE("account/payment_refunds: lists that hold what is not ours, or does not fit") {
  PaidShop shop;
  shop.stripe.things["pi_of_somebody"].object = {{"id", "pi_of_somebody"}};
  shop.stripe.put("re_1", "pi_of_somebody", 100, "succeeded");
  shop.stripe.put("re_2", shop.session, 100, "succeeded");
  shop.stripe.things["re_2"].object["currency"] = "jpy";
  shop.stripe.put("dp_1", shop.session, 5000, "lost");
  shop.stripe.put("dp_2", shop.session, 540, "warning_needs_response");
  shop.stripe.put("dp_3", shop.session, 540, "lost");
  const auto done = shop.api->reconcile();
  REQUIRE(done);
  CHECK(done->doubtful == 2);
  CHECK(done->taken_back == 1);
  CHECK(shop.remaining() == 5);
  // A person was told of them once.
  CHECK(shop.api->reconcile()->doubtful == 0);

  INFO("an id that could lead elsewhere is none");
  shop.stripe.put("re_/../x", shop.session, 100, "succeeded");
  CHECK(shop.api->reconcile()->unanswered == 1);
}

TEST_CASE("account/payment_refunds: Stripe that falls silent in the middle is asked again") {
  PaidShop shop;
  for (const auto* id : {"re_1", "re_2", "re_3"})
    shop.stripe.put(id, shop.session, 108, "succeeded");
  shop.stripe.down = true;
  CHECK(shop.api->reconcile()->unanswered == 1);
  shop.stripe.down = false;
  shop.stripe.broken = true;
  CHECK(shop.api->reconcile()->unanswered == 1);
  shop.stripe.broken = false;
  CHECK(shop.remaining() == 10);
  CHECK(shop.api->reconcile()->taken_back == 3);
  CHECK(shop.remaining() == 7);
}

TEST_CASE("account/payment_refunds: many are heard a hundred at a time, and none is left out") {
  PaidShop shop;
  std::vector<std::string> sessions;
  for (int i = 0; i < 120; ++i) {
    sessions.push_back(shop.buy());
    shop.stripe.pay(sessions.back());
    REQUIRE(shop.stripe_says("checkout.session.completed", sessions.back()).status == 200);
    shop.stripe.put("re_" + std::to_string(i), sessions.back(), 1080, "succeeded");
  }
  CHECK(shop.remaining() == 1210);
  shop.clock.advance(2h);
  CHECK(shop.api->reconcile()->taken_back == 100);
  CHECK(shop.api->reconcile()->taken_back == 20);
  CHECK(shop.api->reconcile()->taken_back == 0);
  CHECK(shop.remaining() == 10);
}

TEST_CASE("account/payment_refunds: webhook and reconciliation at the same time book once") {
  PaidShop shop;
  for (int round = 1; round <= 5; ++round) {
    const auto id = "re_" + std::to_string(round);
    shop.stripe.put(id, shop.session, 108, "succeeded");
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] { static_cast<void>(shop.api->reconcile()); });
      threads.emplace_back([&] { shop.hear("refund.updated", id); });
    }
    for (auto& thread : threads) thread.join();
    REQUIRE(shop.api->reconcile());
    CHECK(shop.remaining() == 10 - round);
  }
}
