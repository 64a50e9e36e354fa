// SPDX-License-Identifier: MIT
#include <credpool/account/api.hpp>

#include <account_world.hpp>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

struct DeviceWorld : AccountWorld {
  DeviceWorld() : AccountWorld{with_github} {}

  Json begin() {
    return data(send("POST", "/v1/oauth/device/code", R"({"client_id":"openclaw-cli"})"));
  }
  cp::Response poll(const Json& code, std::string_view path = "/v1/oauth/device/token") {
    return send("POST", path,
                Json{{"device_code", code.at("device_code")},
                     {"grant_type", "urn:ietf:params:oauth:grant-type:device_code"}}
                    .dump());
  }
  /// A device login up to its token, by a person who agrees.
  std::string token_of(const PlayedGitHub::Person& person) {
    const auto code = begin();
    github.agreed[code.at("device_code")] = person;
    return data(poll(code)).at("access_token");
  }
  cp::Response finish(std::string_view token) {
    return send("GET", "/v1/oauth/userinfo", {}, token);
  }
};

}  // namespace

TEST_CASE("account/device_routes: S3 a login from code to management key") {
  DeviceWorld world;
  const auto code = world.begin();
  CHECK(code.dump() == R"({"device_code":"device-1","user_code":"ABCD-EFGH",)"
                       R"("verification_uri":"https://github.example/login/device",)"
                       R"("interval":5,"expires_in":900})");
  CHECK(form_value(world.github.requests.back().body, "client_id") == "Iv1.fake");
  CHECK(form_value(world.github.requests.back().body, "scope") == "read:user user:email");
  CHECK(world.error(world.poll(code), 400) == "authorization_pending");
  world.github.agreed["device-1"] = {};
  const auto token = world.data(world.poll(code));
  CHECK(token["token_type"] == "bearer");
  const auto info = world.data(world.finish(token["access_token"].get<std::string>()));
  const std::string key = info["management_key"];
  CHECK(info.dump() == R"({"management_key":")" + key +
                           R"(","email":"octo@example.com","name":"Octo Cat",)"
                           R"("avatar_url":"https://avatars.example/1","merged":false})");
  CHECK(world.get("/auth/me", key)["email"] == "octo@example.com");
  CHECK(world.account("octo@example.com").github_id == 7);

  // The next time it is the same account, even under another e-mail.
  const auto id = world.account("octo@example.com").id;
  const auto again = world.data(world.finish(world.token_of({7, "new@example.com", true})));
  CHECK(again["email"] == "octo@example.com");
  CHECK(again["merged"] == false);
  CHECK(world.account("octo@example.com").id == id);
}

TEST_CASE("account/device_routes: S3 errors are flat at the root, enveloped under /v1") {
  DeviceWorld world;
  const auto code = world.begin();
  CHECK(
      world.poll(code, "/oauth/device/token").body ==
      R"({"error":"authorization_pending","error_description":"The person has not agreed yet."})");
  CHECK(world.poll(code).body == R"({"error":{"code":"authorization_pending",)"
                                 R"("message":"The person has not agreed yet."}})");
  for (const auto& [said, ours] : {std::pair{"slow_down", "slow_down"},
                                   {"expired_token", "expired_token"},
                                   {"access_denied", "access_denied"},
                                   {"incorrect_device_code", "bad_device_code"},
                                   {"<script>", "bad_device_code"}}) {
    world.github.error = said;
    CHECK(world.error(world.poll(code), 400) == ours);
    CHECK(nlohmann::json::parse(world.poll(code, "/oauth/device/token").body)["error"] == ours);
  }
  world.github.error = "slow_down";
  CHECK(nlohmann::json::parse(world.poll(code, "/oauth/device/token").body)["interval"] == 10);
  CHECK(nlohmann::json::parse(world.poll(code).body)["error"]["interval"] == 10);
}

TEST_CASE(
    "account/device_routes: S1 a token gives the login of its own device, and nobody else's") {
  DeviceWorld world;
  const auto victim_token = world.token_of({7, "victim@example.com", true});
  const std::string victim = world.data(world.finish(victim_token)).at("management_key");
  // At the first server any account's key gave the newest GitHub session's management key.
  const auto attacker = world.register_as("attacker@example.com");
  CHECK(world.error(world.finish(attacker), 401) == "UNAUTHORIZED");
  const auto pending = world.begin();
  const std::string pending_code = pending["device_code"];
  for (const std::string& guess :
       {std::string{}, std::string{"x"}, pending_code, std::string{"oct_"},
        std::string{"gho_fake_of_device-1"}, cp::to_hex(cp::sha256(victim_token))}) {
    const auto answer = world.finish(guess);
    CHECK(world.error(answer, 401) == "UNAUTHORIZED");
    CHECK(answer.body.find("sk-mgmt") == std::string::npos);
  }
  const auto own = world.data(world.finish(world.token_of({8, "other@example.net", true})));
  CHECK(own["email"] == "other@example.net");
  CHECK(world.get("/auth/me", victim)["email"] == "victim@example.com");
}

