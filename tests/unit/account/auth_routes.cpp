// SPDX-License-Identifier: MIT
#include <credpool/account/api.hpp>

#include <account_world.hpp>

#include <atomic>
#include <thread>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

/// The names of an answer's members, in their order.
std::vector<std::string> names(const AccountWorld::Json& data) {
  std::vector<std::string> found;
  for (const auto& [name, value] : data.items()) found.push_back(name);
  return found;
}
using Names = std::vector<std::string>;

std::function<void(cp::ApiRequest&)> once(std::string name) {
  return [name](cp::ApiRequest& request) { request.idempotency_key = name; };
}
std::function<void(cp::ApiRequest&)> from(std::string peer) {
  return [peer](cp::ApiRequest& request) { request.peer = peer; };
}

}  // namespace

TEST_CASE("account/auth_routes: register, look, log in") {
  AccountWorld world;
  const auto registered = world.data(
      world.send("POST", "/auth/register", AccountWorld::credentials("Demo@OpenClaw.dev")), 201);
  CHECK(names(registered) == Names{"management_key", "email", "created_at"});
  CHECK(registered["email"] == "demo@openclaw.dev");
  CHECK(registered["created_at"] == "2026-11-21T12:00:00.000Z");
  const std::string key = registered["management_key"];
  CHECK(world.send("GET", "/v1/auth/me", {}, key).body ==
        R"({"data":{"email":"demo@openclaw.dev","plan":"free","credits_remaining":0,)"
        R"("keys_count":0,"created_at":"2026-11-21T12:00:00.000Z"}})");

  world.clock.advance(1500ms);
  const auto logged_in =
      world.data(world.send("POST", "/auth/login", AccountWorld::credentials("DEMO@openclaw.dev")));
  CHECK(names(logged_in) == Names{"management_key", "email", "last_login"});
  CHECK(logged_in["last_login"] == "2026-11-21T12:00:01.500Z");
  // As at the first server, a login ends the earlier key.
  CHECK(world.error(world.send("GET", "/auth/me", {}, key), 401) == "UNAUTHORIZED");
  CHECK(world.send("GET", "/auth/me", {}, std::string{logged_in["management_key"]}).status == 200);
}

TEST_CASE("account/auth_routes: S4 only digests are kept") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const std::string provisioned =
      world.data(world.send("POST", "/keys", R"({"name":"k"})", key, once("once")), 201).at("key");
  const auto kept = world.store.document();
  CHECK(kept.find(key.substr(8)) == std::string::npos);
  CHECK(kept.find(provisioned.substr(8)) == std::string::npos);
  CHECK(kept.find(AccountWorld::password) == std::string::npos);
  CHECK(kept.find(cp::to_hex(cp::sha256(key))) != std::string::npos);
}

TEST_CASE("account/auth_routes: S5 an e-mail in other letters is the same account") {
  AccountWorld world;
  world.register_as("a@example.com");
  CHECK(
      world.error(world.send("POST", "/auth/register", AccountWorld::credentials("A@Example.COM")),
                  409) == "EMAIL_EXISTS");
}

TEST_CASE(
    "account/auth_routes: an unknown e-mail and a wrong password get the same answer, and the "
    "same work") {
  struct CountingHasher final : cp::PasswordHasher {
    cp::Result<std::string> hash(std::string_view password) override {
      return inner.hash(password);
    }
    bool verify(const std::string& hash, std::string_view password) override {
      CHECK(inner.is_current(hash));
      ++verified;
      return inner.verify(hash, password);
    }
    bool is_current(const std::string& hash) override { return inner.is_current(hash); }
    cp::SaltedDigestHasher inner;
    int verified = 0;
  } hasher;
  AccountWorld world{[&](auto& options) { options.passwords = &hasher; }};
  world.register_as("a@example.com");
  const auto wrong =
      world.send("POST", "/auth/login", AccountWorld::credentials("a@example.com", "Wrong1234"));
  CHECK(hasher.verified == 1);
  const auto unknown =
      world.send("POST", "/auth/login", AccountWorld::credentials("b@example.com", "Wrong1234"));
  CHECK(hasher.verified == 2);
  CHECK(world.error(wrong, 401) == "INVALID_CREDENTIALS");
  CHECK(unknown.status == 401);
  CHECK(unknown.body == wrong.body);
}

