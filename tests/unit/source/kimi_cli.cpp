// SPDX-License-Identifier: MIT
#include <credpool/source/kimi_cli.hpp>

#include <credpool/source/key_variables.hpp>
#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string_view>

namespace cp = credpool;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr cp::TimePoint now{milliseconds{1795000000000}};  // 2026-11-18

std::vector<cp::Credential> found(const ThrowawayHome& home) {
  auto result = cp::KimiCli{}.discover(home.environment());
  REQUIRE(result);
  return *result;
}

cp::Credential only(const ThrowawayHome& home) {
  auto credentials = found(home);
  REQUIRE(credentials.size() == 1);
  return credentials.front();
}

std::string login(std::string_view expires_at, std::string_view access = "at-fake",
                  std::string_view refresh = "rt-fake") {
  return R"({"access_token": ")" + std::string{access} + R"(", "refresh_token": ")" +
         std::string{refresh} + R"(", "expires_at": )" + std::string{expires_at} +
         R"(, "scope": "kimi-code", "token_type": "Bearer", "expires_in": 900.0})";
}

constexpr auto store = ".kimi/credentials/kimi-code.json";

}  // namespace

TEST_CASE("source/kimi_cli: nothing there is nothing found") {
  const ThrowawayHome home;
  CHECK(found(home).empty());
}

TEST_CASE("source/kimi_cli: K1 a valid login") {
  const ThrowawayHome home;
  home.write(store, login("4102444800.0"));
  const auto credential = only(home);
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK(credential.cli == "kimi-cli");
  CHECK(credential.provider == "kimi-code");
  CHECK(credential.profile_id == "kimi-code:default");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == cp::Ownership::co_own);
  CHECK(credential.secret.reveal() == "at-fake");
  CHECK(credential.refresh_token.reveal() == "rt-fake");
  CHECK(credential.expires_at == cp::TimePoint{seconds{4102444800}});
  CHECK(credential.token_hash() == cp::token_hash("at-fake"));
}

TEST_CASE("source/kimi_cli: K2 an expired login that can be refreshed") {
  const ThrowawayHome home;
  home.write(store, login("1700000000.5"));
  const auto credential = only(home);
  CHECK(credential.status_at(now) == cp::Status::expired);
  CHECK(credential.reason_at(now) == cp::Reason::refreshable);
}

TEST_CASE("source/kimi_cli: K3 refresh is due below half the life") {
  const ThrowawayHome home;
  const auto at = [&](int left) {
    home.write(store, login(std::to_string(1795000000 + left)));
    return only(home).refresh_due(now);
  };
  CHECK(at(449));
  CHECK_FALSE(at(451));
}

TEST_CASE("source/kimi_cli: K4 an expiry of 0, or none, means refresh now") {
  for (const std::string_view text :
       {R"({"access_token":"at-fake","refresh_token":"rt-fake","expires_at":0,"expires_in":900})",
        R"({"access_token":"at-fake","refresh_token":"rt-fake"})",
        R"({"access_token":"at-fake","refresh_token":"rt-fake","expires_at":null})"}) {
    CAPTURE(text);
    const ThrowawayHome home;
    home.write(store, text);
    const auto credential = only(home);
    CHECK(credential.refresh_due(now));
    CHECK(credential.reason_at(now) == cp::Reason::refreshable);
  }
}

TEST_CASE("source/kimi_cli: K5 an expiry that is no time is due, not a crash") {
  for (const std::string_view expiry :
       {R"("abc")", "-5", "true", "[]", R"("NaN")", R"("1e400")", "1e300"}) {
    CAPTURE(expiry);
    const ThrowawayHome home;
    home.write(store, login(expiry));
    const auto credential = only(home);
    CHECK(credential.reason_at(now) == cp::Reason::expiry_unknown);
    CHECK(credential.refresh_due(now));
    CHECK(credential.usable_at(now));
    CHECK_FALSE(credential.expires_at);
  }
}

TEST_CASE("source/kimi_cli: K6 an expiry in text, or in milliseconds, is read") {
  for (const std::string_view expiry : {R"("4102444800")", "4102444800000", R"("4102444800000")"}) {
    CAPTURE(expiry);
    const ThrowawayHome home;
    home.write(store, login(expiry));
    CHECK(only(home).expires_at == cp::TimePoint{seconds{4102444800}});
  }
}

TEST_CASE("source/kimi_cli: K7 a refresh token alone can be refreshed") {
  const ThrowawayHome home;
  home.write(store, login("4102444800.0", ""));
  const auto credential = only(home);
  CHECK(credential.status_at(now) == cp::Status::expired);
  CHECK(credential.reason_at(now) == cp::Reason::refreshable);
  CHECK(credential.refresh_due(now));
  CHECK_FALSE(credential.usable_at(now));
}

