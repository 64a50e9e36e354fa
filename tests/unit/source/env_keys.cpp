// SPDX-License-Identifier: MIT
#include <credpool/source/env_keys.hpp>

#include <credpool/source/claude_cli.hpp>
#include <credpool/source/gemini_cli.hpp>
#include <credpool/source/qwen_cli.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <set>

namespace cp = credpool;

namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

std::vector<cp::Credential> found(Variables variables) {
  const ThrowawayHome home;
  auto result = cp::EnvKeys{}.discover(home.environment(std::move(variables)));
  REQUIRE(result);
  return *result;
}

std::vector<std::string> keys(Variables variables) {
  std::vector<std::string> texts;
  for (const auto& credential : found(std::move(variables)))
    texts.emplace_back(credential.secret.reveal());
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("source/env_keys: nothing set is nothing found") {
  CHECK(found({}).empty());
  CHECK(found({{"PATH", "/bin"}, {"OPENAI_API_KEY", ""}, {"MY_API_KEY", "sk-fake"}}).empty());
}

TEST_CASE("source/env_keys: every variable of the table is found") {
  for (const auto& row : cp::key_variables) {
    CAPTURE(row.name);
    const auto credentials = found({{std::string{row.name}, "fake-1"}});
    REQUIRE(credentials.size() == 1);
    const auto& credential = credentials.front();
    CHECK(credential.cli == "env");
    CHECK(credential.provider == row.provider);
    CHECK(credential.kind == row.kind);
    CHECK(credential.base_url == row.base_url);
    CHECK(credential.profile_id == std::string{row.provider} + ":" + std::string{row.name});
    CHECK(credential.secret.reveal() == "fake-1");
    CHECK(credential.places.front().location == "env:" + std::string{row.name});
    CHECK(credential.places.front().cli == "env");
  }
}

TEST_CASE("source/env_keys: A10 three variables of claude are three credentials") {
  const auto credentials = found({{"CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-FAKE"},
                                  {"ANTHROPIC_API_KEY", "sk-ant-api03-FAKE"},
                                  {"ANTHROPIC_AUTH_TOKEN", "bearer-fake"}});
  REQUIRE(credentials.size() == 3);
  for (const auto& credential : credentials) CHECK(credential.provider == "anthropic");
  CHECK(credentials[0].kind == cp::Kind::api_key);
  CHECK(credentials[1].kind == cp::Kind::token);
  CHECK(credentials[2].kind == cp::Kind::token);
}

TEST_CASE("source/env_keys: the base URL tells whose key it is") {
  const auto at = [](std::string base) {
    return found({{"OPENAI_API_KEY", "sk-fake"}, {"OPENAI_BASE_URL", std::move(base)}}).front();
  };
  CHECK(at("https://dashscope.aliyuncs.com/compatible-mode/v1").provider == "dashscope");
  CHECK(at("https://dashscope.aliyuncs.com/compatible-mode/v1/").base_url ==
        "https://dashscope.aliyuncs.com/compatible-mode/v1");
  CHECK(at("http://127.0.0.1:8080/v1").provider == "openai");
  CHECK(at("http://127.0.0.1:8080/v1").base_url == "http://127.0.0.1:8080/v1");
}

TEST_CASE("source/env_keys: OpenClaw's rotation, in its order, each key once") {
  CHECK(keys({{"OPENAI_API_KEY", "k3"},
              {"OPENAI_API_KEYS", " k1,k2;k3\tk4 , "},
              {"OPENAI_API_KEY_B", "k6"},
              {"OPENAI_API_KEY_A", "k5"},
              {"OPENCLAW_LIVE_OPENAI_KEY", "k0"},
              {"OPENAI_API_KEYSTONE", "no"}}) == Texts{"k0", "k1", "k2", "k3", "k4", "k5", "k6"});
  CHECK(keys({{"OPENCLAW_LIVE_ANTHROPIC_KEYS", "a1 a2"}, {"ANTHROPIC_API_KEY", "a1"}}) ==
        Texts{"a1", "a2"});
  CHECK(keys({{"GEMINI_API_KEYS", "g1"}, {"GOOGLE_API_KEY", "g1"}, {"GEMINI_API_KEY", "g2"}}) ==
        Texts{"g1", "g2"});
  CHECK(keys({{"OPENAI_API_KEYS", " ,; "}}).empty());
}

TEST_CASE("source/env_keys: the same key in two variables is one with two places") {
  const auto credentials = found({{"OPENAI_API_KEYS", "k1 k2"}, {"OPENAI_API_KEY", "k2"}});
  REQUIRE(credentials.size() == 2);
  REQUIRE(credentials[1].places.size() == 2);
  CHECK(credentials[1].places[0].location == "env:OPENAI_API_KEYS");
  CHECK(credentials[1].places[0].pointer == "1");
  CHECK(credentials[1].places[1].location == "env:OPENAI_API_KEY");
  CHECK(credentials[1].profile_id == "openai:OPENAI_API_KEYS-2");
}

TEST_CASE("source/env_keys: what describes a key is none") {
  CHECK(keys({{"GEMINI_API_KEY_AUTH_MECHANISM", "bearer"},
              {"OPENAI_API_KEY_FILE", "/run/secrets/openai"},
              {"OPENAI_API_KEY_2", "k2"}}) == Texts{"k2"});
}

TEST_CASE("source/env_keys: a value that may not stand in a header is listed as unusable") {
  for (const auto* const value : {"sk-fake\n", "sk fake", "sk-f\xC3\xA4ke", "\x01"}) {
    const auto credentials = found({{"OPENAI_API_KEY", value}});
    REQUIRE(credentials.size() == 1);
    CHECK(credentials.front().status == cp::Status::invalid);
    CHECK(credentials.front().reason == cp::Reason::unsafe_token);
    CHECK(credentials.front().kind == cp::Kind::api_key);
    CHECK(credentials.front().secret.empty());
    CHECK(credentials.front().detail.find("fake") == std::string::npos);
  }
}

TEST_CASE("source/key_variables: names are unique and well-formed") {
  std::set<std::string_view> names;
  for (const auto& row : cp::key_variables) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(row.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == row.name.npos);
    CHECK_FALSE(row.readers.front().empty());
    CHECK_FALSE(row.read_by(""));
  }
}

