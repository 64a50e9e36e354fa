// SPDX-License-Identifier: MIT
#include <credpool/source/claude_cli.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{cp::Duration{1795000000000}};  // 2026-11-18
constexpr auto store = ".claude/.credentials.json";
constexpr auto settings = ".claude/settings.json";

using Variables = std::map<std::string, std::string, std::less<>>;

std::vector<cp::Credential> found(const cp::Environment& environment) {
  auto result = cp::ClaudeCli{}.discover(environment);
  REQUIRE(result);
  return *result;
}

cp::Credential only(const ThrowawayHome& home, Variables variables = {}) {
  auto credentials = found(home.environment(std::move(variables)));
  REQUIRE(credentials.size() == 1);
  return credentials.front();
}

/// The login of fixture A1 with one piece of text replaced.
std::string login(std::string_view from = "", std::string_view to = "") {
  std::string text =
      R"({"claudeAiOauth":{"accessToken":"sk-ant-oat01-FAKE","refreshToken":"sk-ant-ort01-FAKE",)"
      R"("expiresAt":4102444800000,"scopes":["user:inference","user:profile"],)"
      R"("subscriptionType":"max","rateLimitTier":"default_claude_max_5x"}})";
  if (!from.empty()) {
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

TEST_CASE("source/claude_cli: nothing there is nothing found") {
  const ThrowawayHome home;
  CHECK(found(home.environment()).empty());
  home.write(settings, "{}");
  CHECK(found(home.environment()).empty());
}

TEST_CASE("source/claude_cli: A1 a valid login") {
  const ThrowawayHome home;
  const auto path = home.write(store, login());
  const auto credential = only(home);
  CHECK(credential.cli == "claude-cli");
  CHECK(credential.provider == "anthropic");
  CHECK(credential.profile_id == "anthropic:default");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == cp::Ownership::co_own);
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK(credential.reason_at(now) == cp::Reason::none);
  CHECK(credential.secret.reveal() == "sk-ant-oat01-FAKE");
  CHECK(credential.refresh_token.reveal() == "sk-ant-ort01-FAKE");
  CHECK(credential.expires_at == cp::TimePoint{cp::Duration{4102444800000}});
  CHECK(credential.refresh_at == *credential.expires_at - std::chrono::seconds{300});
  CHECK(credential.plan == "max");
  CHECK(credential.scopes == std::vector<std::string>{"user:inference", "user:profile"});
  CHECK(credential.places.front().location == path.string());
  CHECK(credential.places.front().pointer == "/claudeAiOauth");
}

TEST_CASE("source/claude_cli: A2 a tombstone needs a login") {
  const ThrowawayHome home;
  for (const auto* const text :
       {R"({"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0}})", "{}",
        R"({"claudeAiOauth":null,"mcpOAuth":{}})"}) {
    home.write(store, text);
    CHECK(only(home).status == cp::Status::needs_login);
    CHECK(only(home).reason == cp::Reason::signed_out);
  }
}

TEST_CASE("source/claude_cli: A3 a setup token has no refresh token and no end") {
  const ThrowawayHome home;
  home.write(store, R"({"claudeAiOauth":{"accessToken":"sk-ant-oat01-FAKE","refreshToken":null,
    "expiresAt":null,"scopes":["user:inference"],"subscriptionType":null}})");
  const auto credential = only(home);
  CHECK(credential.kind == cp::Kind::token);
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK(credential.reason_at(now) == cp::Reason::none);
  CHECK_FALSE(credential.expires_at);
  CHECK_FALSE(credential.refresh_at);
  CHECK(credential.plan.empty());
}

TEST_CASE("source/claude_cli: A4 no scopes is no login") {
  const ThrowawayHome home;
  home.write(store, login(R"(["user:inference","user:profile"])", "[]"));
  CHECK(only(home).status_at(now) == cp::Status::needs_login);
  CHECK(only(home).reason_at(now) == cp::Reason::signed_out);
  CHECK_FALSE(only(home).usable_at(now));
  home.write(store, login(R"("scopes":["user:inference","user:profile"],)", ""));
  CHECK(only(home).usable_at(now));
}

