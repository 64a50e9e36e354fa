// SPDX-License-Identifier: MIT
#include <credpool/account/api.hpp>

#include "shop.hpp"

#include <thread>
#include <utility>

namespace cp = credpool;
using namespace std::chrono_literals;

TEST_CASE("account/payment_routes: M6 who has paid gets the credits") {
  Shop shop;
  const auto begun =
      shop.data(shop.send("POST", "/credits/purchase", R"({"amount":10})", shop.key));
  const std::string session = begun.at("session_id");
  CHECK(begun.size() == 2);
  CHECK(begun["checkout_url"] == "https://checkout.example/" + session);
  CHECK(shop.stripe.things.at(session).object["amount_total"] == 1080);
  CHECK(shop.remaining() == 0);
  shop.stripe.pay(session);
  const auto heard = shop.stripe_says("checkout.session.completed", session);
  CHECK(heard.status == 200);
  CHECK(heard.body == R"({"received":true})");
  CHECK(shop.remaining() == 10);
  CHECK(shop.payment(session).state == cp::PaymentState::paid);
  // Stripe repeats itself.
  for (int i = 0; i < 3; ++i)
    CHECK(shop.stripe_says("checkout.session.completed", session).status == 200);
  CHECK(shop.stripe_says("checkout.session.async_payment_succeeded", session).status == 200);
  CHECK(shop.remaining() == 10);
  CHECK(shop.get("/credits/history", shop.key)["items"][0]["type"] == "purchase");
}

TEST_CASE("account/payment_routes: M7 who sells credits does not also give them away") {
  Shop shop{[](auto& options) { options.grant_credits = true; }};
  CHECK_FALSE(shop.buy().empty());
  CHECK(shop.error(shop.send("PUT", "/credits/auto-topup", R"({"enabled":true})", shop.key), 400) ==
        "PAYMENT_METHOD_REQUIRED");
  CHECK(shop.remaining() == 0);
}

TEST_CASE("account/payment_routes: M6 completed is not paid") {
  Shop shop;
  const auto session = shop.buy();
  CHECK(shop.stripe_says("checkout.session.completed", session).status == 200);
  CHECK(shop.remaining() == 0);
  shop.stripe.pay(session);
  CHECK(shop.stripe_says("checkout.session.async_payment_succeeded", session).status == 200);
  CHECK(shop.remaining() == 10);
}

TEST_CASE("account/payment_routes: M6 amount and currency are those of our own row") {
  Shop shop;
  for (const auto& [name, value] : {std::pair<std::string, nlohmann::json>{"amount_total", 1},
                                    {"amount_total", 1'000'000},
                                    {"amount_total", "1080"},
                                    {"currency", "jpy"},
                                    {"currency", nullptr}}) {
    const auto session = shop.buy();
    shop.stripe.pay(session);
    auto& object = shop.stripe.things.at(session).object;
    object[name] = value;
    object["metadata"] = {{"credit_amount", "1000000"}, {"user_id", "somebody"}};
    CHECK(shop.stripe_says("checkout.session.completed", session).status == 400);
    CHECK(shop.payment(session).state == cp::PaymentState::open);
  }
  CHECK(shop.remaining() == 0);
}

TEST_CASE("account/payment_routes: M6 what is not signed by Stripe is not heard") {
  Shop shop;
  const auto session = shop.buy();
  shop.stripe.pay(session);
  const auto body = shop.stripe.event("checkout.session.completed", session).dump();
  const auto say = [&](const std::string& signature) {
    return shop.send("POST", "/v1/webhooks/stripe", body, {},
                     [&](cp::ApiRequest& request) { request.stripe_signature = signature; });
  };
  CHECK(say("").body == R"({"error":"Missing signature"})");
  CHECK(say("t=1,v1=00").body == R"({"error":"Invalid signature"})");
  CHECK(say(AccountWorld::signature(body, shop.clock.now(), "whsec_other")).status == 400);
  CHECK(say(AccountWorld::signature(body, shop.clock.now() - 10min)).status == 400);
  CHECK(shop.remaining() == 0);
  CHECK(say(AccountWorld::signature(body, shop.clock.now())).status == 200);
  CHECK(shop.remaining() == 10);
  AccountWorld other;
  CHECK(other.send("POST", "/webhooks/stripe", "{}").body ==
        R"({"error":"Stripe not configured"})");
}

TEST_CASE("account/payment_routes: what is not about us is heard and left") {
  Shop shop;
  shop.stripe.things["cs_test_foreign"].object = {{"id", "cs_test_foreign"},
                                                  {"payment_status", "paid"},
                                                  {"amount_total", 1080},
                                                  {"currency", "usd"}};
  CHECK(shop.stripe_says("checkout.session.completed", "cs_test_foreign").status == 200);
  const auto session = shop.buy();
  shop.stripe.pay(session);
  CHECK(shop.stripe_says("customer.created", session).status == 200);
  CHECK(shop.remaining() == 0);
}