TEST_CASE("source/kimi_cli: K8 expired without a refresh token needs a login") {
  const ThrowawayHome home;
  home.write(store, login("1700000000", "at-fake", ""));
  const auto credential = only(home);
  CHECK(credential.status_at(now) == cp::Status::expired);
  CHECK(credential.reason_at(now) == cp::Reason::not_refreshable);
  CHECK_FALSE(credential.refresh_due(now));
}

TEST_CASE("source/kimi_cli: K9 a tombstone is signed out, not corrupt") {
  const ThrowawayHome home;
  home.write(store, R"({"access_token":"","refresh_token":"","expires_at":0,"scope":"kimi-code",)"
                    R"("token_type":"Bearer","expires_in":0})");
  const auto credential = only(home);
  CHECK(credential.status_at(now) == cp::Status::needs_login);
  CHECK(credential.reason_at(now) == cp::Reason::signed_out);
}

TEST_CASE("source/kimi_cli: K10 an unknown key is no fault, and the file stays as it is") {
  const ThrowawayHome home;
  const std::string text = R"({"x":1,"access_token":"at-fake","expires_at":4102444800})";
  const auto path = home.write(store, text);
  CHECK(only(home).usable_at(now));
  std::ifstream file{path};
  CHECK(std::string{std::istreambuf_iterator<char>{file}, {}} == text);
}

TEST_CASE("source/kimi_cli: neither token is malformed, a damaged refresh token is told") {
  const ThrowawayHome home;
  home.write(store, "{}");
  CHECK(only(home).reason_at(now) == cp::Reason::malformed);
  home.write(store, login("4102444800", "at-fake", "rt\\nfake"));
  const auto credential = only(home);
  CHECK(credential.usable_at(now));
  CHECK(credential.refresh_token.empty());
  CHECK(credential.detail.find("refresh token") != std::string::npos);
  home.write(store, login("4102444800", "", "rt\\nfake"));
  CHECK(only(home).reason_at(now) == cp::Reason::unsafe_token);
}

namespace {

constexpr auto config = ".kimi/config.toml";
constexpr std::string_view managed = R"(default_model = "kimi-code/kimi-for-coding"
[providers."managed:kimi-code"]
type = "kimi"
base_url = "https://api.kimi.com/coding/v1"
api_key = ""
[providers."managed:kimi-code".oauth]
storage = "file"
key = "oauth/kimi-code"
)";

}  // namespace

TEST_CASE("source/kimi_cli: KC1 the managed provider is one login and no key") {
  const ThrowawayHome home;
  home.write(config, managed);
  SUBCASE("with its file") {
    home.write(store, login("4102444800"));
    const auto credential = only(home);
    CHECK(credential.status_at(now) == cp::Status::active);
    CHECK(credential.base_url == "https://api.kimi.com/coding/v1");
    CHECK(credential.oauth_host.empty());
  }
  SUBCASE("without its file") {
    const auto missing = only(home);
    CHECK(missing.status_at(now) == cp::Status::needs_login);
    CHECK(missing.reason_at(now) == cp::Reason::signed_out);
    home.write(store, login("4102444800"));
    CHECK(only(home).id == missing.id);  // logging in does not make it another credential
  }
}

TEST_CASE("source/kimi_cli: KC2 a key of the open platform") {
  const ThrowawayHome home;
  home.write(config,
             "[providers.moonshot]\ntype = \"kimi\"\n"
             "base_url = \"https://api.moonshot.ai/v1\"\napi_key = \"sk-FAKE0000\"\n");
  const auto key = only(home);
  CHECK(key.kind == cp::Kind::api_key);
  CHECK(key.provider == "moonshot");
  CHECK(key.profile_id == "moonshot:moonshot");
  CHECK(key.base_url == "https://api.moonshot.ai/v1");
  CHECK(key.secret.reveal() == "sk-FAKE0000");
  CHECK(key.places.front().pointer == "providers.moonshot.api_key");
}

TEST_CASE("source/kimi_cli: a key without an address is whose KIMI_API_KEY is") {
  const ThrowawayHome home;
  for (const std::string address :
       {"", "base_url = \"http://127.0.0.1:9901/v1\"\n", "base_url = \"\"\n"}) {
    CAPTURE(address);
    home.write(config,
               "[providers.a]\ntype = \"kimi\"\n" + address + "api_key = \"sk-FAKE0000\"\n");
    CHECK(only(home).provider == cp::find_key_variable("KIMI_API_KEY")->provider);
  }
  home.write(config,
             "[providers.a]\ntype = \"openai_legacy\"\n"
             "base_url = \"https://openrouter.ai/api/v1\"\napi_key = \"sk-FAKE0000\"\n");
  CHECK(only(home).provider == "openrouter");
}

TEST_CASE("source/kimi_cli: KC3 a key of a service of the coding plan") {
  const ThrowawayHome home;
  home.write(config,
             "[services.moonshot_search]\n"
             "base_url = \"https://api.kimi.com/coding/v1/search\"\n"
             "api_key = \"sk-FAKE1111\"\n");
  const auto key = only(home);
  CHECK(key.provider == "kimi-code");
  CHECK(key.secret.reveal() == "sk-FAKE1111");
}