TEST_CASE("account/auth_routes: S5 guesses have to wait, longer and longer") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto guess = [&](std::string_view password, std::string peer = "192.0.2.66") {
    return world.send("POST", "/auth/login", AccountWorld::credentials("a@example.com", password),
                      {}, from(peer));
  };
  for (int i = 0; i < 6; ++i) CHECK(guess("Wrong1234").status == 401);
  const auto refused = guess("Wrong1234");
  CHECK(world.error(refused, 429) == "RATE_LIMITED");
  CHECK(refused.header("Retry-After") == "1");
  // While it waits, not even the right password is looked at.
  CHECK(guess(AccountWorld::password).status == 429);
  // Others are not locked out, above all not the owner.
  CHECK(guess(AccountWorld::password, "192.0.2.7").status == 200);
  world.clock.advance(1s);
  CHECK(guess("Wrong1234").status == 401);
  CHECK(guess("Wrong1234").header("Retry-After") == "2");
  world.clock.advance(2s);
  CHECK(guess(AccountWorld::password).status == 200);
  for (int i = 0; i < 6; ++i) CHECK(guess("Wrong1234").status == 401);
}

TEST_CASE("account/auth_routes: S5 one address that tries many e-mails has to wait as well") {
  AccountWorld world;
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    const auto email = std::to_string(i) + "@example.com";
    if (world.send("POST", "/auth/login", AccountWorld::credentials(email, "Wrong1234")).status ==
        429)
      ++refused;
  }
  CHECK(refused == 9);
}

TEST_CASE("account/auth_routes: S5 registrations are limited for each address") {
  AccountWorld world{[](auto& options) { options.limits.newcomers_per_peer = {2, 60s}; }};
  world.register_as("a@example.com");
  world.register_as("b@example.com");
  const auto refused =
      world.send("POST", "/auth/register", AccountWorld::credentials("c@example.com"));
  CHECK(world.error(refused, 429) == "RATE_LIMITED");
  CHECK(refused.header("Retry-After") == "60");
  CHECK(world
            .send("POST", "/auth/register", AccountWorld::credentials("c@example.com"), {},
                  from("192.0.2.2"))
            .status == 201);
}

TEST_CASE("account/auth_routes: who hashes too many passwords at once turns others away") {
  struct SlowHasher final : cp::PasswordHasher {
    cp::Result<std::string> hash(std::string_view password) override {
      return inner.hash(password);
    }
    bool verify(const std::string& hash, std::string_view password) override {
      const int now = ++inside;
      int seen = most;
      while (seen < now && !most.compare_exchange_weak(seen, now)) {
      }
      while (!open) std::this_thread::yield();
      --inside;
      return inner.verify(hash, password);
    }
    bool is_current(const std::string& hash) override { return inner.is_current(hash); }
    cp::SaltedDigestHasher inner;
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::atomic<bool> open{false};
  } hasher;
  AccountWorld world{[&](auto& options) {
    options.passwords = &hasher;
    options.limits.passwords_at_once = 2;
    options.limits.passwords_waiting = 3;
  }};
  world.register_as("a@example.com");
  std::atomic<int> served{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 12; ++i)
    callers.emplace_back([&, i] {
      cp::ApiRequest request;
      request.method = "POST";
      request.path = "/auth/login";
      request.peer = "192.0.2." + std::to_string(i);
      request.body = AccountWorld::credentials("a@example.com");
      const auto status = world.api->handle(request).status;
      ++(status == 429 ? refused : served);
    });
  while (refused < 7) std::this_thread::yield();
  hasher.open = true;
  for (auto& caller : callers) caller.join();
  CHECK(hasher.most == 2);
  CHECK(served == 5);
  CHECK(refused == 7);
}

