// SPDX-License-Identifier: MIT
#include <credpool/source/kimi_code.hpp>

#include <credpool/source/kimi_cli.hpp>
#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <string_view>

namespace cp = credpool;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr cp::TimePoint now{milliseconds{1795000000000}};  // 2026-11-18
constexpr auto store = ".kimi-code/credentials/kimi-code.json";
constexpr auto global_store = ".kimi-code/credentials/kimi-code-env-0e4f99c69cc27850.json";
constexpr auto config = ".kimi-code/config.toml";

std::vector<cp::Credential> found(const ThrowawayHome& home,
                                  std::map<std::string, std::string, std::less<>> variables = {}) {
  auto result = cp::KimiCode{}.discover(home.environment(std::move(variables)));
  REQUIRE(result);
  return *result;
}

cp::Credential only(const ThrowawayHome& home,
                    std::map<std::string, std::string, std::less<>> variables = {}) {
  auto credentials = found(home, std::move(variables));
  REQUIRE(credentials.size() == 1);
  return credentials.front();
}

std::string login(std::string_view expires_at, std::string_view access = "at-fake",
                  std::string_view refresh = "rt-fake") {
  return "{\n  \"access_token\": \"" + std::string{access} + "\",\n  \"refresh_token\": \"" +
         std::string{refresh} + "\",\n  \"expires_at\": " + std::string{expires_at} +
         ",\n  \"scope\": \"kimi-code\",\n  \"token_type\": \"Bearer\",\n  \"expires_in\": "
         "900\n}\n";
}

std::string reference(std::string_view key, std::string_view host, std::string_view base) {
  return "[providers.\"managed:kimi-code\"]\ntype = \"kimi\"\nbase_url = \"" + std::string{base} +
         "\"\napi_key = \"\"\n[providers.\"managed:kimi-code\".oauth]\nstorage = \"file\"\nkey = "
         "\"" +
         std::string{key} + "\"\noauth_host = \"" + std::string{host} + "\"\n";
}

}  // namespace

TEST_CASE("source/kimi_code: M1 a valid login knows its servers") {
  const ThrowawayHome home;
  home.write(store, login("4102444800"));
  const auto credential = only(home);
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK(credential.cli == "kimi-code");
  CHECK(credential.provider == "kimi-code");
  CHECK(credential.profile_id == "kimi-code:default");
  CHECK(credential.ownership == cp::Ownership::co_own);
  CHECK(credential.expires_at == cp::TimePoint{seconds{4102444800}});
  CHECK(credential.refresh_at == cp::TimePoint{seconds{4102444800 - 450}});
  CHECK(credential.oauth_host == "https://auth.kimi.com");
  CHECK(credential.base_url == "https://api.kimi.com/coding/v1");
}

TEST_CASE("source/kimi_code: M2 the slot of the servers outside mainland China") {
  const ThrowawayHome home;
  home.write(global_store, login("4102444800"));
  SUBCASE("named in config.toml") {
    home.write(config, reference("oauth/kimi-code-env-0e4f99c69cc27850", "https://auth.kimi.ai",
                                 "https://api.kimi.ai/coding/v1"));
  }
  SUBCASE("named nowhere") {}
  const auto credential = only(home);
  CHECK(credential.usable_at(now));
  CHECK(credential.oauth_host == "https://auth.kimi.ai");
  CHECK(credential.base_url == "https://api.kimi.ai/coding/v1");
}

TEST_CASE("source/kimi_code: M3 the slot of a pair of servers, four known answers") {
  const auto slot = [](std::string_view host, std::string_view base) {
    return cp::kimi_code_slot(host, base);
  };
  CHECK(slot("https://auth.kimi.com", "https://api.kimi.com/coding/v1") == "kimi-code");
  CHECK(slot("https://auth.kimi.com/", "https://api.kimi.com/coding/v1//") == "kimi-code");
  CHECK(slot("http://127.0.0.1:9901", "http://127.0.0.1:9901/coding/v1") ==
        "kimi-code-env-657f7f111e019602");
  CHECK(slot("http://127.0.0.1:9904/", "http://127.0.0.1:9904/coding/v1/") ==
        "kimi-code-env-210bc1f9d53a3910");
  CHECK(slot("https://auth.kimi.ai", "https://api.kimi.ai/coding/v1") ==
        "kimi-code-env-0e4f99c69cc27850");
}