TEST_CASE("source/kimi_cli: KC4 KC5 KC6 no key, a wrong type, broken TOML") {
  const ThrowawayHome home;
  home.write(config, "[providers.a]\napi_key = \"\"\n");
  CHECK(found(home).empty());
  home.write(config, "[providers.a]\napi_key = 5\n");
  auto credential = only(home);
  CHECK(credential.reason_at(now) == cp::Reason::malformed);
  CHECK(credential.kind == cp::Kind::api_key);
  CHECK(credential.places.front().pointer == "providers.a.api_key");
  home.write(config, "[providers.");
  credential = only(home);
  CHECK(credential.reason_at(now) == cp::Reason::malformed);
  CHECK(credential.detail.find("line 1") != std::string::npos);
}

TEST_CASE("source/kimi_cli: KC7 KC8 quoted names, and a key that cannot stand in a header") {
  const ThrowawayHome home;
  home.write(config,
             "[providers.\"a.b\"]\ntype = \"openai_legacy\"\napi_key = \"sk-FAKE2222\"\n"
             "[providers.c]\napi_key = \"\"\"\nsk-FAKE3333\n\"\"\"\n");
  const auto credentials = found(home);
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].places.front().pointer == "providers.\"a.b\".api_key");
  CHECK(credentials[0].provider == "openai");
  CHECK(credentials[0].profile_id == "openai:a.b");
  CHECK(credentials[1].reason_at(now) == cp::Reason::unsafe_token);
  CHECK(credentials[1].secret.empty());
}

TEST_CASE("source/kimi_cli: KC9 the legacy config.json counts only while there is no config.toml") {
  const ThrowawayHome home;
  home.write(".kimi/config.json",
             R"({"providers":{"old":{"type":"kimi","base_url":"https://api.moonshot.cn/v1",)"
             R"("api_key":"sk-FAKE4444","env":null,"n":1}}})");
  const auto key = only(home);
  CHECK(key.secret.reveal() == "sk-FAKE4444");
  CHECK(key.base_url == "https://api.moonshot.cn/v1");
  CHECK(key.places.front().location.ends_with("config.json"));
  CHECK(key.detail.find("legacy") != std::string::npos);
  home.write(config, "");
  CHECK(found(home).empty());
}

TEST_CASE("source/kimi_cli: a login in the keyring is named") {
  const ThrowawayHome home;
  home.write(config, "[providers.m.oauth]\nstorage = \"keyring\"\nkey = \"oauth/kimi-code\"\n");
  const auto credential = only(home);
  CHECK(credential.reason_at(now) == cp::Reason::in_keyring);
  CHECK(credential.detail.find("service kimi-code, user oauth/kimi-code") != std::string::npos);
}

TEST_CASE("source/kimi_cli: two files are two logins") {
  const ThrowawayHome home;
  home.write(store, login("4102444800"));
  home.write(".kimi/credentials/work.json", login("4102444800", "at-work", "rt-work"));
  const auto credentials = found(home);
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].id != credentials[1].id);
  CHECK(credentials[1].profile_id == "kimi-code:work");
}

TEST_CASE("source/kimi_cli: the id stays over a refresh, the token's hash does not") {
  const ThrowawayHome home;
  home.write(store, login("4102444800"));
  const auto before = only(home);
  home.write(store, login("4102445700", "at-new", "rt-new"));
  CHECK(only(home).id == before.id);
  CHECK(only(home).token_hash() != before.token_hash());
}

TEST_CASE("source/kimi_cli: KIMI_SHARE_DIR and the hosts of the environment are honoured") {
  const ThrowawayHome home;
  home.write("elsewhere/credentials/kimi-code.json", login("4102444800"));
  home.write(store, login("4102444800", "not-this-one"));
  const auto environment =
      home.environment({{"KIMI_SHARE_DIR", (home.path() / "elsewhere").string()},
                        {"KIMI_OAUTH_HOST", "https://auth.example"},
                        {"KIMI_CODE_BASE_URL", "https://api.example/v1"}});
  const auto result = cp::KimiCli{}.discover(environment);
  REQUIRE(result);
  REQUIRE(result->size() == 1);
  CHECK(result->front().secret.reveal() == "at-fake");
  CHECK(result->front().oauth_host == "https://auth.example");
  CHECK(result->front().base_url == "https://api.example/v1");
  CHECK(cp::KimiCli{}.locations(environment).front() ==
        home.path() / "elsewhere/credentials/kimi-code.json");
}

TEST_CASE("source/kimi_cli: no home directory is an error, not an empty list") {
  cp::Environment::Facts facts;
  CHECK(cp::KimiCli{}.discover(cp::Environment{facts}).error().errc() == cp::Errc::configuration);
}
