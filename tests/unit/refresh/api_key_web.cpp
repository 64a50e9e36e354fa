// SPDX-License-Identifier: MIT
#include <credpool/refresh/api_key_web.hpp>

#include "scripted_login.hpp"

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

const auto& provider(std::string_view cli) {
  return *cp::find_login_provider(cli);
}

}  // namespace

TEST_CASE("refresh/api_key_web: shows the page, asks, and hands the key out without blanks") {
  ScriptedLogin login{{}};
  login.person.answers = {"  sk-0123456789abcdef\r\n"};
  const auto key = cp::api_key_web(provider("codex-cli"), login.world(), login.person);
  REQUIRE(key);
  CHECK(key->reveal() == "sk-0123456789abcdef");
  REQUIRE(login.person.shown.size() == 1);
  CHECK(login.person.shown[0].url == "https://platform.openai.com/api-keys");
  CHECK(login.person.asked == std::vector<std::string>{"Key of OpenAI (ChatGPT plan): "});
  CHECK(login.server.requests().empty());
}

TEST_CASE("refresh/api_key_web: a wrong key may be mended twice") {
  ScriptedLogin login{{}};
  login.person.answers = {"sk-ant-0123456789abcdef", "short", "sk-0123456789abcdef"};
  CHECK(cp::api_key_web(provider("codex-cli"), login.world(), login.person));
  REQUIRE(login.person.said.size() == 2);
  CHECK(login.person.said[0] == "this is a key of Anthropic, not of OpenAI (ChatGPT plan)");

  login.person.answers = {"a", "b", "canary c", "sk-0123456789abcdef"};
  const auto failed = cp::api_key_web(provider("codex-cli"), login.world(), login.person);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().errc() == cp::Errc::malformed);
  CHECK(failed.error().message().find("canary") == std::string::npos);
  CHECK(login.person.answers.size() == 1);
}

TEST_CASE("refresh/api_key_web: cancelled, or a provider without a page") {
  ScriptedLogin login{{}};
  CHECK(cp::api_key_web(provider("codex-cli"), login.world(), login.person).error().errc() ==
        cp::Errc::cancelled);
  CHECK(cp::api_key_web(provider("droid"), login.world(), login.person).error().errc() ==
        cp::Errc::unsupported);
}

TEST_CASE("refresh/api_key_web: the shape of a key") {
  const auto fits = [](std::string_view cli, const std::string& key) {
    return cp::check_api_key(provider(cli), key).has_value();
  };
  const std::string rest(24, 'x');
  CHECK(fits("codex-cli", "sk-proj-" + rest));
  CHECK(fits("claude-cli", "sk-ant-api03-" + rest));
  CHECK(fits("kimi-cli", "sk-" + rest));
  CHECK(fits("qwen-cli", "sk-sp-" + rest));
  CHECK(fits("gemini-cli", "AIza" + rest));
  CHECK_FALSE(fits("codex-cli", "sk-or-v1-" + rest));
  CHECK_FALSE(fits("claude-cli", "sk-" + rest));
  CHECK_FALSE(fits("kimi-cli", "sk-proj-" + rest));
  CHECK_FALSE(fits("gemini-cli", "sk-" + rest));
  CHECK_FALSE(fits("codex-cli", "sk-" + rest + "\nx"));
  CHECK_FALSE(fits("codex-cli", "sk-" + rest + "\xc3\xa4"));
  CHECK_FALSE(fits("codex-cli", "sk-" + std::string(2000, 'x')));
  CHECK_FALSE(fits("codex-cli", ""));
}