TEST_CASE("account/device_routes: S2 an e-mail that GitHub has not verified opens nothing") {
  DeviceWorld world;
  const auto owner = world.register_as("owner@example.com");
  CHECK(world.error(world.finish(world.token_of({7, "owner@example.com", false})), 400) ==
        "EMAIL_REQUIRED");
  CHECK(world.send("GET", "/auth/me", {}, owner).status == 200);
  CHECK_FALSE(world.account("owner@example.com").github_id);
  CHECK(world.error(world.finish(world.token_of({7, "not an e-mail", true})), 400) ==
        "EMAIL_REQUIRED");
}

TEST_CASE("account/device_routes: a verified e-mail joins its account, and ends what others knew") {
  DeviceWorld world;
  // Somebody registers an e-mail that is not theirs, and waits.
  const auto squatter = world.register_as("octo@example.com");
  const std::string hash =
      world.data(world.send("POST", "/keys", R"({"name":"k"})", squatter), 201).at("hash");
  const auto id = world.account("octo@example.com").id;
  const auto info = world.data(world.finish(world.token_of({})));
  CHECK(info["merged"] == true);
  CHECK(world.account("octo@example.com").id == id);
  const std::string key = info["management_key"];
  CHECK(world.send("GET", "/auth/me", {}, squatter).status == 401);
  CHECK(world.send("POST", "/auth/login", AccountWorld::credentials("octo@example.com")).status ==
        401);
  CHECK(world.get("/keys/" + hash, key)["disabled"] == true);
}

TEST_CASE(
    "account/device_routes: keys of an account that has paid go on working when it is joined") {
  DeviceWorld world;
  const auto owner = world.register_as("octo@example.com");
  const std::string hash =
      world.data(world.send("POST", "/keys", R"({"name":"k"})", owner), 201).at("hash");
  world.data(world.send("POST", "/credits/purchase", R"({"amount":10})", owner));
  const std::string key = world.data(world.finish(world.token_of({}))).at("management_key");
  CHECK(world.get("/keys/" + hash, key)["disabled"] == false);
  CHECK(world.get("/credits", key)["remaining"] == 10);
}

TEST_CASE("account/device_routes: an e-mail that moved to another GitHub user joins nothing") {
  DeviceWorld world;
  world.data(world.finish(world.token_of({7, "octo@example.com", true})));
  CHECK(world.error(world.finish(world.token_of({8, "octo@example.com", true})), 409) ==
        "CONFLICT");
  CHECK(world.account("octo@example.com").github_id == 7);
}

TEST_CASE("account/device_routes: S4 nothing of GitHub's secrets is kept") {
  DeviceWorld world;
  const auto token = world.token_of({});
  const auto kept = world.store.document();
  CHECK(kept.find("gho_fake") == std::string::npos);
  CHECK(kept.find("device-1") == std::string::npos);
  CHECK(kept.find(token.substr(4)) == std::string::npos);
}

TEST_CASE("account/device_routes: answers that are lost can be asked for again, for a while") {
  DeviceWorld world;
  const auto code = world.begin();
  world.github.agreed["device-1"] = {};
  const std::string lost = world.data(world.poll(code)).at("access_token");
  const std::string token = world.data(world.poll(code)).at("access_token");
  CHECK(world.finish(lost).status == 401);
  const std::string first = world.data(world.finish(token)).at("management_key");
  const std::string second = world.data(world.finish(token)).at("management_key");
  CHECK(world.send("GET", "/auth/me", {}, first).status == 401);
  CHECK(world.send("GET", "/auth/me", {}, second).status == 200);
  // Once exchanged, the code is used up; in the end so is the token.
  CHECK(world.error(world.poll(code), 400) == "bad_device_code");
  world.clock.advance(10min);
  CHECK(world.finish(token).status == 401);
}

