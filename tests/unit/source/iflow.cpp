// SPDX-License-Identifier: MIT
#include <credpool/source/iflow.hpp>

#include "discovered.hpp"

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".iflow/oauth_creds.json";
constexpr auto O9 =
    R"({"access_token":"at-FAKE","refresh_token":"rt-FAKE","expiry_date":4102444800000,"apiKey":"sk-FAKE"})";

}  // namespace

TEST_CASE("source/iflow: O9 a login and the key it fetched") {
  const ThrowawayHome home;
  home.write(store, O9);
  home.write(".iflow/iflow_accounts.json", R"({"iflowApiKey":"sk-FAKE"})");
  const auto found = discovered<cp::Iflow>(home.environment());
  REQUIRE(found.size() == 2);
  CHECK(found[0].kind == cp::Kind::oauth);
  CHECK(found[0].secret.reveal() == "at-FAKE");
  CHECK(found[0].expires_at == far);
  CHECK(found[1].kind == cp::Kind::api_key);
  CHECK(found[1].secret.reveal() == "sk-FAKE");
  CHECK(found[1].places.size() == 2);
  CHECK(found[1].usable_at(now));
}

TEST_CASE("source/iflow: settings with comments and an address") {
  const ThrowawayHome home;
  home.write(".iflow/settings.json",
             "// mine\n{\"apiKey\": \"sk-FAKE\", \"baseUrl\": \"https://api.iflow.cn/v1\"}");
  const auto credential = only_discovered<cp::Iflow>(home.environment());
  CHECK(credential.base_url == "https://api.iflow.cn/v1");
  home.write(".iflow/settings.json", R"({"theme": "dark"})");
  CHECK(discovered<cp::Iflow>(home.environment()).empty());
}

TEST_CASE("source/iflow: broken stores") {
  check_broken_json_store<cp::Iflow>(store, O9);
  check_broken_json_store<cp::Iflow>(".iflow/iflow_accounts.json", R"({"iflowApiKey":"sk-FAKE"})");
}

TEST_CASE("source/iflow: a bad time, no tokens, a bad key") {
  const ThrowawayHome home;
  home.write(store, R"({"access_token":"at-FAKE","refresh_token":"rt","expiry_date":"NaN"})");
  CHECK(only_discovered<cp::Iflow>(home.environment()).reason == cp::Reason::expiry_unknown);
  home.write(store, R"({"access_token":"at-FAKE"})");
  CHECK(only_discovered<cp::Iflow>(home.environment()).reason == cp::Reason::expiry_unknown);
  home.write(store, R"({"apiKey":"FAKE\nX"})");
  const auto found = discovered<cp::Iflow>(home.environment());
  REQUIRE(found.size() == 2);
  CHECK(found[0].reason == cp::Reason::malformed);
  CHECK(found[1].reason == cp::Reason::unsafe_token);
}