TEST_CASE("source/claude_cli: A5 other sections of the file do not matter") {
  const ThrowawayHome home;
  home.write(store, login("{\"claude", R"({"mcpOAuth":{"s":{"accessToken":"x"}},"claude)"));
  CHECK(only(home).secret.reveal() == "sk-ant-oat01-FAKE");
}

TEST_CASE("source/claude_cli: A6 an expiry in seconds is repaired") {
  const ThrowawayHome home;
  home.write(store, login("4102444800000", "4102444800"));
  CHECK(only(home).expires_at == cp::TimePoint{cp::Duration{4102444800000}});
  home.write(store, login("4102444800000", "\"soon\""));
  CHECK(only(home).reason_at(now) == cp::Reason::expiry_unknown);
}

TEST_CASE("source/claude_cli: A7 broken stores are listed") {
  const ThrowawayHome home;
  for (const auto& [text, reason] : std::vector<std::pair<std::string, cp::Reason>>{
           {"", cp::Reason::malformed},
           {"null", cp::Reason::malformed},
           {"\"x\"", cp::Reason::malformed},
           {R"({"claudeAiOauth":7})", cp::Reason::malformed},
           {R"({"claudeAiOauth":{"refreshToken":"sk-ant-x"}})", cp::Reason::malformed},
           {R"({"claudeAiOauth":{"accessToken":"sk-ant-oat)", cp::Reason::malformed},
           {R"({"claudeAiOauth":{"accessToken":"sk-ant-\n","refreshToken":"r"}})",
            cp::Reason::unsafe_token},
           {R"({"a":1,"a":2})", cp::Reason::duplicate_key},
           {std::string(200, '['), cp::Reason::too_deep},
           {std::string(2 << 20, ' '), cp::Reason::too_large}}) {
    const auto shown = text.substr(0, 40);
    CAPTURE(shown);
    home.write(store, text);
    CHECK(only(home).reason == reason);
    CHECK(only(home).status == cp::Status::invalid);
    CHECK(only(home).secret.empty());
    CHECK(only(home).detail.find("sk-ant") == std::string::npos);
  }
}

TEST_CASE("source/claude_cli: A8 with the refresh token ended only a login helps") {
  const ThrowawayHome home;
  const std::string expired = R"("expiresAt":1700000000000,"refreshTokenExpiresAt":)";
  home.write(store, login(R"("expiresAt":4102444800000)", expired + "1700000001000"));
  CHECK(only(home).status_at(now) == cp::Status::needs_login);
  CHECK(only(home).reason_at(now) == cp::Reason::not_refreshable);
  home.write(store, login(R"("expiresAt":4102444800000)", expired + "4102444800000"));
  CHECK(only(home).status_at(now) == cp::Status::expired);
  CHECK(only(home).reason_at(now) == cp::Reason::refreshable);
}

TEST_CASE("source/claude_cli: A11 the key helper is listed, not run and not shown") {
  const ThrowawayHome home;
  const auto trace = home.path() / "it-ran";
  const auto path =
      home.write(settings, R"({"apiKeyHelper":"touch ')" + trace.string() + R"('; echo sk-FAKE"})");
  const auto credential = only(home);
  CHECK(credential.kind == cp::Kind::command);
  CHECK(credential.reason == cp::Reason::helper_command);
  CHECK_FALSE(credential.usable_at(now));
  CHECK(credential.detail.find("sk-FAKE") == std::string::npos);
  CHECK(credential.places.front().location == path.string());
  CHECK(credential.places.front().pointer == "/apiKeyHelper");
  CHECK_FALSE(std::filesystem::exists(trace));
}

TEST_CASE("source/claude_cli: the keys of the settings' env") {
  const ThrowawayHome home;
  home.write(settings, R"({"env":{"ANTHROPIC_API_KEY":"sk-ant-api03-FAKE",
    "ANTHROPIC_AUTH_TOKEN":"mk-FAKE","ANTHROPIC_BASE_URL":"https://proxy.example/","DEBUG":"1"}})");
  const auto credentials = found(home.environment({{"ANTHROPIC_API_KEY", "sk-ant-api03-OTHER"}}));
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].kind == cp::Kind::api_key);
  CHECK(credentials[0].base_url == "https://proxy.example");
  CHECK(credentials[0].places.front().pointer == "/env/ANTHROPIC_API_KEY");
  CHECK(credentials[0].detail == "the environment variable ANTHROPIC_API_KEY goes before this one");
  CHECK(credentials[1].kind == cp::Kind::token);
  CHECK(credentials[1].detail.empty());
}

TEST_CASE("source/claude_cli: settings of the project, settings that are broken") {
  const ThrowawayHome home;
  const auto file = home.write("project/.claude/settings.local.json", R"({"apiKeyHelper":"x"})");
  home.write("project/.claude/settings.json", "{");
  cp::Environment::Facts facts;
  facts.home = home.path();
  facts.working_directory = home.path() / "project";
  facts.user = ::geteuid();
  const auto credentials = found(cp::Environment{facts});
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].reason == cp::Reason::malformed);
  CHECK(credentials[1].reason == cp::Reason::helper_command);
  CHECK(credentials[1].places.front().location == file.string());
}

TEST_CASE("source/claude_cli: the directories that the variables name") {
  const ThrowawayHome home;
  home.write(store, login());
  home.write("alt/.credentials.json", login("oat01-FAKE", "oat01-ALT"));
  home.write("safe/.credentials.json", login("oat01-FAKE", "oat01-SAFE"));
  CHECK(only(home, {{"CLAUDE_CONFIG_DIR", "~/alt"}}).secret.reveal() == "sk-ant-oat01-ALT");
  const Variables both{{"CLAUDE_CONFIG_DIR", "~/alt"},
                       {"CLAUDE_SECURESTORAGE_CONFIG_DIR", "~/safe"}};
  CHECK(only(home, both).secret.reveal() == "sk-ant-oat01-SAFE");
  CHECK(cp::ClaudeCli{}.locations(home.environment(both)).front() ==
        home.path() / "safe/.credentials.json");
}
