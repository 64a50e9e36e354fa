// SPDX-License-Identifier: MIT
#include <credpool/account/api.hpp>

#include <account_world.hpp>

#include <atomic>
#include <set>
#include <thread>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {
std::function<void(cp::ApiRequest&)> once(std::string name) {
  return [name](cp::ApiRequest& request) { request.idempotency_key = name; };
}
}  // namespace

TEST_CASE(
    "account/key_routes: a key is created, shown without its value, and found by its digest") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto made =
      world.data(world.send("POST", "/keys",
                            R"({"name":"prod_1","credit_limit":12.5,"limit_reset":"monthly",)"
                            R"("expires_at":"2027-01-31T10:00:00+02:00"})",
                            key),
                 201);
  const std::string value = made["key"];
  const std::string hash = made["hash"];
  CHECK(value.starts_with("sk-prov-"));
  CHECK(hash == cp::to_hex(cp::sha256(value)).substr(0, 16));
  auto shown = made;
  shown.erase("key");
  CHECK(shown.dump() == R"({"hash":")" + hash +
                            R"(","name":"prod_1","credit_limit":12.5,"limit_reset":"monthly",)"
                            R"("usage":0,"disabled":false,"created_at":"2026-11-21T12:00:00.000Z",)"
                            R"("expires_at":"2027-01-31T08:00:00.000Z"})");
  const auto list = world.get("/v1/keys", key);
  CHECK(list.dump() == R"({"items":[)" + shown.dump() + R"(],"total":1})");
  const auto found = world.store.key_by_digest(cp::to_hex(cp::sha256(value)));
  REQUIRE(found);
  CHECK((*found)->hash == hash);

  const auto plain = world.data(
      world.send("POST", "/keys",
                 R"({"name":"plain","credit_limit":null,"limit_reset":null,"expires_at":null})",
                 key),
      201);
  CHECK(plain["credit_limit"].is_null());
  CHECK(plain["limit_reset"].is_null());
  CHECK(plain["expires_at"].is_null());
  CHECK(world.get("/auth/me", key)["keys_count"] == 2);
  // Newest first.
  CHECK(world.get("/keys", key)["items"][0]["name"] == "plain");
}

TEST_CASE("account/key_routes: a name is used once, until its key is revoked") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto create = [&] { return world.send("POST", "/keys", R"({"name":"k"})", key); };
  const std::string hash = world.data(create(), 201).at("hash");
  CHECK(world.error(create(), 409) == "KEY_NAME_EXISTS");
  const auto other = world.register_as("b@example.com");
  CHECK(world.send("POST", "/keys", R"({"name":"k"})", other).status == 201);
  CHECK(world.data(world.send("DELETE", "/keys/" + hash, {}, key)).dump() ==
        R"({"hash":")" + hash +
            R"(","name":"k","revoked":true,)"
            R"("revoked_at":"2026-11-21T12:00:00.000Z"})");
  CHECK(create().status == 201);
}

TEST_CASE("account/key_routes: a revoked key is gone") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const std::string path =
      "/keys/" +
      std::string{world.data(world.send("POST", "/keys", R"({"name":"k"})", key), 201).at("hash")};
  world.data(world.send("DELETE", path, {}, key));
  CHECK(world.error(world.send("DELETE", path, {}, key), 410) == "KEY_ALREADY_REVOKED");
  CHECK(world.error(world.send("POST", path + "/rotate", "", key), 410) == "KEY_REVOKED");
  CHECK(world.error(world.send("GET", path, {}, key), 404) == "KEY_NOT_FOUND");
  CHECK(world.error(world.send("PATCH", path, R"({"disabled":true})", key), 404) ==
        "KEY_NOT_FOUND");
  CHECK(world.get("/keys", key)["total"] == 0);
  const auto all = world.get("/keys?include_revoked=true", key);
  CHECK(all["total"] == 1);
  CHECK(all["items"][0]["revoked_at"] == "2026-11-21T12:00:00.000Z");
}