TEST_CASE("account/payment_routes: a session that ended gives nothing any more") {
  Shop shop;
  const auto session = shop.buy();
  CHECK(shop.stripe_says("checkout.session.expired", session).status == 200);
  CHECK(shop.payment(session).state == cp::PaymentState::failed);
  CHECK(shop.remaining() == 0);
}

TEST_CASE("account/payment_routes: M6 when Stripe is down nobody is charged, and it is said so") {
  Shop shop;
  shop.stripe.down = true;
  const auto answer = shop.send("POST", "/credits/purchase", R"({"amount":10})", shop.key);
  CHECK(shop.error(answer, 502) == "PAYMENT_PROVIDER_UNAVAILABLE");
  // S7: nothing of what went wrong inside.
  CHECK(answer.body.find("stripe") == std::string::npos);
  CHECK(answer.body.find("sk_test") == std::string::npos);
  shop.stripe.down = false;
  shop.stripe.broken = true;
  const auto broken = shop.send("POST", "/credits/purchase", R"({"amount":10})", shop.key);
  CHECK(shop.error(broken, 502) == "PAYMENT_PROVIDER_UNAVAILABLE");
  CHECK(broken.body.find("html") == std::string::npos);
  shop.stripe.broken = false;
  CHECK_FALSE(shop.buy().empty());
  CHECK(shop.payments.payments_in(cp::PaymentState::open, "", 10)->size() == 1);
}

TEST_CASE("account/payment_routes: a purchase with an idempotency key has one page") {
  Shop shop;
  const auto buy = [&] {
    return shop
        .send("POST", "/credits/purchase", R"({"amount":10})", shop.key,
              [](cp::ApiRequest& request) { request.idempotency_key = "try-1"; })
        .body;
  };
  CHECK(buy() == buy());
  CHECK(shop.payments.payments_in(cp::PaymentState::open, "", 10)->size() == 1);
}

TEST_CASE("account/payment_routes: what webhooks did not say is asked for") {
  Shop shop;
  const auto paid = shop.buy();
  const auto waiting = shop.buy(R"({"amount":20})");
  const auto expired = shop.buy(R"({"amount":30})");
  shop.stripe.pay(paid);
  shop.stripe.things.at(expired).object["status"] = "expired";
  shop.stripe.down = true;
  auto done = shop.api->reconcile();
  REQUIRE(done);
  CHECK(done->unanswered == 4);  // and refunds
  CHECK(done->credited == 0);
  shop.stripe.down = false;
  done = shop.api->reconcile();
  REQUIRE(done);
  CHECK(done->asked == 3);
  CHECK(done->credited == 1);
  CHECK(done->ended == 1);
  CHECK(shop.remaining() == 10);
  CHECK(shop.payment(waiting).state == cp::PaymentState::open);
  CHECK(shop.payment(expired).state == cp::PaymentState::failed);
  // And the webhook that comes late gives nothing twice.
  CHECK(shop.stripe_says("checkout.session.completed", paid).status == 200);
  CHECK(shop.api->reconcile()->asked == 1);
  CHECK(shop.remaining() == 10);
}

TEST_CASE("account/payment_routes: webhook and reconciliation at the same time give once") {
  Shop shop;
  for (int round = 0; round < 10; ++round) {
    const auto session = shop.buy();
    shop.stripe.pay(session);
    const auto body = shop.stripe.event("checkout.session.completed", session).dump();
    cp::ApiRequest request;
    request.method = "POST";
    request.path = "/webhooks/stripe";
    request.body = body;
    request.stripe_signature = AccountWorld::signature(body, shop.clock.now());
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] { shop.api->handle(request); });
      threads.emplace_back([&] { static_cast<void>(shop.api->reconcile()); });
    }
    for (auto& thread : threads) thread.join();
    CHECK(shop.remaining() == 10 * (round + 1));
  }
}

TEST_CASE("account/payment_routes: paid for an account that is gone: kept for a person") {
  Shop shop;
  const auto session = shop.buy();
  shop.stripe.pay(session);
  shop.data(shop.send("DELETE", "/auth/me", R"({"password":"Demo1234!"})", shop.key));
  CHECK(shop.stripe_says("checkout.session.completed", session).status == 200);
  CHECK(shop.payment(session).state == cp::PaymentState::unclaimed);
}

TEST_CASE("account/payment_routes: M7 auto top-up charges the card that was kept, once") {
  Shop shop;
  shop.enable_auto_topup();
  const auto account = shop.account("a@example.com").id;
  CHECK(shop.payments.payment_method(account)->value().method == "pm_1");
  const auto filled = shop.api->top_up(account);
  REQUIRE(filled);
  REQUIRE(*filled);
  CHECK((*filled)->type == cp::TransactionType::auto_topup);
  CHECK(shop.remaining() == 25);
  CHECK(shop.stripe.charges() == 1);
  const auto& sent = shop.stripe.requests.back();
  CHECK(form_value(sent.body, "amount") == "2110");
  CHECK(form_value(sent.body, "customer") == "cus_1");
  CHECK(form_value(sent.body, "off_session") == "true");
  CHECK_FALSE(*shop.api->top_up(account));
  CHECK(shop.stripe.charges() == 1);
}

