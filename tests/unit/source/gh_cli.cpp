// SPDX-License-Identifier: MIT
#include <credpool/source/gh_cli.hpp>

#include "discovered.hpp"

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".config/gh/hosts.yml";
constexpr auto O3 =
    "github.com:\n    users:\n        u:\n            oauth_token: gho_FAKE\n"
    "    git_protocol: https\n    user: u\n    oauth_token: gho_FAKE\n";

}  // namespace

TEST_CASE("source/gh_cli: O3 one token in two places of the file is one credential") {
  const ThrowawayHome home;
  const auto path = home.write(store, O3);
  const auto credential = only_discovered<cp::GhCli>(home.environment());
  CHECK(credential.provider == "github");
  CHECK(credential.kind == cp::Kind::token);
  CHECK(credential.secret.reveal() == "gho_FAKE");
  CHECK(credential.account == "u");
  CHECK(credential.profile_id == "github:u");
  CHECK(credential.base_url.empty());
  CHECK(credential.usable_at(now));
  CHECK(credential.usable_at(far));
  REQUIRE(credential.places.size() == 2);
  CHECK(credential.places[0].location == path.string());
  CHECK(credential.places[0].pointer == "/github.com/users/u/oauth_token");
  CHECK(credential.places[1].pointer == "/github.com/oauth_token");
}

TEST_CASE("source/gh_cli: O3 without its tokens it is in the keyring") {
  const ThrowawayHome home;
  for (const auto* text :
       {"github.com:\n    users:\n        u:\n    git_protocol: https\n    user: u\n",
        "github.com:\n    users:\n        u: {}\n    user: u\n    oauth_token: \"\"\n",
        "github.com:\n    git_protocol: https\n    user: u\n"}) {
    home.write(store, text);
    const auto credential = only_discovered<cp::GhCli>(home.environment());
    CHECK(credential.reason == cp::Reason::in_keyring);
    CHECK(credential.detail.find("\"gh:github.com\"") != std::string::npos);
    CHECK(credential.account == "u");
    CHECK_FALSE(credential.usable_at(now));
  }
}

TEST_CASE("source/gh_cli: hosts and users are told apart") {
  const ThrowawayHome home;
  home.write(
      store,
      "github.com:\n    users:\n        a:\n            oauth_token: gho_FAKE1\n"
      "        b:\n            oauth_token: gho_FAKE2\n    user: b\n    oauth_token: gho_FAKE2\n"
      "git.example.org:\n    user: c\n    oauth_token: gho_FAKE3\n"
      "acme.ghe.com:\n    user: d\n    oauth_token: gho_FAKE4\n");
  const auto found = discovered<cp::GhCli>(home.environment());
  REQUIRE(found.size() == 4);
  CHECK(found[0].profile_id == "github:a");
  CHECK(found[1].profile_id == "github:b");
  CHECK(found[2].profile_id == "github:git.example.org/c");
  CHECK(found[2].base_url == "https://git.example.org/api/v3");
  CHECK(found[3].base_url == "https://api.acme.ghe.com");
}

TEST_CASE("source/gh_cli: an empty file has no login") {
  const ThrowawayHome home;
  CHECK(discovered<cp::GhCli>(home.environment()).empty());
  for (const auto* text : {"", "# none\n", "{}\n", "github.com:\n"}) {
    home.write(store, text);
    CHECK(discovered<cp::GhCli>(home.environment()).empty());
  }
}

TEST_CASE("source/gh_cli: broken stores are listed with their reason") {
  const ThrowawayHome home;
  const auto reason = [&](std::string_view text) {
    home.write(store, text);
    return only_discovered<cp::GhCli>(home.environment()).reason;
  };
  using enum cp::Reason;
  CHECK(reason("github.com: [") == malformed);
  CHECK(reason("- a\n- b\n") == malformed);
  CHECK(reason("FAKE") == malformed);
  CHECK(reason("github.com: FAKE\n") == malformed);
  CHECK(reason("github.com:\n    oauth_token: [gho_FAKE]\n") == malformed);
  CHECK(reason("\"bad host\":\n    oauth_token: gho_FAKE\n") == malformed);
  CHECK(
      reason("github.com:\n    users:\n        \"\\e[2J\":\n            oauth_token: gho_FAKE\n") ==
      malformed);
  CHECK(reason("github.com:\n    oauth_token: \"gho_FAKE\\nX\"\n") == unsafe_token);
  CHECK(reason("a: &x gho_FAKE\nb: *x\n") == malformed);
  CHECK(reason("a:\n    user: u\na:\n    user: u\n") == duplicate_key);
  CHECK(reason(std::string(200, '[')) == too_deep);
  CHECK(reason(std::string(2 * 1024 * 1024, '#')) == too_large);
  std::filesystem::remove(home.path() / store);
  std::filesystem::create_directory(home.path() / store);
  CHECK(only_discovered<cp::GhCli>(home.environment()).reason == unsafe_file);
}

TEST_CASE("source/gh_cli: GH_CONFIG_DIR goes before XDG_CONFIG_HOME") {
  const ThrowawayHome home;
  home.write("one/hosts.yml", "github.com:\n    oauth_token: gho_FAKE1\n");
  home.write("two/gh/hosts.yml", "github.com:\n    oauth_token: gho_FAKE2\n");
  const auto two = home.environment({{"XDG_CONFIG_HOME", (home.path() / "two").string()}});
  CHECK(only_discovered<cp::GhCli>(two).secret.reveal() == "gho_FAKE2");
  const auto one = two.with_variable("GH_CONFIG_DIR", (home.path() / "one").string());
  CHECK(only_discovered<cp::GhCli>(one).secret.reveal() == "gho_FAKE1");
}
