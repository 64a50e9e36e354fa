// SPDX-License-Identifier: MIT
#include <credpool/account/api.hpp>

#include <account_world.hpp>

namespace cp = credpool;

namespace {

struct Bad {
  std::string method;
  std::string path;
  std::string body;
};

/// Bodies that are wrong for every route that reads one.
const std::vector<std::string> wrong_bodies = {
    "null",
    "[]",
    "1",
    "\"text\"",
    "{",
    "}",
    "{\"a\":1,\"a\":2}",
    "nul",
    "{\"a\":}",
    "\xff\xfe",
    "{\"a\":\"\xff\"}",
    std::string("{}\0", 3),
    std::string(200, '['),
    "{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}",
    "{\"a\":1e999}",
    "{} {}"};

}  // namespace

TEST_CASE("account/api: R1 whatever is wrong with a body or a query is a 400, never a 500") {
  AccountWorld world{[](auto& options) { options.mock_github = true; }};
  const auto key = world.register_as("a@example.com");
  const std::string hash =
      world.data(world.send("POST", "/keys", R"({"name":"k"})", key), 201).at("hash");
  std::vector<Bad> cases;
  for (const auto& [method, path] : {std::pair{"POST", "/auth/register"},
                                     {"POST", "/auth/login"},
                                     {"POST", "/auth/password"},
                                     {"DELETE", "/auth/me"},
                                     {"POST", "/keys"},
                                     {"PATCH", "/keys/HASH"},
                                     {"POST", "/credits/purchase"},
                                     {"PUT", "/credits/auto-topup"},
                                     {"POST", "/oauth/device/code"},
                                     {"POST", "/oauth/device/token"}})
    for (const auto& body : wrong_bodies) cases.push_back({method, path, body});

  const auto all_of = [&](const char* method, const char* path,
                          std::initializer_list<const char*> bodies) {
    for (const auto* body : bodies) cases.push_back({method, path, body});
  };
  for (const auto* path : {"/auth/register", "/auth/login"})
    all_of("POST", path,
           {"", "{}", R"({"email":"b@example.com"})", R"({"password":"Demo1234!"})",
            R"({"email":{"a":1},"password":"Demo1234!"})", R"({"email":"","password":"Demo1234!"})",
            R"({"email":"b@example.com","password":12345678})",
            R"({"email":["b@example.com"],"password":"Demo1234!"})",
            R"({"email":null,"password":null})"});
  all_of("POST", "/auth/register",
         {R"({"email":"notanemail","password":"Demo1234!"})",
          R"({"email":"b@example.com","password":"x"})",
          R"({"email":"b@example.com","password":"demo1234!"})",
          R"({"email":"b@example.com","password":"Demodemo!"})"});
  all_of("POST", "/auth/password",
         {"", R"({"current_password":"Demo1234!"})",
          R"({"current_password":"Demo1234!","new_password":"x"})",
          R"({"current_password":1,"new_password":"Other5678"})", R"({"new_password":"Other5678"})",
          R"({"current_password":"Demo1234!","new_password":"Other5678","revoke_others":1})"});
  all_of("DELETE", "/auth/me", {"", "{}", R"({"password":1})"});
  all_of("POST", "/keys",
         {"", "{}", R"({"name":""})", R"({"name":1})", R"({"name":"a b"})", R"({"name":"a,b"})",
          R"({"name":"a","credit_limit":"10"})", R"({"name":"a","credit_limit":-1})",
          R"({"name":"a","credit_limit":-0.5})", R"({"name":"a","credit_limit":[10]})",
          R"({"name":"a","credit_limit":1e300})", R"({"name":"a","credit_limit":0.0000001})",
          R"({"name":"a","credit_limit":true})", R"({"name":"a","limit_reset":"bogus"})",
          R"({"name":"a","limit_reset":1})", R"({"name":"a","expires_at":"tomorrow"})",
          R"({"name":"a","expires_at":1})", R"({"name":"a","expires_at":"2026-13-01"})",
          R"({"name":"a","disabled":"no"})"});
  cases.push_back({"POST", "/keys", R"({"name":")" + std::string(101, 'a') + "\"}"});
  all_of("PATCH", "/keys/HASH",
         {"", "{}", R"({"name":"b"})", R"({"credit_limit":"1"})", R"({"limit_reset":""})",
          R"({"disabled":null})", R"({"disabled":1})", R"({"expires_at":"x"})"});
  all_of("POST", "/credits/purchase",
         {"", "{}", R"({"amount":null})", R"({"amount":"10"})", R"({"amount":[10]})",
          R"({"amount":"abc"})", R"({"amount":4.99})", R"({"amount":4})", R"({"amount":0})",
          R"({"amount":-10})", R"({"amount":10000.01})", R"({"amount":1e12})",
          R"({"amount":10.001})", R"({"amount":5.0000000001})", R"({"amount":true})",
          R"({"amount":18446744073709551615})", R"({"amount":-9223372036854775808})",
          R"({"amount":99999999999999999999999})", R"({"amount":10,"save_payment_method":"x"})"});
  all_of(
      "PUT", "/credits/auto-topup",
      {"", "{}", R"({"enabled":"yes"})", R"({"threshold":0})", R"({"threshold":1001})",
       R"({"threshold":"5"})", R"({"amount":4})", R"({"amount":1000000})", R"({"amount":5.001})"});
  all_of("POST", "/oauth/device/code",
         {"", "{}", R"({"client_id":"other"})", R"({"client_id":1})"});
  all_of("POST", "/oauth/device/token",
         {"", "{}", R"({"device_code":"x"})", R"({"device_code":1})",
          R"({"device_code":"x","grant_type":"password"})"});
  for (const auto* path :
       {"/credits/history?limit=abc", "/credits/history?limit=-1", "/credits/history?limit=0",
        "/credits/history?limit=", "/credits/history?limit=1.5", "/credits/history?limit=%31%",
        "/credits/history?limit=1&limit=2", "/credits/history?offset=-1",
        "/credits/history?offset=x", "/keys?limit=x", "/keys?offset=1e3",
        "/keys?include_revoked=maybe", "/usage?from=yesterday", "/usage?to=2026-02-30",
        "/usage?from=2026-11-21&to=2026-11-20", "/usage?from=2020-01-01", "/usage?limit=x",
        "/usage/requests?limit=x", "/auth/keys?limit=0"})
    cases.push_back({"GET", path, ""});

  for (const auto& bad : cases) {
    for (const std::string prefix : {"", "/v1"}) {
      auto path = prefix + bad.path;
      if (const auto at = path.find("HASH"); at != std::string::npos) path.replace(at, 4, hash);
      CAPTURE(bad.method);
      CAPTURE(path);
      CAPTURE(bad.body);
      const auto answer = world.send(bad.method, path, bad.body, key);
      CHECK(answer.status == 400);
      const auto json = nlohmann::json::parse(answer.body);
      CHECK(json.contains("error"));
      // What was sent is not sent back: it may be a password.
      if (bad.body.size() > 20) CHECK(answer.body.find(bad.body) == std::string::npos);
      CHECK(answer.body.find("Demo1234") == std::string::npos);
    }
  }
  // All that was refused changed nothing.
  CHECK(world.get("/keys", key).at("total") == 1);
  CHECK(world.get("/credits", key).at("remaining") == 0);
  CHECK(world.get("/credits/auto-topup", key).at("enabled") == false);
}

TEST_CASE("account/api: amounts are read as numbers of whole cents") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  for (const auto* body : {R"({"amount":5})", R"({"amount":5.00})", R"({"amount":10.01})",
                           R"({"amount":5e0})", R"({"amount":10000})"}) {
    INFO(body);
    CHECK(world.send("POST", "/credits/purchase", body, key).status == 200);
  }
  CHECK(world.get("/credits", key).dump() ==
        R"({"total_credits":10025.01,"total_usage":0,"remaining":10025.01})");
}

TEST_CASE("account/api: a query that is over-long or odd is no harm") {
  AccountWorld world;
  const auto key = world.register_as("a@example.com");
  CHECK(world.get("/credits/history?limit=99999999999999999999999", key).at("limit") == 1000);
  CHECK(world.get("/credits/history?&&&=&x", key).at("limit") == 20);
  CHECK(world.get("/credits/history?limit=5&other=%zz", key).at("limit") == 5);
  // An unknown type has no transactions, as at the first server.
  CHECK(world.get("/credits/history?type=bogus", key).at("total") == 0);
}