TEST_CASE("account/device_routes: a code ends, and unknown ones are not asked for") {
  DeviceWorld world;
  const auto code = world.begin();
  const auto asked = world.github.requests.size();
  CHECK(world.error(world.poll({{"device_code", "device-99"}}), 400) == "bad_device_code");
  world.clock.advance(15min);
  CHECK(world.error(world.poll(code), 400) == "expired_token");
  CHECK(world.github.requests.size() == asked);
  REQUIRE(world.api->forget_ended());
  world.clock.advance(1s);
  REQUIRE(world.api->forget_ended());
  CHECK(world.error(world.poll(code), 400) == "bad_device_code");
}

TEST_CASE("account/device_routes: S7 GitHub out of reach is a 502 that names nothing inside") {
  DeviceWorld world;
  const auto code = world.begin();
  world.github.down = true;
  for (const auto& answer :
       {world.send("POST", "/oauth/device/code", R"({"client_id":"openclaw-cli"})"),
        world.poll(code)}) {
    CHECK(world.error(answer, 502) == "GITHUB_UNAVAILABLE");
    CHECK(answer.body.find("github.example") == std::string::npos);
  }
  world.github.down = false;
  CHECK(world.error(world.poll(code), 400) == "authorization_pending");
}

TEST_CASE("account/device_routes: GitHub's own client id is taken as well, others are not") {
  DeviceWorld world;
  CHECK(world.send("POST", "/oauth/device/code", R"({"client_id":"Iv1.fake"})").status == 200);
  CHECK(world.error(world.send("POST", "/oauth/device/code", R"({"client_id":"Iv1.other"})"),
                    400) == "INVALID_INPUT");
}

TEST_CASE("account/device_routes: an account without a password is deleted by its e-mail") {
  DeviceWorld world;
  const std::string key = world.data(world.finish(world.token_of({}))).at("management_key");
  CHECK(world.error(world.send("DELETE", "/auth/me", R"({"email":"x@example.com"})", key), 403) ==
        "INVALID_CREDENTIALS");
  CHECK(world.send("POST", "/auth/login", AccountWorld::credentials("octo@example.com", "x"))
            .status == 401);
  CHECK(world.send("DELETE", "/auth/me", R"({"email":"Octo@example.com"})", key).status == 200);
}

TEST_CASE("account/device_routes: an account without a password gets its first one") {
  DeviceWorld world;
  const std::string key = world.data(world.finish(world.token_of({}))).at("management_key");
  CHECK(world.send("POST", "/auth/password", R"({"new_password":"Other5678"})", key).status == 400);
  CHECK(world
            .send("POST", "/auth/password",
                  R"({"email":"octo@example.com","new_password":"Other5678"})", key)
            .status == 200);
  CHECK(
      world.send("POST", "/auth/login", AccountWorld::credentials("octo@example.com", "Other5678"))
          .status == 200);
}

TEST_CASE("account/device_routes: strangers stay out of a closed server, its people come in") {
  AccountWorld::Json code;
  DeviceWorld world;
  world.data(world.finish(world.token_of({})));
  cp::AccountApiOptions options;
  options.store = &world.store;
  options.passwords = &world.passwords;
  options.now = [&] { return world.clock.now(); };
  options.send = [&](const cp::Request& request) { return world.github.answer(request); };
  options.open_registration = false;
  AccountWorld::with_github(options);
  world.api.emplace(std::move(options));
  CHECK(world.error(world.finish(world.token_of({9, "new@example.com", true})), 403) ==
        "REGISTRATION_CLOSED");
  CHECK(world.finish(world.token_of({})).status == 200);
}

TEST_CASE("account/device_routes: the mock's person agrees after three seconds") {
  AccountWorld world{[](auto& options) { options.mock_github = true; }};
  const auto code =
      world.data(world.send("POST", "/oauth/device/code", R"({"client_id":"openclaw-cli"})"));
  CHECK(code["interval"] == 5);
  CHECK(code["expires_in"] == 900);
  CHECK(code["user_code"].get<std::string>().size() == 9);
  const auto body = AccountWorld::Json{{"device_code", code["device_code"]}}.dump();
  CHECK(world.error(world.send("POST", "/v1/oauth/device/token", body), 400) ==
        "authorization_pending");
  world.clock.advance(3s);
  const std::string token =
      world.data(world.send("POST", "/v1/oauth/device/token", body)).at("access_token");
  const auto info = world.get("/oauth/userinfo", token);
  CHECK(info["email"] == "github-user@example.com");
  CHECK(info["merged"] == false);
}

TEST_CASE("account/device_routes: without GitHub there is no device login") {
  AccountWorld world;
  CHECK(world.error(world.send("POST", "/oauth/device/code", R"({"client_id":"openclaw-cli"})"),
                    403) == "GITHUB_DISABLED");
}
