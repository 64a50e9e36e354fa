// SPDX-License-Identifier: MIT
#include <credpool/account/api.hpp>

#include <account_world.hpp>

#include <stdexcept>

namespace cp = credpool;

TEST_CASE("account/api: the status, at the root only as the first server has it") {
  AccountWorld world;
  const auto answer = world.send("GET", "/");
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"status":"ok"})");
  CHECK(world.error(world.send("POST", "/"), 405) == "METHOD_NOT_ALLOWED");
}

TEST_CASE("account/api: it knows its paths, at the root and under /v1") {
  for (const std::string_view path :
       {"/", "/auth/register", "/v1/auth/register", "/auth/me", "/keys", "/v1/keys",
        "/keys/0123456789abcdef", "/v1/keys/0123456789abcdef/rotate", "/credits/history", "/usage",
        "/v1/oauth/device/token", "/oauth/userinfo", "/webhooks/stripe", "/auth/keys/current"})
    CHECK_MESSAGE(cp::AccountApi::has(path), path);
  for (const std::string_view path :
       {"", "/v1", "/v1/", "/v1/v1/keys", "/v2/keys", "/v1/chat/completions", "/v1/models",
        "/keys/", "/keys//rotate", "/keys/a/b", "/keys/a/rotate/", "/auth", "/auth/", "keys",
        "/metrics"})
    CHECK_FALSE_MESSAGE(cp::AccountApi::has(path), path);
}

TEST_CASE("account/api: unknown paths and methods are told so, in the envelope") {
  AccountWorld world;
  CHECK(world.error(world.send("GET", "/nothing"), 404) == "NOT_FOUND");
  const auto answer = world.send("PUT", "/auth/me");
  CHECK(world.error(answer, 405) == "METHOD_NOT_ALLOWED");
  CHECK(answer.header("Allow") == "GET, DELETE");
  CHECK(world.send("OPTIONS", "/auth/me").status == 204);
}

TEST_CASE("account/api: every answer has the headers that keep keys out of caches and frames") {
  AccountWorld world;
  for (const auto* path : {"/", "/auth/me", "/nothing"}) {
    const auto answer = world.send("GET", path);
    CHECK(answer.header("Content-Type") == "application/json");
    CHECK(answer.header("Cache-Control") == "no-store");
    CHECK(answer.header("X-Content-Type-Options") == "nosniff");
    CHECK(answer.header("X-Frame-Options") == "DENY");
    CHECK(answer.header("Strict-Transport-Security"));
    CHECK(answer.header("X-Request-Id")->size() == 36);
  }
}

TEST_CASE("account/api: S5 no web page may call, unless its origin is configured") {
  const auto from = [](std::string origin) {
    return [origin](cp::ApiRequest& request) { request.origin = origin; };
  };
  AccountWorld closed;
  CHECK_FALSE(closed.send("GET", "/", {}, {}, from("https://evil.example"))
                  .header("Access-Control-Allow-Origin"));
  AccountWorld open{[](auto& options) { options.cors_origins = {"https://app.example"}; }};
  const auto answer = open.send("GET", "/", {}, {}, from("https://app.example"));
  CHECK(answer.header("Access-Control-Allow-Origin") == "https://app.example");
  CHECK(answer.header("Vary") == "Origin");
  CHECK_FALSE(open.send("GET", "/", {}, {}, from("https://evil.example"))
                  .header("Access-Control-Allow-Origin"));
  CHECK_FALSE(open.send("GET", "/").header("Access-Control-Allow-Origin"));
  const auto preflight = open.send("OPTIONS", "/keys", {}, {}, from("https://app.example"));
  CHECK(preflight.status == 204);
  CHECK(preflight.header("Access-Control-Allow-Headers") ==
        "Authorization, Content-Type, Idempotency-Key");
}

TEST_CASE("account/api: who brings no management key is refused") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto with = [&](std::string value) {
    return world.send("GET", "/auth/me", {}, {},
                      [&](cp::ApiRequest& request) { request.authorization = value; });
  };
  CHECK(with("Bearer " + key).status == 200);
  for (const std::string& value :
       {std::string{}, std::string{"Bearer"}, std::string{"Bearer "}, key, "bearer " + key,
        "Bearer  " + key, "Bearer " + key + " ", "Basic " + key,
        "Bearer sk-mgmt-" + std::string{"00000000-0000-0000-0000-000000000000"},
        std::string{"Bearer sk-prov-00000000000000000000000000000000"},
        "Bearer " + cp::to_hex(cp::sha256(key))}) {
    const auto answer = with(value);
    CHECK(world.error(answer, 401) == "UNAUTHORIZED");
    CHECK(answer.header("WWW-Authenticate") == "Bearer");
  }
}

