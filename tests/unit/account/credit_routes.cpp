// SPDX-License-Identifier: MIT
#include <credpool/account/api.hpp>

#include <account_world.hpp>

#include <atomic>
#include <set>
#include <thread>
#include <utility>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {
std::function<void(cp::ApiRequest&)> once(std::string name) {
  return [name](cp::ApiRequest& request) { request.idempotency_key = name; };
}
}  // namespace

TEST_CASE("account/credit_routes: credits are bought, counted and listed") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto bought =
      world.data(world.send("POST", "/credits/purchase", R"({"amount":14.55})", key));
  const std::string id = bought["transaction_id"];
  // The sum is exact: the first server had 15.350000000000001.
  CHECK(bought.dump() == R"({"transaction_id":")" + id +
                             R"(","amount":14.55,"platform_fee":0.8,"total_charged":15.35,)"
                             R"("new_balance":14.55,"created_at":"2026-11-21T12:00:00.000Z"})");
  world.clock.advance(1s);
  world.data(world.send("POST", "/v1/credits/purchase", R"({"amount":100})", key));
  CHECK(world.get("/credits", key).dump() ==
        R"({"total_credits":114.55,"total_usage":0,"remaining":114.55})");
  const auto history = world.get("/credits/history", key);
  CHECK(history["items"].size() == 2);
  CHECK(history["items"][1].dump() ==
        R"({"id":")" + id +
            R"(","type":"purchase","amount":14.55,"balance_after":14.55,)"
            R"("description":"Credit purchase","created_at":"2026-11-21T12:00:00.000Z"})");
  CHECK(history["total"] == 2);
  CHECK(history["limit"] == 20);
  CHECK(history["offset"] == 0);
  CHECK(history["has_more"] == false);
  const auto page = world.get("/credits/history?limit=1", key);
  CHECK(page["items"][0]["amount"] == 100);
  CHECK(page["has_more"] == true);
  CHECK(world.get("/credits/history?type=purchase", key)["total"] == 2);
  CHECK(world.get("/credits/history?type=refund", key)["total"] == 0);
}

TEST_CASE("account/credit_routes: M5 an idempotency key belongs to an account and a request") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto other = world.register_as("b@example.com");
  const auto buy = [&](std::string_view body, std::string_view with) {
    return world.send("POST", "/credits/purchase", body, with, once("try-1"));
  };
  const auto first = buy(R"({"amount":10})", key);
  CHECK(buy(R"({"amount":10})", key).body == first.body);
  CHECK(buy(R"({"amount":10})", other).body != first.body);
  CHECK(world.get("/credits", key)["remaining"] == 10);
  CHECK(world.get("/credits", other)["remaining"] == 10);
  CHECK(world.error(buy(R"({"amount":500})", key), 422) == "IDEMPOTENCY_KEY_REUSED");
  CHECK(world.get("/credits", key)["remaining"] == 10);
  // Also under "/v1": it is the same route. And with another management key of the account.
  const std::string second =
      world.data(world.send("POST", "/auth/keys", "", key), 201).at("management_key");
  CHECK(
      world.send("POST", "/v1/credits/purchase", R"({"amount":10})", second, once("try-1")).body ==
      first.body);
}

TEST_CASE("account/credit_routes: M5 after a day an idempotency key is new again") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto buy = [&] {
    return world.data(
        world.send("POST", "/credits/purchase", R"({"amount":10})", key, once("try-1")));
  };
  std::set<std::string> transactions;
  for (int day = 0; day < 4; ++day) {
    const auto first = buy();
    CHECK(buy() == first);
    CHECK(transactions.insert(first["transaction_id"]).second);
    world.clock.advance(25h);
    REQUIRE(world.api->forget_ended());
  }
  CHECK(world.get("/credits", key)["remaining"] == 40);
}

TEST_CASE("account/credit_routes: M5 an answer that was lost with its server is not bought again") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto buy = [&] {
    return world.data(
        world.send("POST", "/credits/purchase", R"({"amount":10})", key, once("try-1")));
  };
  const auto first = buy();
  // The server ended between the credit and the keeping of its answer.
  const auto account = world.account("a@example.com").id;
  REQUIRE(world.store.forget_ended(world.clock.now() - 1h, world.clock.now() + 1ms));
  CHECK(buy() == first);
  CHECK(world.get("/credits", key)["remaining"] == 10);
}

TEST_CASE("account/credit_routes: M5 parallel duplicates are bought once and answered alike") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  std::mutex mutex;
  std::set<std::string> bodies;
  std::vector<std::thread> callers;
  for (int i = 0; i < 20; ++i)
    callers.emplace_back([&] {
      cp::ApiRequest request;
      request.method = "POST";
      request.path = "/credits/purchase";
      request.authorization = "Bearer " + key;
      request.idempotency_key = "same";
      request.body = R"({"amount":10})";
      const auto answer = world.api->handle(request);
      const std::lock_guard lock{mutex};
      bodies.insert(std::to_string(answer.status) + answer.body);
    });
  for (auto& caller : callers) caller.join();
  CHECK(bodies.size() == 1);
  CHECK(bodies.begin()->starts_with("200"));
  CHECK(world.get("/credits", key)["remaining"] == 10);
}

