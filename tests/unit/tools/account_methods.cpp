// SPDX-License-Identifier: MIT
#include "../../../tools/gateway/account_methods.hpp"

#include <account_world.hpp>

#include <credpool/core/iso8601.hpp>

namespace cli = credpool_cli;
namespace cp = credpool;

namespace {

using Json = nlohmann::ordered_json;

/// The methods over a world of accounts with one person.
struct MethodWorld : AccountWorld {
  MethodWorld() {
    register_as("ann@example.com");
    id = account("ann@example.com").id;
    cli::add_account_methods(
        dispatcher, cli::AccountsView{
                        *api, store, [this](std::string_view hash) { changed.emplace_back(hash); },
                        [this] { return clock.now(); }, "given away", "Europe/Berlin"});
  }
  Json call(const std::string& method, const Json& params = Json::object(),
            cp::Scopes scopes = cp::Scopes::all()) const {
    const Json request{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}};
    return Json::parse(dispatcher.handle(request.dump(), {.scopes = scopes, .name = "test"}));
  }
  Json result(const std::string& method, const Json& params = Json::object()) const {
    const auto answer = call(method, params);
    INFO(answer.dump());
    REQUIRE(answer.contains("result"));
    return answer["result"];
  }
  std::string error(const std::string& method, const Json& params) const {
    const auto answer = call(method, params);
    INFO(answer.dump());
    REQUIRE(answer.contains("error"));
    return answer["error"].value("data", Json::object()).value("code", "");
  }

  cp::RpcDispatcher dispatcher;
  std::string id;
  std::vector<std::string> changed;
};

}  // namespace

TEST_CASE("tools/account_methods: what a server without accounts says") {
  cp::RpcDispatcher dispatcher;
  cli::add_account_methods(dispatcher, std::nullopt);
  const auto call = [&](const std::string& method, const std::string& params) {
    return Json::parse(dispatcher.handle(
        R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}",
        {.scopes = cp::Scopes::all(), .name = "test"}));
  };
  const auto status = call("accounts.status", "{}")["result"];
  CHECK(status["enabled"] == false);
  CHECK(status["hint"].get<std::string>().find("--open") != std::string::npos);
  for (const auto& [method, params] : {std::pair{"accounts.list", "{}"},
                                       {"keys.list", R"({"account":"a"})"},
                                       {"credits.grant", R"({"account":"a","amount":1})"}})
    CHECK(call(method, params)["error"]["data"]["code"] == "unsupported");
}

TEST_CASE("tools/account_methods: who may call") {
  const MethodWorld world;
  cp::Scopes read;
  read.add(cp::Scope::read);
  CHECK(world.call("accounts.status", Json::object(), read)["result"]["enabled"] == true);
  for (const auto* method :
       {"accounts.list", "accounts.usage", "keys.list", "keys.create", "keys.update", "keys.rotate",
        "keys.revoke", "credits.grant", "credits.history"})
    CHECK(world.call(method, {{"account", world.id}}, read)["error"]["code"] == -32001);
}

TEST_CASE("tools/account_methods: accounts, found by a part of their e-mail") {
  MethodWorld world;
  for (int i = 0; i < 4; ++i) world.register_as("u" + std::to_string(i) + "@example.com");
  const auto status = world.result("accounts.status");
  CHECK(status["payment"] == "given away");
  CHECK(status["timeZone"] == "Europe/Berlin");
  world.result("credits.grant", {{"account", world.id}, {"amount", "12.5"}, {"note", "welcome"}});
  const auto all = world.result("accounts.list", {{"limit", 2}});
  CHECK(all["total"] == 5);
  CHECK(all["accounts"].size() == 2);
  const auto found = world.result("accounts.list", {{"text", "ANN"}});
  REQUIRE(found["accounts"].size() == 1);
  CHECK(found["total"] == 1);
  const auto& ann = found["accounts"][0];
  CHECK(ann["id"] == world.id);
  CHECK(ann["credits"] == "12.5");  // exact, as text
  CHECK(ann["usage"] == "0");
  CHECK(ann["reserved"] == "0");
  CHECK(ann["remaining"] == "12.5");
  CHECK(world.result("accounts.list", {{"text", "u"}, {"limit", 1}, {"offset", 3}})["accounts"]
            .size() == 1);
}