TEST_CASE("account/key_routes: no key of somebody else is seen or changed") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto stranger = world.register_as("b@example.com");
  const std::string path =
      "/keys/" +
      std::string{world.data(world.send("POST", "/keys", R"({"name":"k"})", key), 201).at("hash")};
  for (const auto& answer :
       {world.send("GET", path, {}, stranger), world.send("DELETE", path, {}, stranger),
        world.send("PATCH", path, R"({"disabled":true})", stranger),
        world.send("POST", path + "/rotate", {}, stranger),
        world.send("GET", "/keys/0000000000000000", {}, key),
        world.send("GET", "/keys/%2e%2e", {}, key)})
    CHECK(world.error(answer, 404) == "KEY_NOT_FOUND");
  CHECK(world.get(path, key)["disabled"] == false);
}

TEST_CASE("account/key_routes: a change changes what it names") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const std::string path =
      "/keys/" +
      std::string{
          world.data(world.send("POST", "/keys", R"({"name":"k","credit_limit":5})", key), 201)
              .at("hash")};
  const auto change = [&](std::string_view body) {
    return world.data(world.send("PATCH", path, body, key));
  };
  CHECK(change(R"({"disabled":true})")["disabled"] == true);
  CHECK(change(R"({"limit_reset":"weekly"})")["limit_reset"] == "weekly");
  auto now = change(R"({"credit_limit":0.000001})");
  CHECK(now["credit_limit"] == 0.000001);
  CHECK(now["disabled"] == true);
  CHECK(now["limit_reset"] == "weekly");
  CHECK_FALSE(now.contains("updated_at"));
  now = change(R"({"credit_limit":null,"limit_reset":"none","disabled":false,)"
               R"("expires_at":"2027-01-01"})");
  CHECK(now["credit_limit"].is_null());
  CHECK(now["limit_reset"].is_null());
  CHECK(now["expires_at"] == "2027-01-01T00:00:00.000Z");
}

TEST_CASE("account/key_routes: rotate gives a new value, the hash stays") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto made = world.data(world.send("POST", "/keys", R"({"name":"k"})", key), 201);
  const std::string hash = made["hash"];
  const auto rotated = world.data(world.send("POST", "/keys/" + hash + "/rotate", "", key));
  CHECK(rotated["hash"] == hash);
  CHECK(rotated["key"] != made["key"]);
  CHECK(rotated["rotated_at"] == "2026-11-21T12:00:00.000Z");
  const auto digest = [](const AccountWorld::Json& data) {
    return cp::to_hex(cp::sha256(data["key"].get<std::string>()));
  };
  CHECK_FALSE(*world.store.key_by_digest(digest(made)));
  REQUIRE(*world.store.key_by_digest(digest(rotated)));
  CHECK((*world.store.key_by_digest(digest(rotated)))->hash == hash);
}

TEST_CASE("account/key_routes: R4 lists come in pages") {
  AccountWorld world{[](auto& options) {
    options.limits.calls_per_account.burst = 0;
    options.limits.calls_per_peer.burst = 0;
  }};
  const auto key = world.register_as("a@example.com");
  for (int i = 0; i < 1001; ++i)
    REQUIRE(world.send("POST", "/keys", R"({"name":"k)" + std::to_string(i) + "\"}", key).status ==
            201);
  auto page = world.get("/keys", key);
  CHECK(page["items"].size() == 1000);
  CHECK(page["total"] == 1001);
  CHECK(page["has_more"] == true);
  CHECK(world.get("/keys?limit=100000", key)["items"].size() == 1000);
  page = world.get("/keys?limit=10&offset=995", key);
  CHECK(page["items"].size() == 6);
  CHECK(page["items"][5]["name"] == "k0");
  CHECK(page["has_more"] == false);
  CHECK(page["limit"] == 10);
  CHECK(page["offset"] == 995);
  CHECK(world.get("/keys?offset=5000", key)["items"].empty());
}