TEST_CASE("account/credit_routes: M8 sums are exact") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  for (int i = 0; i < 100; ++i)
    world.data(world.send("POST", "/credits/purchase", R"({"amount":5.01})", key));
  CHECK(world.get("/credits", key).dump() ==
        R"({"total_credits":501,"total_usage":0,"remaining":501})");
}

TEST_CASE("account/credit_routes: without payments and grants nothing is sold") {
  AccountWorld world{[](auto& options) { options.grant_credits = false; }};
  const auto key = world.register_as("a@example.com");
  CHECK(world.error(world.send("POST", "/credits/purchase", R"({"amount":10})", key), 403) ==
        "PAYMENTS_DISABLED");
  CHECK(world.get("/credits", key)["remaining"] == 0);
}

TEST_CASE("account/credit_routes: auto top-up is set and shown") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  CHECK(world.get("/credits/auto-topup", key).dump() ==
        R"({"enabled":false,"threshold":5,"amount":25})");
  CHECK(world
            .data(world.send("PUT", "/credits/auto-topup",
                             R"({"enabled":true,"threshold":10.5,"amount":50})", key))
            .dump() == R"({"enabled":true,"threshold":10.5,"amount":50,)"
                       R"("updated_at":"2026-11-21T12:00:00.000Z"})");
  world.data(world.send("PUT", "/credits/auto-topup", R"({"threshold":7})", key));
  CHECK(world.get("/credits/auto-topup", key).dump() ==
        R"({"enabled":true,"threshold":7,"amount":50})");
}

TEST_CASE("account/credit_routes: M7 auto top-up needs something to pay with, or a grant") {
  for (const bool stripe : {false, true}) {
    AccountWorld world{[&](auto& options) {
      options.grant_credits = false;
      if (stripe) AccountWorld::with_stripe(options);
    }};
    const auto key = world.register_as("a@example.com");
    CHECK(world.error(world.send("PUT", "/credits/auto-topup",
                                 R"({"enabled":true,"threshold":1000,"amount":10000})", key),
                      400) == "PAYMENT_METHOD_REQUIRED");
    CHECK(world.get("/credits/auto-topup", key)["enabled"] == false);
    // Even if it had been switched on in the store: nothing comes of nothing.
    const auto account = world.account("a@example.com").id;
    REQUIRE(world.store.set_auto_topup(
        account, {true, cp::Money::dollars(1000), cp::Money::dollars(1'000'000), std::nullopt}));
    for (int i = 0; i < 3; ++i) {
      const auto filled = world.api->top_up(account);
      REQUIRE(filled);
      CHECK_FALSE(*filled);
    }
    CHECK(world.get("/credits", key)["remaining"] == 0);
    CHECK(world.stripe.requests.empty());
  }
}

TEST_CASE("account/credit_routes: with an operator's grant a top-up comes once for each need") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto account = world.account("a@example.com").id;
  CHECK_FALSE(*world.api->top_up(account));
  world.data(world.send("PUT", "/credits/auto-topup", R"({"enabled":true})", key));
  const auto filled = world.api->top_up(account);
  REQUIRE(filled);
  REQUIRE(*filled);
  CHECK((*filled)->type == cp::TransactionType::auto_topup);
  CHECK((*filled)->amount == cp::Money::dollars(25));
  CHECK_FALSE(*world.api->top_up(account));
  CHECK(world.get("/credits", key)["remaining"] == 25);
}

TEST_CASE("account/credit_routes: many who find an account empty fill it up once") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto account = world.account("a@example.com").id;
  world.data(world.send("PUT", "/credits/auto-topup", R"({"enabled":true})", key));
  std::vector<std::thread> callers;
  std::atomic<int> failed{0};
  for (int i = 0; i < 16; ++i)
    callers.emplace_back([&] {
      if (!world.api->top_up(account)) ++failed;
    });
  for (auto& caller : callers) caller.join();
  CHECK(failed == 0);
  CHECK(world.get("/credits", key)["remaining"] == 25);
}

TEST_CASE("account/credit_routes: a top-up that another server makes meanwhile is not made twice") {
  AccountWorld* world = nullptr;
  bool armed = false;
  cp::AccountId account;
  AccountWorld mine{[&](auto& options) {
    options.now = [&] {
      // The other server comes between the look at the balance and the credit.
      if (std::exchange(armed, false)) REQUIRE(*world->api->top_up(account));
      return world == nullptr ? cp::TimePoint{} : world->clock.now();
    };
  }};
  world = &mine;
  const auto key = mine.register_as("a@example.com");
  account = mine.account("a@example.com").id;
  mine.data(mine.send("PUT", "/credits/auto-topup", R"({"enabled":true})", key));
  armed = true;
  REQUIRE(mine.api->top_up(account));
  CHECK_FALSE(armed);
  CHECK(mine.get("/credits", key)["remaining"] == 25);
}
