// SPDX-License-Identifier: MIT
#include <credpool/source/copilot_cli.hpp>

#include "discovered.hpp"

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".copilot/config.json";
constexpr auto valid =
    R"({"loggedInUsers":[{"host":"https://github.com","login":"u"}],"copilotTokens":{"https://github.com:u":"gho_FAKE"}})";

}  // namespace

TEST_CASE("source/copilot_cli: a token in the file, below the comments of the CLI") {
  const ThrowawayHome home;
  home.write(store, "// This file is managed automatically.\n" + std::string{valid});
  const auto credential = only_discovered<cp::CopilotCli>(home.environment());
  CHECK(credential.provider == "github-copilot");
  CHECK(credential.kind == cp::Kind::token);
  CHECK(credential.secret.reveal() == "gho_FAKE");
  CHECK(credential.account == "u");
  CHECK(credential.profile_id == "github-copilot:u");
  CHECK(credential.base_url.empty());
  CHECK(credential.places[0].pointer == "/copilotTokens/https:~1~1github.com:u");
  CHECK(credential.usable_at(now));
}

TEST_CASE("source/copilot_cli: a user without a token in the file is in the keyring") {
  const ThrowawayHome home;
  home.write(store, R"({"loggedInUsers":[{"host":"https://github.com","login":"u"},
    {"host":"https://acme.ghe.com","login":"v"}],"copilotTokens":{"https://github.com:u":"gho_FAKE"}})");
  const auto found = discovered<cp::CopilotCli>(home.environment());
  REQUIRE(found.size() == 2);
  CHECK(found[1].reason == cp::Reason::in_keyring);
  CHECK(found[1].detail.find("\"copilot-cli\"") != std::string::npos);
  CHECK(found[1].base_url == "https://copilot-api.acme.ghe.com");
  CHECK(found[1].account == "v");
}

TEST_CASE("source/copilot_cli: the other spellings of the tokens") {
  const ThrowawayHome home;
  home.write(
      store,
      R"({"copilot_tokens":{"github.com":{"token":"gho_FAKE","expiresAt":"2100-01-01T00:00:00Z"}}})");
  CHECK(only_discovered<cp::CopilotCli>(home.environment()).secret.reveal() == "gho_FAKE");
}

TEST_CASE("source/copilot_cli: a configuration without a login") {
  const ThrowawayHome home;
  home.write(store, R"({"banner": "never", "loggedInUsers": []})");
  CHECK(discovered<cp::CopilotCli>(home.environment()).empty());
}

TEST_CASE("source/copilot_cli: broken stores") {
  check_broken_json_store<cp::CopilotCli>(store, valid);
}

TEST_CASE("source/copilot_cli: broken entries") {
  const ThrowawayHome home;
  home.write(store, R"({"copilotTokens": {"https://github.com:a": 7, "https://github.com:b": "",
    "https://github.com:c": "FAKE X", "d e": "FAKE"}, "loggedInUsers": ["u", {"host": "https://github.com"}]})");
  const auto found = discovered<cp::CopilotCli>(home.environment());
  REQUIRE(found.size() == 6);
  std::size_t malformed = 0;
  for (const auto& credential : found) {
    CHECK_FALSE(credential.usable_at(now));
    malformed += credential.reason == cp::Reason::malformed ? 1 : 0;
  }
  CHECK(malformed == 4);
}

TEST_CASE("source/copilot_cli: COPILOT_HOME is honoured") {
  const ThrowawayHome home;
  home.write("elsewhere/config.json", valid);
  const auto environment =
      home.environment({{"COPILOT_HOME", (home.path() / "elsewhere").string()}});
  CHECK(only_discovered<cp::CopilotCli>(environment).usable_at(far));
}