TEST_CASE("source/kimi_code: M4 the computed slot wins over the key in config.toml") {
  const ThrowawayHome home;
  home.write(config, reference("oauth/kimi-code-env-0000000000000000", "https://auth.kimi.com",
                               "https://api.kimi.com/coding/v1"));
  SUBCASE("its file is there") {
    home.write(store, login("4102444800"));
    const auto credential = only(home);
    CHECK(credential.usable_at(now));
    CHECK(credential.oauth_host == "https://auth.kimi.com");
  }
  SUBCASE("only the file of the key is there") {
    home.write(".kimi-code/credentials/kimi-code-env-0000000000000000.json", login("4102444800"));
    const auto credentials = found(home);
    REQUIRE(credentials.size() == 2);
    // Nobody knows its servers, so its tokens must go nowhere.
    CHECK(credentials[0].reason_at(now) == cp::Reason::missing_variable);
    CHECK(credentials[0].ownership == cp::Ownership::borrow);
    CHECK_FALSE(credentials[0].usable_at(now));
    CHECK(credentials[1].reason_at(now) == cp::Reason::signed_out);
    CHECK(credentials[1].places.front().location.ends_with("config.toml"));
  }
}

TEST_CASE("source/kimi_code: the environment names the servers of a slot") {
  const ThrowawayHome home;
  home.write(".kimi-code/credentials/kimi-code-env-657f7f111e019602.json", login("4102444800"));
  CHECK(only(home).reason_at(now) == cp::Reason::missing_variable);
  const auto credential = only(home, {{"KIMI_CODE_OAUTH_HOST", "http://127.0.0.1:9901"},
                                      {"KIMI_CODE_BASE_URL", "http://127.0.0.1:9901/coding/v1/"}});
  CHECK(credential.usable_at(now));
  CHECK(credential.oauth_host == "http://127.0.0.1:9901");
  CHECK(credential.base_url == "http://127.0.0.1:9901/coding/v1");
}

TEST_CASE("source/kimi_code: M5 the compact file of kimi-cli is valid too") {
  const ThrowawayHome home;
  home.write(
      store,
      R"({"access_token": "at-fake", "refresh_token": "rt-fake", "expires_at": 4102444800.5})");
  CHECK(only(home).expires_at == cp::TimePoint{milliseconds{4102444800500}});
}

TEST_CASE("source/kimi_code: M6 without a time the token is used and never refreshed") {
  for (const std::string_view expiry :
       {R"("soon")", R"("4102444800")", "0", "-1", "null", "true"}) {
    CAPTURE(expiry);
    const ThrowawayHome home;
    home.write(store, login(expiry));
    const auto credential = only(home);
    CHECK(credential.reason_at(now) == cp::Reason::expiry_unknown);
    CHECK(credential.usable_at(now));
    CHECK_FALSE(credential.refresh_at);
  }
}

TEST_CASE("source/kimi_code: M7 milliseconds are repaired") {
  const ThrowawayHome home;
  home.write(store, login("4102444800000"));
  CHECK(only(home).expires_at == cp::TimePoint{seconds{4102444800}});
}

TEST_CASE("source/kimi_code: M8 a tombstone is signed out") {
  const ThrowawayHome home;
  home.write(store, login("0", "", ""));
  const auto credential = only(home);
  CHECK(credential.status_at(now) == cp::Status::needs_login);
  CHECK(credential.reason_at(now) == cp::Reason::signed_out);
}

TEST_CASE(
    "source/kimi_code: a refresh token alone is refreshable, and what the CLI thinks is told") {
  const ThrowawayHome home;
  home.write(store, login("4102444800", ""));
  const auto credential = only(home);
  CHECK(credential.reason_at(now) == cp::Reason::refreshable);
  CHECK(credential.refresh_due(now));
  CHECK(credential.detail.find("signed out") != std::string::npos);
}

TEST_CASE("source/kimi_code: M9 truncated, empty, a list, an empty object") {
  for (const std::string_view text : {R"({"access_token": "at-f)", "", "[]", "{}"}) {
    CAPTURE(text);
    const ThrowawayHome home;
    home.write(store, text);
    const auto credential = only(home);
    CHECK(credential.reason_at(now) == cp::Reason::malformed);
    CHECK(credential.status_at(now) == cp::Status::invalid);
    CHECK(credential.profile_id == "kimi-code:default");
  }
}