TEST_CASE("account/key_routes: M5 the same request again gets the same answer, a key and all") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto create = [&](std::string_view body, std::string_view with) {
    return world.send("POST", "/keys", body, with, once("try-1"));
  };
  const auto first = create(R"({"name":"k"})", key);
  const auto again = create(R"({"name":"k"})", key);
  CHECK(first.status == 201);
  CHECK(again.status == 201);
  CHECK(again.body == first.body);
  CHECK(again.header("Idempotent-Replayed") == "true");
  CHECK(world.get("/keys", key)["total"] == 1);
  CHECK(world.error(create(R"({"name":"other"})", key), 422) == "IDEMPOTENCY_KEY_REUSED");
  CHECK(world.error(world.send("POST", "/auth/keys", R"({"name":"k"})", key, once("try-1")), 422) ==
        "IDEMPOTENCY_KEY_REUSED");
  // Another account's is its own.
  const auto stranger = world.register_as("b@example.com");
  const auto theirs = create(R"({"name":"k"})", stranger);
  CHECK(theirs.status == 201);
  CHECK(theirs.body != first.body);
  // The value cannot be had with another management key, not even by who reads the store.
  const std::string second =
      world.data(world.send("POST", "/auth/keys", "", key), 201).at("management_key");
  CHECK(world.error(create(R"({"name":"k"})", second), 409) == "CONFLICT");
  const std::string value = nlohmann::json::parse(first.body)["data"]["key"];
  CHECK(world.store.document().find(value) == std::string::npos);
}

TEST_CASE("account/key_routes: what was refused may be mended and tried again") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const std::string hash =
      world.data(world.send("POST", "/keys", R"({"name":"k"})", key), 201).at("hash");
  const auto create = [&] {
    return world.send("POST", "/keys", R"({"name":"k"})", key, once("try-1")).status;
  };
  CHECK(create() == 409);
  world.data(world.send("DELETE", "/keys/" + hash, {}, key));
  CHECK(create() == 201);
  const auto bad = [&](std::string name) {
    return world.send("POST", "/keys", R"({"name":"x"})", key, once(name)).status;
  };
  CHECK(bad(std::string(256, 'a')) == 400);
  CHECK(bad("a b") == 400);
  CHECK(bad("a\n") == 400);
}

TEST_CASE("account/key_routes: M5 duplicates at the same time wait for the first") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  std::atomic<int> made{0};
  std::mutex mutex;
  std::set<std::string> bodies;
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i)
    callers.emplace_back([&] {
      cp::ApiRequest request;
      request.method = "POST";
      request.path = "/keys";
      request.authorization = "Bearer " + key;
      request.idempotency_key = "same";
      request.body = R"({"name":"k"})";
      const auto answer = world.api->handle(request);
      if (answer.status == 201) ++made;
      const std::lock_guard lock{mutex};
      bodies.insert(answer.body);
    });
  for (auto& caller : callers) caller.join();
  CHECK(made == 16);
  CHECK(bodies.size() == 1);
  CHECK(world.get("/keys", key)["total"] == 1);
}

TEST_CASE("account/key_routes: M5 a duplicate does not wait for ever") {
  cp::Duration waited{0};
  AccountWorld world{[&](auto& options) {
    options.wait = [&](cp::Duration by) { waited += by; };
    options.limits.duplicate_wait = 200ms;
  }};
  const auto key = world.register_as("a@example.com");
  // The first one has been claimed by a server that is gone.
  const std::string body = R"({"name":"k"})";
  const auto digest = cp::to_hex(cp::sha256_of_parts({"POST", "/keys", body}));
  REQUIRE(world.store.claim_answer(world.account("a@example.com").id, "lost", digest,
                                   world.clock.now()));
  const auto answer = world.send("POST", "/keys", body, key, once("lost"));
  CHECK(world.error(answer, 409) == "REQUEST_IN_PROGRESS");
  CHECK(answer.header("Retry-After"));
  CHECK(waited == 200ms);
  world.clock.advance(2min);
  CHECK(world.send("POST", "/keys", body, key, once("lost")).status == 201);
}