TEST_CASE("tools/account_methods: keys are made and changed by the accounts' own rules") {
  MethodWorld world;
  const Json ann{{"account", "Ann@Example.com"}};  // or by its e-mail
  const auto with = [&](Json more) {
    more.update(ann);
    return more;
  };
  const auto made = world.result("keys.create", with({{"name", "k"}, {"credit_limit", 5}}));
  const auto value = made["key"].get<std::string>();
  CHECK(value.starts_with("sk-prov-"));
  CHECK(made["credit_limit"] == 5);
  CHECK(world.changed.empty());
  CHECK(world.error("keys.create", with({{"name", "k"}})) == "conflict");
  CHECK(world.error("keys.create", with({{"name", "a b"}})) == "invalid_argument");

  const auto hash = made["hash"].get<std::string>();
  const auto listed = world.result("keys.list", with({{"limit", 10}, {"include_revoked", false}}));
  CHECK(listed["total"] == 1);
  CHECK_FALSE(listed["items"][0].contains("key"));

  const auto updated = world.result(
      "keys.update", with({{"hash", hash}, {"disabled", true}, {"credit_limit", nullptr}}));
  CHECK(updated["disabled"] == true);
  CHECK(updated["credit_limit"] == nullptr);
  CHECK(world.error("keys.update", with({{"hash", hash}})) == "invalid_argument");
  const auto rotated = world.result("keys.rotate", with({{"hash", hash}}));
  CHECK(rotated["hash"] == hash);
  CHECK(rotated["key"] != value);
  CHECK(world.result("keys.revoke", with({{"hash", hash}}))["revoked"] == true);
  CHECK(world.error("keys.revoke", with({{"hash", hash}})) == "conflict");
  CHECK(world.result("keys.list", with({{"include_revoked", true}}))["total"] == 1);
  // The ledger is told each time.
  CHECK(world.changed == std::vector<std::string>(5, hash));

  for (const auto* wrong : {"", "0123456789abcdef", "../auth/rotate", "0123456789abcdef/rotate"})
    CHECK(world.error("keys.revoke", with({{"hash", wrong}})) == "not_found");
  CHECK(world.error("keys.list", {{"account", "nobody"}}) == "not_found");
  CHECK(world.error("keys.list", {{"account", "nobody@example.com"}}) == "not_found");
}

TEST_CASE("tools/account_methods: credits and what was used of them") {
  MethodWorld world;
  const auto granted =
      world.result("credits.grant", {{"account", world.id}, {"amount", 0.1}, {"note", "a gift"}});
  CHECK(granted["amount"] == "0.1");
  CHECK(granted["remaining"] == "0.1");
  for (const auto& amount : {Json(0), Json("-1"), Json(-1), Json("1e3"), Json("0.0000001")})
    CHECK(world.error("credits.grant", {{"account", world.id}, {"amount", amount}}) ==
          "invalid_argument");
  const auto history =
      world.result("credits.history", {{"account", world.id}, {"limit", 1}, {"offset", 0}});
  CHECK(history["total"] == 1);
  CHECK(history["items"][0]["description"] == "a gift");
  CHECK(history["items"][0]["amount"] == 0.1);

  const auto made = world.result("keys.create", {{"account", world.id}, {"name", "k"}});
  cp::UsageRow row;
  row.account = world.id;
  row.key_hash = made["hash"].get<std::string>();
  row.model = "m";
  row.input_tokens = 7;
  row.output_tokens = 2;
  row.cost = cp::Money{1};
  row.at = world.clock.now();
  cp::Settlement settlement;
  settlement.key_hash = row.key_hash;
  settlement.account = row.account;
  settlement.spent = row.cost;
  settlement.usage = row;
  settlement.day = cp::format_iso8601(row.at).substr(0, 10);
  REQUIRE(world.store.settle(std::vector{settlement}, ""));
  const auto days = world.result("accounts.usage", {{"account", world.id}})["days"];
  REQUIRE(days.size() == 1);
  CHECK(days[0] == Json{{"key", row.key_hash},
                        {"keyName", "k"},
                        {"model", "m"},
                        {"day", settlement.day},
                        {"requests", 1},
                        {"inputTokens", 7},
                        {"outputTokens", 2},
                        {"cost", "0.000001"}});
  CHECK(world.result("accounts.usage", {{"account", world.id}, {"to", "2001-01-01"}})["days"]
            .empty());
  CHECK(world.error("accounts.usage", {{"account", world.id}, {"from", "yesterday&limit=1"}}) ==
        "invalid_argument");
}

TEST_CASE("tools/account_methods: an operator's calls reach nothing that is the owner's alone") {
  MethodWorld world;
  for (const auto* path : {"/auth/me", "/auth/rotate", "/auth/keys", "/credits/purchase",
                           "/credits/auto-topup", "/webhooks/stripe", "/oauth/userinfo", "/none"}) {
    cp::ApiRequest request;
    request.method = "POST";
    request.path = path;
    CHECK(world.api->handle_for(world.id, request).status == 404);
  }
  cp::ApiRequest request;
  request.method = "GET";
  request.path = "/v1/credits";
  CHECK(world.api->handle_for(world.id, request).status == 200);
  CHECK(world.api->handle_for("nobody", request).status == 404);
  CHECK(world.api->handle(request).status == 401);
}