TEST_CASE("source/key_variables: the variables that a CLI's source names are its rows") {
  const auto agree = []<class Source>(const Source&) {
    std::size_t rows = 0;
    for (const auto& row : cp::key_variables) rows += row.read_by(Source::cli) ? 1 : 0;
    CHECK(rows == Source::variables.size());
    for (const auto name : Source::variables) {
      CAPTURE(name);
      const auto* row = cp::find_key_variable(name);
      REQUIRE(row != nullptr);
      CHECK(row->read_by(Source::cli));
    }
  };
  agree(cp::QwenCli{});
  agree(cp::GeminiCli{});
  agree(cp::ClaudeCli{});
}

TEST_CASE("source/key_variables: the variable that a provider's programs expect") {
  static_assert(cp::variable_for("openai") == "OPENAI_API_KEY");
  static_assert(cp::variable_for("anthropic") == "ANTHROPIC_API_KEY");
  static_assert(cp::variable_for("anthropic", cp::Kind::oauth) == "CLAUDE_CODE_OAUTH_TOKEN");
  static_assert(cp::variable_for("dashscope") == "DASHSCOPE_API_KEY");
  static_assert(cp::variable_for("gemini") == "GEMINI_API_KEY");
  static_assert(cp::variable_for("github", cp::Kind::token) == "GH_TOKEN");
  static_assert(cp::variable_for("github").empty());
  static_assert(cp::variable_for("nobody").empty());
  static_assert(cp::find_key_variable("XAI_API_KEY")->provider == "xai");
  static_assert(cp::find_key_variable("HOME") == nullptr);
  static_assert(cp::find_key_variable("GEMINI_API_KEY")->read_by("gemini-cli"));
  CHECK_FALSE(cp::find_key_variable("AMP_API_KEY")->read_by("gemini-cli"));
}

TEST_CASE("source/key_variables: the host of a base URL tells the provider") {
  CHECK(cp::provider_of_base_url("https://api.openai.com/v1") == "openai");
  CHECK(cp::provider_of_base_url("HTTPS://API.OpenAI.com:443/v1") == "openai");
  CHECK(cp::provider_of_base_url("api.deepseek.com") == "deepseek");
  CHECK(cp::provider_of_base_url("https://cn-hongkong.dashscope.aliyuncs.com/x") == "dashscope");
  CHECK(cp::provider_of_base_url("https://evil-api.openai.com.example/v1").empty());
  CHECK(cp::provider_of_base_url("https://notapi.openai.com/v1").empty());
  CHECK(cp::provider_of_base_url("https://api.openai.com@evil.example/v1").empty());
  CHECK(cp::provider_of_base_url("https://evil.example/api.openai.com").empty());
  CHECK(cp::provider_of_base_url("https://evil.example\\.api.openai.com").empty());
  CHECK(cp::provider_of_base_url("").empty());
  CHECK(cp::provider_of_base_url("https://").empty());
}