TEST_CASE("account/api: a caller that asks too much has to wait") {
  AccountWorld world{[](auto& options) {
    options.limits.calls_per_peer = {3, cp::Duration{1000}};
  }};
  for (int i = 0; i < 3; ++i) CHECK(world.send("GET", "/").status == 200);
  const auto refused = world.send("GET", "/");
  CHECK(world.error(refused, 429) == "RATE_LIMITED");
  CHECK(refused.header("Retry-After") == "1");
  const auto from = [](std::string peer) {
    return [peer](cp::ApiRequest& request) { request.peer = peer; };
  };
  CHECK(world.send("GET", "/", {}, {}, from("192.0.2.2")).status == 200);
  // The same process, and Stripe.
  CHECK(world.send("GET", "/", {}, {}, from("")).status == 200);
  CHECK(world.send("POST", "/webhooks/stripe").status == 400);
  world.clock.advance(cp::Duration{1000});
  CHECK(world.send("GET", "/").status == 200);
}

TEST_CASE("account/api: an account is counted wherever it calls from") {
  AccountWorld world{[](auto& options) {
    options.limits.calls_per_account = {3, cp::Duration{1000}};
  }};
  const auto key = world.register_as("a@example.com");
  const auto other = world.register_as("b@example.com");
  for (int i = 0; i < 3; ++i)
    CHECK(world
              .send("GET", "/credits", {}, key,
                    [&](cp::ApiRequest& request) { request.peer = "192.0.2." + std::to_string(i); })
              .status == 200);
  CHECK(world.error(world.send("GET", "/credits", {}, key), 429) == "RATE_LIMITED");
  CHECK(world.send("GET", "/credits", {}, other).status == 200);
}

TEST_CASE("account/api: S7 a store that cannot be reached is a 503 that names nothing inside") {
  // All that a store does fails as if its server were gone.
  struct Gone final : cp::PaymentStore {
    static cp::Unexpected gone() {
      return cp::fail(cp::Errc::network, "connecting", "db.internal.example", "password=hunter2");
    }
    cp::Result<void> add_payment(const cp::Payment&) override { return gone(); }
    cp::Result<std::optional<cp::Payment>> payment(std::string_view) override { return gone(); }
    cp::Result<std::optional<cp::Payment>> payment_by_reference(std::string_view) override {
      return gone();
    }
    cp::Result<std::optional<cp::Payment>> open_topup(const cp::AccountId&) override {
      return gone();
    }
    cp::Result<void> change_payment(const cp::Payment&) override { return gone(); }
    cp::Result<std::vector<cp::Payment>> payments_in(cp::PaymentState, std::string_view,
                                                     std::uint64_t) override {
      return gone();
    }
    cp::Result<std::optional<cp::PaymentMethod>> payment_method(const cp::AccountId&) override {
      return gone();
    }
    cp::Result<void> set_payment_method(const cp::AccountId&,
                                        const std::optional<cp::PaymentMethod>&) override {
      return gone();
    }
  } payments;
  AccountWorld world{[&](auto& options) {
    AccountWorld::with_stripe(options);
    options.payments = &payments;
  }};
  const auto key = world.register_as("a@example.com");
  const auto answer = world.send("POST", "/credits/purchase", R"({"amount":10})", key);
  CHECK(world.error(answer, 503) == "STORE_UNAVAILABLE");
  CHECK(answer.header("Retry-After"));
  CHECK(answer.body.find("internal") == std::string::npos);
  CHECK(answer.body.find("hunter2") == std::string::npos);
}

TEST_CASE("account/api: options that lack something are a programming error") {
  AccountWorld world;
  cp::AccountApiOptions options;
  CHECK_THROWS_AS(cp::AccountApi{options}, std::invalid_argument);
  options.store = &world.store;
  options.passwords = &world.passwords;
  options.now = [] { return cp::TimePoint{}; };
  CHECK_NOTHROW(cp::AccountApi{options});
  AccountWorld::with_stripe(options);
  CHECK_THROWS_AS(cp::AccountApi{options}, std::invalid_argument);
  options.send = [](const cp::Request&) -> cp::Result<cp::Response> { return cp::Response{}; };
  CHECK_THROWS_AS(cp::AccountApi{options}, std::invalid_argument);
  options.payments = &world.payments;
  CHECK_NOTHROW(cp::AccountApi{options});
}
