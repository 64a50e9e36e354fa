#pragma once
// SPDX-License-Identifier: MIT

#include <account_world.hpp>

#include <set>
#include <thread>

/// One walk through the accounts' interface that must go the same way over every AccountStore.
namespace account_api_walk {

namespace cp = credpool;
using Json = AccountWorld::Json;

inline std::function<void(cp::ApiRequest&)> once(std::string name) {
  return [name](cp::ApiRequest& request) { request.idempotency_key = name; };
}

inline void people(AccountWorld& world) {
  const auto key = world.register_as("ann@example.com");
  CHECK(world.error(
            world.send("POST", "/auth/register", AccountWorld::credentials("Ann@example.com")),
            409) == "EMAIL_EXISTS");
  const std::string second =
      world.data(world.send("POST", "/auth/keys", "", key), 201).at("management_key");
  CHECK(world.get("/auth/keys", key)["total"] == 2);
  const std::string third =
      world.data(world.send("POST", "/auth/login", AccountWorld::credentials("ann@example.com")))
          .at("management_key");
  CHECK(world.send("GET", "/auth/me", {}, second).status == 401);
  CHECK(world.get("/auth/keys", third)["total"] == 1);
  const std::string fourth =
      world.data(world.send("POST", "/auth/rotate", "", third)).at("management_key");
  CHECK(world.send("GET", "/auth/me", {}, third).status == 401);
  world.data(world.send("POST", "/auth/password",
                        R"({"current_password":"Demo1234!","new_password":"Other5678"})", fourth));
  world.data(world.send("DELETE", "/auth/me", R"({"password":"Other5678"})", fourth));
  CHECK(world.send("GET", "/auth/me", {}, fourth).status == 401);
  world.register_as("ann@example.com");
}

inline void keys(AccountWorld& world) {
  const auto owner = world.register_as("bob@example.com");
  const auto create = [&](std::string name) {
    return world.send("POST", "/keys", Json{{"name", name}, {"credit_limit", 1.5}}.dump(), owner,
                      once("make " + name));
  };
  // Blanks are no part of such a key.
  CHECK(create("one").status == 400);
  const auto made = world.send("POST", "/keys", R"({"name":"one"})", owner, once("make-one"));
  CHECK(world.send("POST", "/keys", R"({"name":"one"})", owner, once("make-one")).body ==
        made.body);
  CHECK(world.error(world.send("POST", "/keys", R"({"name":"two"})", owner, once("make-one")),
                    422) == "IDEMPOTENCY_KEY_REUSED");
  CHECK(world.error(world.send("POST", "/keys", R"({"name":"one"})", owner), 409) ==
        "KEY_NAME_EXISTS");
  const std::string path = "/keys/" + world.data(made, 201).at("hash").get<std::string>();
  CHECK(world.data(world.send("PATCH", path, R"({"disabled":true,"limit_reset":"daily"})", owner))
            .at("limit_reset") == "daily");
  CHECK(world.data(world.send("POST", path + "/rotate", "", owner)).at("disabled") == true);
  CHECK(world.get(path, owner)["requests_count"] == 0);
  CHECK(world.get("/usage?key=" + path.substr(6), owner)["total"] == 0);
  CHECK(world.get("/usage/requests", owner)["total"] == 0);
  world.data(world.send("DELETE", path, {}, owner));
  CHECK(world.error(world.send("DELETE", path, {}, owner), 410) == "KEY_ALREADY_REVOKED");
  CHECK(world.error(world.send("GET", path, {}, owner), 404) == "KEY_NOT_FOUND");
  CHECK(world.error(world.send("GET", "/keys/none", {}, owner), 404) == "KEY_NOT_FOUND");
  CHECK(world.send("POST", "/keys", R"({"name":"one"})", owner).status == 201);
  CHECK(world.get("/keys?include_revoked=true", owner)["total"] == 2);
  CHECK(world.get("/keys?limit=1&offset=1&include_revoked=true", owner)["items"].size() == 1);
}

inline void credits(AccountWorld& world) {
  const auto key = world.register_as("eve@example.com");
  std::mutex mutex;
  std::set<std::string> bodies;
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i)
    callers.emplace_back([&] {
      cp::ApiRequest request;
      request.method = "POST";
      request.path = "/credits/purchase";
      request.authorization = "Bearer " + key;
      request.idempotency_key = "same";
      request.body = R"({"amount":10.5})";
      const auto answer = world.api->handle(request);
      const std::lock_guard lock{mutex};
      bodies.insert(std::to_string(answer.status) + answer.body);
    });
  for (auto& caller : callers) caller.join();
  CHECK(bodies.size() == 1);
  CHECK(bodies.begin()->starts_with("200"));
  CHECK(world.get("/credits", key)["remaining"] == 10.5);
  CHECK(world
            .data(world.send("PUT", "/credits/auto-topup",
                             R"({"enabled":true,"threshold":20,"amount":25})", key))
            .at("enabled") == true);
  const auto filled = world.api->top_up(world.account("eve@example.com").id);
  REQUIRE(filled);
  CHECK(*filled);
  CHECK(world.get("/credits", key)["remaining"] == 35.5);
  const auto history = world.get("/credits/history?limit=1", key);
  CHECK(history["total"] == 2);
  CHECK(history["has_more"] == true);
  CHECK(history["items"][0]["type"] == "auto_topup");
  CHECK(world.get("/credits/history?type=purchase", key)["total"] == 1);
  REQUIRE(world.api->forget_ended());
}

inline void device(AccountWorld& world) {
  const auto begin = [&] {
    return world.data(world.send("POST", "/oauth/device/code", R"({"client_id":"openclaw-cli"})"));
  };
  const auto code = begin();
  begin();  // two that wait at the same time, neither with a token
  const auto body = Json{{"device_code", code["device_code"]}}.dump();
  CHECK(world.error(world.send("POST", "/v1/oauth/device/token", body), 400) ==
        "authorization_pending");
  world.clock.advance(cp::Duration{3'000});
  const std::string token =
      world.data(world.send("POST", "/v1/oauth/device/token", body)).at("access_token");
  const auto info = world.get("/oauth/userinfo", token);
  CHECK(info["email"] == "github-user@example.com");
  const std::string key = info["management_key"];
  CHECK(world.get("/auth/me", key)["email"] == "github-user@example.com");
  CHECK(world.error(world.send("POST", "/v1/oauth/device/token", body), 400) == "bad_device_code");
}

/// @param store empty, and outlives the call
inline void whole_walk(cp::AccountStore& store) {
  AccountWorld world{[&](cp::AccountApiOptions& options) {
    options.store = &store;
    options.mock_github = true;
  }};
  people(world);
  keys(world);
  credits(world);
  device(world);
}

}  // namespace account_api_walk