TEST_CASE("source/kimi_code: M11 the homes of the two products are two sources") {
  const ThrowawayHome home;
  home.write(".kimi/credentials/kimi-code.json", login("4102444800", "at-A", "rt-A"));
  home.write(store, login("4102444800", "at-B", "rt-B"));
  const auto first = cp::KimiCli{}.discover(home.environment());
  REQUIRE(first);
  REQUIRE(first->size() == 1);
  const auto second = only(home);
  CHECK(first->front().secret.reveal() == "at-A");
  CHECK(second.secret.reveal() == "at-B");
  CHECK(first->front().id != second.id);
}

TEST_CASE(
    "source/kimi_code: M12 a region alone is no login, but it names the login that is missing") {
  const ThrowawayHome home;
  home.write(".kimi-code/region", "global\n");
  CHECK(found(home).empty());
  home.write(config, "[providers.\"managed:kimi-code\".oauth]\nstorage = \"file\"\n");
  const auto missing = only(home);
  CHECK(missing.reason_at(now) == cp::Reason::signed_out);
  home.write(global_store, login("4102444800"));
  CHECK(only(home).id == missing.id);
}

TEST_CASE("source/kimi_code: the tokens of MCP servers are not ours") {
  const ThrowawayHome home;
  home.write(".kimi-code/credentials/mcp/server.json", login("4102444800"));
  home.write(".kimi-code/credentials/kimi-code.json.tmp.12.ab", login("4102444800"));
  CHECK(found(home).empty());
}

TEST_CASE("source/kimi_code: keys of config.toml, api_key before env") {
  const ThrowawayHome home;
  home.write(config,
             "[providers.a]\ntype = \"kimi\"\napi_key = \"sk-FAKE-A\"\n"
             "[providers.a.env]\nKIMI_API_KEY = \"sk-FAKE-unused\"\n"
             "[providers.b]\ntype = \"kimi\"\nbase_url = \"https://api.kimi.com/coding/v1\"\n"
             "[providers.b.env]\nKIMI_API_KEY = \"sk-FAKE-B\"\n");
  const auto keys = found(home);
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].secret.reveal() == "sk-FAKE-A");
  CHECK(keys[0].provider == "moonshot");
  CHECK(keys[0].base_url == "https://api.moonshot.ai/v1");  // where Kimi Code uses it
  CHECK(keys[1].secret.reveal() == "sk-FAKE-B");
  CHECK(keys[1].provider == "kimi-code");
  CHECK(keys[1].places.front().pointer == "providers.b.env.KIMI_API_KEY");
}

TEST_CASE("source/kimi_code: broken TOML hides no login") {
  const ThrowawayHome home;
  home.write(store, login("4102444800"));
  home.write(config, "[providers.");
  const auto credentials = found(home);
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].usable_at(now));
  CHECK(credentials[1].reason_at(now) == cp::Reason::malformed);
}

TEST_CASE("source/kimi_code: the key of the environment counts only as a trio") {
  const ThrowawayHome home;
  CHECK(found(home, {{"KIMI_MODEL_NAME", "m"}, {"KIMI_MODEL_BASE_URL", "https://x"}}).empty());
  const auto key = only(home, {{"KIMI_MODEL_NAME", "m"},
                               {"KIMI_MODEL_API_KEY", "sk-FAKE"},
                               {"KIMI_MODEL_BASE_URL", "https://api.moonshot.cn/v1"}});
  CHECK(key.usable_at(now));
  CHECK(key.provider == "moonshot");
  CHECK(key.base_url == "https://api.moonshot.cn/v1");
  CHECK(key.places.front().location == "env:KIMI_MODEL_API_KEY");
  const auto alone = only(home, {{"KIMI_MODEL_API_KEY", "sk-FAKE"}});
  CHECK(alone.reason_at(now) == cp::Reason::missing_variable);
  CHECK(alone.secret.empty());
}

TEST_CASE("source/kimi_code: KIMI_CODE_HOME is honoured") {
  const ThrowawayHome home;
  home.write("elsewhere/credentials/kimi-code.json", login("4102444800"));
  const auto elsewhere = (home.path() / "elsewhere").string();
  CHECK(only(home, {{"KIMI_CODE_HOME", elsewhere}}).usable_at(now));
  CHECK(found(home).empty());
  CHECK(cp::KimiCode{}.locations(home.environment({{"KIMI_CODE_HOME", elsewhere}})).front() ==
        home.path() / "elsewhere/credentials/kimi-code.json");
}