TEST_CASE("account/auth_routes: a hash of an imported account is replaced at its login") {
  struct OldAndNew final : cp::PasswordHasher {
    cp::Result<std::string> hash(std::string_view password) override {
      return inner.hash(password);
    }
    bool verify(const std::string& hash, std::string_view password) override {
      return hash == "$2b$fake" ? password == AccountWorld::password : inner.verify(hash, password);
    }
    bool is_current(const std::string& hash) override { return inner.is_current(hash); }
    cp::SaltedDigestHasher inner;
  } hasher;
  AccountWorld world{[&](auto& options) { options.passwords = &hasher; }};
  world.register_as("a@example.com");
  const auto account = world.account("a@example.com");
  REQUIRE(world.store.change_account(account.id, [](cp::Account& found) -> cp::Result<void> {
    found.password_hash = "$2b$fake";
    return {};
  }));
  CHECK(world.send("POST", "/auth/login", AccountWorld::credentials("a@example.com", "Wrong1234"))
            .status == 401);
  CHECK(world.account("a@example.com").password_hash == "$2b$fake");
  for (int i = 0; i < 2; ++i)
    CHECK(world.send("POST", "/auth/login", AccountWorld::credentials("a@example.com")).status ==
          200);
  CHECK(hasher.is_current(world.account("a@example.com").password_hash));
}

TEST_CASE("account/auth_routes: S6 a login can leave the other keys alone") {
  AccountWorld world;
  const auto first = world.register_as("a@example.com");
  const auto body = R"({"email":"a@example.com","password":"Demo1234!","revoke_others":false})";
  CHECK(world.send("POST", "/auth/login", body).status == 200);
  CHECK(world.send("GET", "/auth/me", {}, first).status == 200);

  AccountWorld several{[](auto& options) { options.login_revokes = false; }};
  const auto kept = several.register_as("a@example.com");
  CHECK(several.send("POST", "/auth/login", AccountWorld::credentials("a@example.com")).status ==
        200);
  CHECK(several.send("GET", "/auth/me", {}, kept).status == 200);
}

TEST_CASE("account/auth_routes: rotate changes one key") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const std::string other =
      world.data(world.send("POST", "/auth/keys", "", key), 201).at("management_key");
  // The body is not looked at.
  const auto rotated = world.data(world.send("POST", "/auth/rotate", "{", key));
  CHECK(names(rotated) == Names{"management_key", "email", "rotated_at"});
  CHECK(world.send("GET", "/auth/me", {}, key).status == 401);
  CHECK(world.send("GET", "/auth/me", {}, other).status == 200);
  CHECK(world.send("GET", "/auth/me", {}, std::string{rotated["management_key"]}).status == 200);
}

TEST_CASE("account/auth_routes: several management keys") {
  AccountWorld world{[](auto& options) { options.limits.management_keys = 3; }};
  const auto first = world.register_as("a@example.com");
  world.clock.advance(1s);
  const auto second = world.data(world.send("POST", "/auth/keys", "{}", first), 201);
  CHECK(names(second) == Names{"management_key", "id", "created_at"});
  world.clock.advance(1s);
  world.data(world.send("POST", "/auth/keys", "", first), 201);
  CHECK(world.error(world.send("POST", "/auth/keys", "", first), 409) == "TOO_MANY_KEYS");
  const auto body = R"({"email":"a@example.com","password":"Demo1234!","revoke_others":false})";
  CHECK(world.error(world.send("POST", "/auth/login", body), 409) == "TOO_MANY_KEYS");

  const auto all = world.get("/auth/keys", first);
  CHECK(names(all) == Names{"items", "total"});
  CHECK(all["total"] == 3);
  CHECK(all["items"][1]["id"] == second["id"]);
  CHECK(all["items"][1]["current"] == false);
  CHECK(all["items"][2]["current"] == true);
  CHECK(all.dump().find("sk-mgmt") == std::string::npos);
  const auto page = world.get("/auth/keys?limit=2&offset=1", first);
  CHECK(page["items"].size() == 2);
  CHECK(page["items"][0]["id"] == second["id"]);
  CHECK(page["has_more"] == false);
  CHECK(world.get("/auth/keys?limit=2", first)["has_more"] == true);

  // Nobody else's.
  const auto stranger = world.register_as("b@example.com");
  const auto path = "/auth/keys/" + std::string{second["id"]};
  CHECK(world.error(world.send("DELETE", path, {}, stranger), 404) == "KEY_NOT_FOUND");
  const auto revoked = world.data(world.send("DELETE", path, {}, first));
  CHECK(names(revoked) == Names{"id", "revoked", "revoked_at"});
  CHECK(world.send("GET", "/auth/me", {}, std::string{second["management_key"]}).status == 401);
  CHECK(world.error(world.send("DELETE", path, {}, first), 404) == "KEY_NOT_FOUND");
  // A logout.
  world.data(world.send("DELETE", "/auth/keys/current", {}, first));
  CHECK(world.send("GET", "/auth/me", {}, first).status == 401);
}

