// SPDX-License-Identifier: MIT
#include <credpool/account/api.hpp>

#include <account_world.hpp>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

/// Somebody with credits and two keys, and requests that they have made.
struct UsedWorld : AccountWorld {
  UsedWorld() {
    const auto today = clock.now();
    clock.set_wall(today - 25 * 24h);
    owner = register_as("a@example.com");
    data(send("POST", "/credits/purchase", R"({"amount":100})", owner));
    for (auto* name : {"one", "two"}) {
      const auto made = data(send("POST", "/keys", Json{{"name", name}}.dump(), owner), 201);
      hashes.push_back(made["hash"]);
      values.push_back(made["key"]);
    }
    clock.set_wall(today);
  }

  /// A request that was served and settled.
  void use(std::size_t key, const std::string& model, const std::string& day, cp::Money cost,
           std::uint64_t input, std::uint64_t output) {
    const cp::LimitPeriod always;
    const auto allowance = store.reserve({.key_digest = cp::to_hex(cp::sha256(values.at(key))),
                                          .least = cost,
                                          .wanted = cost,
                                          .most = cost,
                                          .idle = {},
                                          .period = [&](cp::LimitReset) { return always; },
                                          .now = clock.now(),
                                          .expires_at = clock.now() + 60s,
                                          .id = {}});
    REQUIRE(allowance);
    cp::UsageRow row;
    row.request_id = "r" + std::to_string(++requests);
    row.key_hash = hashes.at(key);
    row.account = allowance->account;
    row.model = model;
    row.input_tokens = input;
    row.output_tokens = output;
    row.cost = cost;
    row.status = 200;
    row.at = clock.now();
    const cp::Settlement settlement{.key_hash = row.key_hash,
                                    .account = row.account,
                                    .period_start = allowance->period_start,
                                    .spent = cost,
                                    .returned = {},
                                    .usage = row,
                                    .day = day};
    REQUIRE(store.settle({&settlement, 1}, {}));
  }

  std::string owner;
  std::vector<std::string> hashes;
  std::vector<std::string> values;
  int requests = 0;
};

constexpr cp::Money cents(std::int64_t count) {
  return {count * 10'000};
}

}  // namespace

TEST_CASE("account/usage_routes: M9 a key shows what it was really used for") {
  UsedWorld world;
  auto shown = world.get("/keys/" + world.hashes[0], world.owner);
  CHECK(shown["requests_count"] == 0);
  CHECK(shown["usage_daily"] == 0);
  CHECK(shown["model_usage"].empty());
  // 2026-11-21 is a Saturday: its week began on the 16th.
  world.use(0, "gpt-4o", "2026-11-21", cents(1), 100, 10);
  world.use(0, "gpt-4o", "2026-11-21", cents(2), 200, 20);
  world.use(0, "gpt-4o", "2026-11-16", cents(4), 400, 40);
  world.use(0, "claude-sonnet-4-5", "2026-11-15", cents(8), 800, 80);
  world.use(0, "claude-sonnet-4-5", "2026-11-01", cents(16), 1, 1);
  world.use(1, "gpt-4o", "2026-11-21", cents(32), 5, 5);
  shown = world.get("/keys/" + world.hashes[0], world.owner);
  CHECK(shown["usage"] == 0.31);
  CHECK(shown["usage_daily"] == 0.03);
  CHECK(shown["usage_weekly"] == 0.07);
  CHECK(shown["usage_monthly"] == 0.31);
}

TEST_CASE("account/usage_routes: M9 requests, tokens and cost of each model") {
  UsedWorld world;
  world.use(0, "gpt-4o", "2026-11-20", cents(1), 100, 10);
  world.use(0, "gpt-4o", "2026-11-21", cents(2), 200, 20);
  world.use(0, "claude-sonnet-4-5", "2026-11-21", cents(8), 800, 80);
  world.use(1, "o3", "2026-11-21", cents(32), 5, 5);
  const auto shown = world.get("/keys/" + world.hashes[0], world.owner);
  CHECK(shown["requests_count"] == 3);
  CHECK(shown["model_usage"].dump() ==
        R"([{"model":"claude-sonnet-4-5","requests":1,"tokens":880,"cost":0.08},)"
        R"({"model":"gpt-4o","requests":2,"tokens":330,"cost":0.03}])");
}

TEST_CASE("account/usage_routes: usage by key, model and day, from real records") {
  UsedWorld world;
  world.use(0, "gpt-4o", "2026-11-20", cents(1), 100, 10);
  world.use(0, "gpt-4o", "2026-11-21", cents(2), 200, 20);
  world.use(0, "gpt-4o", "2026-11-21", cents(3), 1, 2);
  world.use(1, "o3", "2026-11-21", cents(32), 5, 6);
  const auto all = world.get("/v1/usage?from=2026-11-01", world.owner);
  CHECK(all["from"] == "2026-11-01");
  CHECK(all["to"] == "2026-11-21");
  CHECK(all["total"] == 3);
  CHECK(all["totals"].dump() ==
        R"({"requests":4,"input_tokens":306,"output_tokens":38,"cost":0.38})");
  CHECK(all["items"][2].dump() == R"({"day":"2026-11-20","key":")" + world.hashes[0] +
                                      R"(","model":"gpt-4o","requests":1,"input_tokens":100,)"
                                      R"("output_tokens":10,"cost":0.01})");
  const auto one = world.get("/usage?key=" + world.hashes[1], world.owner);
  CHECK(one["total"] == 1);
  CHECK(one["items"][0]["model"] == "o3");
  CHECK(world.get("/usage?to=2026-11-20", world.owner)["total"] == 1);
  const auto page = world.get("/usage?limit=1&offset=1", world.owner);
  CHECK(page["items"].size() == 1);
  CHECK(page["has_more"] == true);
  CHECK(page["totals"]["requests"] == 4);
  CHECK(world.get("/usage?offset=99", world.owner)["items"].empty());

  const auto requests = world.get("/usage/requests?limit=2", world.owner);
  CHECK(requests["total"] == 4);
  CHECK(requests["items"].size() == 2);
  CHECK(requests["items"][0]["request_id"] == "r4");
  CHECK(requests["has_more"] == true);
  CHECK(world.get("/usage/requests?key=" + world.hashes[0], world.owner)["total"] == 3);

  const auto stranger = world.register_as("b@example.com");
  CHECK(world.get("/usage?key=" + world.hashes[0], stranger)["total"] == 0);
  CHECK(world.get("/usage/requests?key=" + world.hashes[0], stranger)["total"] == 0);
}

TEST_CASE("account/usage_routes: the day is that of the ledger's time zone") {
  AccountWorld world{[](auto& options) {
    options.day_of = [](cp::TimePoint) { return std::string{"2026-11-22"}; };
  }};
  const auto key = world.register_as("a@example.com");
  const auto usage = world.get("/usage", key);
  CHECK(usage["from"] == "2026-10-24");
  CHECK(usage["to"] == "2026-11-22");
}

TEST_CASE("account/usage_routes: usage stands in the history and in the balance") {
  UsedWorld world;
  world.use(0, "gpt-4o", "2026-11-21", cents(250), 100, 10);
  CHECK(world.get("/credits", world.owner).dump() ==
        R"({"total_credits":100,"total_usage":2.5,"remaining":97.5})");
  const auto history = world.get("/credits/history?type=usage", world.owner);
  CHECK(history["total"] == 1);
  CHECK(history["items"][0]["amount"] == -2.5);
  CHECK(history["items"][0]["balance_after"] == 97.5);
}