TEST_CASE("account/payment_routes: a card is kept only when that was agreed to") {
  Shop shop;
  const auto session = shop.buy();
  shop.stripe.pay(session);
  REQUIRE(shop.stripe_says("checkout.session.completed", session).status == 200);
  CHECK_FALSE(*shop.payments.payment_method(shop.account("a@example.com").id));
  CHECK(shop.error(shop.send("PUT", "/credits/auto-topup", R"({"enabled":true})", shop.key), 400) ==
        "PAYMENT_METHOD_REQUIRED");
}

TEST_CASE(
    "account/payment_routes: M7 a charge whose answer was lost is asked for again, not made "
    "again") {
  Shop shop;
  shop.enable_auto_topup();
  const auto account = shop.account("a@example.com").id;
  shop.stripe.lose_answers = true;
  CHECK_FALSE(shop.api->top_up(account));
  CHECK_FALSE(shop.api->top_up(account));
  CHECK(shop.stripe.charges() == 1);
  CHECK(shop.remaining() == 5);
  shop.stripe.lose_answers = false;
  SUBCASE("by the next need") {
    REQUIRE(*shop.api->top_up(account));
  }
  SUBCASE("by the reconciliation") {
    CHECK(shop.api->reconcile()->credited == 1);
  }
  CHECK(shop.stripe.charges() == 1);
  CHECK(shop.remaining() == 25);
}

TEST_CASE("account/payment_routes: a charge nobody knows of after a day is for a person") {
  Shop shop;
  shop.enable_auto_topup();
  const auto account = shop.account("a@example.com").id;
  shop.stripe.lose_answers = true;
  CHECK_FALSE(shop.api->top_up(account));
  shop.stripe.lose_answers = false;
  shop.clock.advance(24h);
  CHECK(shop.api->reconcile()->ended == 1);
  CHECK(shop.stripe.charges() == 1);
  CHECK(shop.get("/credits/auto-topup", shop.key)["enabled"] == false);
}

TEST_CASE("account/payment_routes: a declined card ends auto top-up") {
  Shop shop;
  shop.enable_auto_topup();
  shop.stripe.declines = true;
  const auto account = shop.account("a@example.com").id;
  const auto filled = shop.api->top_up(account);
  REQUIRE(filled);
  CHECK_FALSE(*filled);
  CHECK(shop.get("/credits/auto-topup", shop.key)["enabled"] == false);
  CHECK_FALSE(*shop.payments.open_topup(account));
  // Switched on again with another card, it is another charge.
  shop.stripe.declines = false;
  shop.data(shop.send("PUT", "/credits/auto-topup", R"({"enabled":true})", shop.key));
  REQUIRE(*shop.api->top_up(account));
  CHECK(shop.remaining() == 25);
}

TEST_CASE("account/payment_routes: many who find an account empty charge it once") {
  Shop shop;
  shop.enable_auto_topup();
  const auto account = shop.account("a@example.com").id;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&] { static_cast<void>(shop.api->top_up(account)); });
  for (auto& thread : threads) thread.join();
  CHECK(shop.stripe.charges() == 1);
  CHECK(shop.remaining() == 25);
}

TEST_CASE("account/payment_routes: who takes the card away ends auto top-up") {
  Shop shop;
  shop.enable_auto_topup();
  shop.data(shop.send("DELETE", "/credits/payment-method", {}, shop.key));
  CHECK(shop.get("/credits/auto-topup", shop.key)["enabled"] == false);
  CHECK_FALSE(*shop.payments.payment_method(shop.account("a@example.com").id));
  CHECK_FALSE(*shop.api->top_up(shop.account("a@example.com").id));
}

TEST_CASE(
    "account/payment_routes: a top-up that another server makes meanwhile is not charged "
    "twice") {
  /// Lets somebody else act before it is looked whether a top-up is open.
  struct Interrupted final : cp::MemoryPaymentStore {
    cp::Result<std::optional<cp::Payment>> open_topup(const cp::AccountId& account) override {
      if (auto act = std::exchange(before, {})) act();
      return MemoryPaymentStore::open_topup(account);
    }
    std::function<void()> before;
  } rows;
  Shop shop{[&](auto& options) { options.payments = &rows; }};
  shop.enable_auto_topup();
  const auto account = shop.account("a@example.com").id;
  rows.before = [&] { REQUIRE(*shop.api->top_up(account)); };
  REQUIRE(shop.api->top_up(account));
  CHECK_FALSE(rows.before);
  CHECK(shop.stripe.charges() == 1);
  CHECK(shop.remaining() == 25);
  CHECK_FALSE(*rows.open_topup(account));
}