TEST_CASE("account/auth_routes: the password changes for who knows the old one") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const std::string other =
      world.data(world.send("POST", "/auth/keys", "", key), 201).at("management_key");
  const auto change = [&](std::string_view old, std::string_view fresh) {
    return world.send("POST", "/auth/password",
                      AccountWorld::Json{{"current_password", old}, {"new_password", fresh}}.dump(),
                      key);
  };
  CHECK(world.error(change("Wrong1234", "Other5678"), 403) == "INVALID_CREDENTIALS");
  const auto changed = world.data(change(AccountWorld::password, "Other5678"));
  CHECK(names(changed) == Names{"email", "changed_at"});
  // Whoever else was in is out.
  CHECK(world.send("GET", "/auth/me", {}, key).status == 200);
  CHECK(world.send("GET", "/auth/me", {}, other).status == 401);
  CHECK(world.send("POST", "/auth/login", AccountWorld::credentials("a@example.com")).status ==
        401);
  CHECK(world.send("POST", "/auth/login", AccountWorld::credentials("a@example.com", "Other5678"))
            .status == 200);
}

TEST_CASE("account/auth_routes: a key alone cannot guess the password either") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const auto guess = [&] {
    return world.send("DELETE", "/auth/me", R"({"password":"Wrong1234"})", key).status;
  };
  for (int i = 0; i < 6; ++i) CHECK(guess() == 403);
  CHECK(guess() == 429);
}

TEST_CASE("account/auth_routes: an account is deleted with its keys") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  const std::string hash =
      world.data(world.send("POST", "/keys", R"({"name":"k"})", key), 201).at("hash");
  CHECK(world.error(world.send("DELETE", "/auth/me", R"({"password":"Wrong1234"})", key), 403) ==
        "INVALID_CREDENTIALS");
  const auto deleted =
      world.data(world.send("DELETE", "/auth/me", R"({"password":"Demo1234!"})", key));
  CHECK(names(deleted) == Names{"email", "deleted", "deleted_at"});
  CHECK(world.send("GET", "/auth/me", {}, key).status == 401);
  CHECK(world.send("POST", "/auth/login", AccountWorld::credentials("a@example.com")).status ==
        401);
  // The e-mail is free again, for another account.
  const auto again = world.register_as("a@example.com");
  CHECK(world.error(world.send("GET", "/keys/" + hash, {}, again), 404) == "KEY_NOT_FOUND");
}

TEST_CASE("account/auth_routes: a registration whose answer was lost is made again") {
  AccountWorld world;
  const auto again = [&](std::string_view password, std::string name) {
    return world.send("POST", "/auth/register",
                      AccountWorld::credentials("a@example.com", password), {}, once(name));
  };
  const std::string first =
      world.data(again(AccountWorld::password, "try-1"), 201).at("management_key");
  const auto id = world.account("a@example.com").id;
  world.clock.advance(5s);
  const auto second = world.data(again(AccountWorld::password, "try-1"), 201);
  CHECK(second["created_at"] == "2026-11-21T12:00:00.000Z");
  CHECK(world.account("a@example.com").id == id);
  CHECK(world.send("GET", "/auth/me", {}, std::string{second["management_key"]}).status == 200);
  CHECK(world.send("GET", "/auth/me", {}, first).status == 401);
  // Only with the same key and password, and not for ever.
  CHECK(again(AccountWorld::password, "try-2").status == 409);
  CHECK(again("Wrong1234", "try-1").status == 409);
  CHECK(world.send("POST", "/auth/register", AccountWorld::credentials("a@example.com")).status ==
        409);
  world.clock.advance(25h);
  CHECK(again(AccountWorld::password, "try-1").status == 409);
}

TEST_CASE("account/auth_routes: an operator may keep strangers out") {
  AccountWorld world{[](auto& options) { options.open_registration = false; }};
  CHECK(
      world.error(world.send("POST", "/auth/register", AccountWorld::credentials("a@example.com")),
                  403) == "REGISTRATION_CLOSED");
}
