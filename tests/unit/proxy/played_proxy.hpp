#pragma once
// SPDX-License-Identifier: MIT

// A proxy between a played peer and a played upstream.

#include <credpool/pool/pool.hpp>
#include <credpool/proxy/proxy.hpp>
#include <credpool/rotation/round_robin.hpp>
#include <credpool/server/fake.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cp = credpool;

namespace played {

inline constexpr std::string_view key = "cp-static-key-of-the-test";

/// Gives a login that was refused another token, as often as it may.
struct PlayedRefresh {
  static constexpr std::string_view name = "played";
  static constexpr bool interactive = false;
  std::shared_ptr<int> left = std::make_shared<int>(0);

  bool can_refresh(const cp::Credential&) const { return true; }
  cp::Result<cp::Credential> refresh(const cp::Credential& credential, const cp::RefreshContext&) {
    if ((*left)-- <= 0) return cp::fail(cp::Errc::login_needed, "refreshing a login");
    auto fresh = credential;
    fresh.secret = cp::Secret{"fresh-token-0123456789"};
    fresh.status = cp::Status::active;
    return fresh;
  }
};

inline cp::Credential openai_key(const std::string& name) {
  auto credential = cp::Credential::api_key("env", "openai", cp::Secret{"sk-secret-key-" + name});
  credential.profile_id = "openai:" + name;
  credential.places.push_back({"env:" + name, {}});
  return credential;
}

inline cp::Credential kimi_login() {
  auto credential = cp::Credential::login("kimi-cli", "kimi-code", "store");
  credential.profile_id = "kimi-code:default";
  credential.kind = cp::Kind::oauth;
  credential.secret = cp::Secret{"stale-token-0123456789"};
  credential.refresh_token = cp::Secret{"refresh-token-0123456789"};
  credential.places.push_back({"/home/u/.kimi", {}});
  return credential;
}

/// A proxy between a played peer and a played upstream.
struct World {
  using Pool = cp::Pool<cp::Sources<>, cp::RoundRobin, PlayedRefresh>;

  explicit World(std::vector<cp::Credential> credentials, cp::Settings given = {},
                 std::shared_ptr<cp::ProxyGate> gate = {})
      : settings{std::move(given)} {
    settings.policy["kimi-code"] = cp::ProviderUse::allow;
    REQUIRE(pool.replace_credentials(std::move(credentials)));
    lender = std::make_shared<cp::PoolLender<Pool>>(pool);
    cp::ProxyOptions options;
    options.lender = lender;
    options.gate = gate ? gate : std::make_shared<cp::StaticKeyGate>(cp::Secret{key});
    options.upstream = &upstream;
    options.fetch = [](const cp::Request&) {
      return cp::Response{.status = 200, .headers = {}, .body = R"({"data":[{"id":"gpt-one"}]})"};
    };
    options.on_access = [this](const cp::AccessRecord& record) { log.push_back(record); };
    proxy = std::make_shared<cp::Proxy>(std::move(options));
    proxy->use(std::make_shared<const cp::ProxyCatalog>(settings, pool.credentials()));
    REQUIRE(server.listen({}, proxy));
    REQUIRE(server.start());
  }

  std::shared_ptr<cp::FakeExchange> chat(const std::string& more = "",
                                         std::string model = "gpt-x") {
    return ask(
        "/v1/chat/completions",
        R"({"model":")" + model + R"(","messages":[{"role":"user","content":"hi"}])" + more + "}");
  }
  std::shared_ptr<cp::FakeExchange> ask(
      const std::string& path, std::string body,
      std::vector<std::pair<std::string, std::string>> more = {}) {
    std::vector<std::pair<std::string, std::string>> headers{
        {"host", "localhost"},
        {"authorization", "Bearer " + std::string{key}},
        {"content-type", "application/json"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return server.request({.target = path, .headers = std::move(headers), .body = std::move(body)});
  }

  std::shared_ptr<int> refreshes = std::make_shared<int>(0);
  cp::Settings settings;
  Pool pool{cp::Sources<>{}, cp::RoundRobin{}, PlayedRefresh{refreshes}};
  std::shared_ptr<cp::PoolLender<Pool>> lender;
  cp::FakeUpstream upstream;
  cp::FakeServer server;
  std::vector<cp::AccessRecord> log;
  std::shared_ptr<cp::Proxy> proxy;
};

inline const std::vector<std::pair<std::string, std::string>> json{
    {"content-type", "application/json"}};
inline const std::vector<std::pair<std::string, std::string>> events{
    {"content-type", "text/event-stream"}};
inline constexpr const char* limited =
    R"({"error":{"type":"requests","code":"rate_limit_exceeded","message":"slow down"}})";

}  // namespace played
