// SPDX-License-Identifier: MIT
#include <credpool/source/copilot_editors.hpp>

#include "discovered.hpp"

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18

constexpr auto apps = ".config/github-copilot/apps.json";
constexpr auto O2 =
    R"({"github.com:Iv1.0000000000000000":{"user":"u","oauth_token":"ghu_FAKE","githubAppId":"Iv1.0000000000000000"}})";

}  // namespace

TEST_CASE("source/copilot_editors: O2 apps.json and hosts.json") {
  const ThrowawayHome home;
  home.write(apps, O2);
  home.write(".config/github-copilot/hosts.json",
             R"({"github.com":{"user":"u","oauth_token":"gho_FAKE"}})");
  const auto found = discovered<cp::CopilotEditors>(home.environment());
  REQUIRE(found.size() == 2);
  CHECK(found[0].provider == "github-copilot");
  CHECK(found[0].kind == cp::Kind::token);
  CHECK(found[0].secret.reveal() == "ghu_FAKE");
  CHECK(found[0].account == "u");
  CHECK(found[0].profile_id == "github-copilot:u");
  CHECK(found[0].places[0].pointer == "/github.com:Iv1.0000000000000000");
  CHECK(found[0].usable_at(now));
  CHECK_FALSE(found[0].expires_at);
  CHECK(found[1].secret.reveal() == "gho_FAKE");
}

TEST_CASE("source/copilot_editors: the same token in both files is one credential") {
  const ThrowawayHome home;
  home.write(apps, O2);
  home.write(".config/github-copilot/hosts.json",
             R"({"github.com":{"user":"u","oauth_token":"ghu_FAKE"}})");
  CHECK(only_discovered<cp::CopilotEditors>(home.environment()).places.size() == 2);
}

TEST_CASE("source/copilot_editors: broken stores") {
  check_broken_json_store<cp::CopilotEditors>(apps, O2);
}

TEST_CASE("source/copilot_editors: broken entries") {
  const ThrowawayHome home;
  home.write(apps, R"({"a": {"user": "u"}, "b": {"oauth_token": ""}, "c": {"oauth_token": "FAKE X"},
    "d": [], "e\u0007": {"oauth_token": "FAKE"}})");
  const auto found = discovered<cp::CopilotEditors>(home.environment());
  REQUIRE(found.size() == 5);
  using enum cp::Reason;
  const std::array reasons{malformed, signed_out, unsafe_token, malformed, malformed};
  for (std::size_t i = 0; i < reasons.size(); ++i) CHECK(found[i].reason == reasons[i]);
}

TEST_CASE("source/copilot_editors: a token of another host goes there") {
  const ThrowawayHome home;
  home.write("c/github-copilot/apps.json",
             R"({"acme.ghe.com:Iv1.0": {"user": "u", "oauth_token": "ghu_FAKE"}})");
  const auto environment = home.environment({{"XDG_CONFIG_HOME", (home.path() / "c").string()}});
  CHECK(only_discovered<cp::CopilotEditors>(environment).base_url ==
        "https://copilot-api.acme.ghe.com");
}
