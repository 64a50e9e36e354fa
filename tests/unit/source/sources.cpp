// SPDX-License-Identifier: MIT
#include <credpool/source/sources.hpp>

#include <credpool/source/aider.hpp>
#include <credpool/source/dotenv.hpp>
#include <credpool/source/gemini_cli.hpp>
#include <credpool/source/kimi_cli.hpp>
#include <credpool/source/qwen_cli.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

/// Gives what it is told to give.
struct Told {
  static constexpr std::string_view cli = "told";
  static constexpr std::string_view provider = "acme";
  std::vector<cp::Credential> credentials;
  cp::Result<std::vector<cp::Credential>> discover(const cp::Environment&) const {
    return credentials;
  }
};
static_assert(cp::CredentialSource<Told>);
static_assert(!cp::NamesItsFiles<Told> && !cp::NamesItsPrograms<Told>);

struct Broken {
  static constexpr std::string_view cli = "broken";
  static constexpr std::string_view provider = "acme";
  cp::Result<std::vector<cp::Credential>> discover(const cp::Environment&) const {
    return cp::fail(cp::Errc::configuration, "finding the home directory", "HOME", "set HOME");
  }
};
static_assert(cp::CredentialSource<Broken>);

struct Other {
  static constexpr std::string_view cli = "other";
  static constexpr std::string_view provider = "acme";
  static constexpr std::array<std::string_view, 2> programs{"other-new", "other"};
  static constexpr std::array<std::string_view, 2> variables{"OTHER_KEY", "OTHER_TOKEN"};
  std::vector<std::filesystem::path> locations(const cp::Environment& environment) const {
    return {*environment.home() / "other.json", *environment.home() / "older.json"};
  }
  cp::Result<std::vector<cp::Credential>> discover(const cp::Environment& environment) const {
    std::vector<cp::Credential> found;
    if (const auto key = environment.variable("OTHER_KEY")) {
      found.push_back(cp::Credential::api_key(cli, provider, cp::Secret{*key}));
      found.back().places.push_back({"env:OTHER_KEY", {}});
    }
    return found;
  }
};
static_assert(cp::NamesItsFiles<Other> && cp::NamesItsPrograms<Other> &&
              cp::NamesItsVariables<Other>);

cp::Credential key(std::string_view text) {
  return cp::Credential::api_key("told", "acme", cp::Secret{text});
}

}  // namespace

TEST_CASE("source/sources: the types are deduced and the names are known") {
  const cp::Sources sources{Told{}, Other{}};
  static_assert(std::is_same_v<decltype(sources), const cp::Sources<Told, Other>>);
  static_assert(decltype(sources)::clis[1] == "other");
  int visited = 0;
  sources.for_each([&](const auto&) { ++visited; });
  CHECK(visited == 2);
}

TEST_CASE("source/sources: no source at all finds nothing") {
  const ThrowawayHome home;
  const auto discovery = cp::Sources<>{}.discover_all(home.environment());
  CHECK(discovery.credentials.empty());
  CHECK(discovery.clis.empty());
}

TEST_CASE("source/sources: one source that fails does not stop the others") {
  const ThrowawayHome home;
  const cp::Sources sources{Broken{}, Told{{key("sk-fake")}}};
  const auto discovery = sources.discover_all(home.environment());
  REQUIRE(discovery.failures.size() == 1);
  CHECK(discovery.failures[0].cli == "broken");
  CHECK(discovery.failures[0].error.errc() == cp::Errc::configuration);
  CHECK(discovery.credentials.size() == 1);
  CHECK(discovery.clis.size() == 2);
}

TEST_CASE("source/sources: the same key of two sources is one credential with two places") {
  const ThrowawayHome home;
  const cp::Sources sources{Told{{key("sk-fake")}}, Other{}};
  const auto discovery = sources.discover_all(home.environment({{"OTHER_KEY", "sk-fake"}}));
  REQUIRE(discovery.credentials.size() == 1);
  const auto& places = discovery.credentials[0].places;
  REQUIRE(places.size() == 2);
  CHECK(places[0].location == "source:told");  // it named none
  CHECK(places[0].cli == "told");
  CHECK(places[1].location == "env:OTHER_KEY");
  CHECK(places[1].cli == "other");
}

TEST_CASE("source/sources: a place keeps the CLI that it names") {
  const ThrowawayHome home;
  auto credential = key("sk-fake");
  cp::Place place{"/somewhere", {}};
  place.cli = "somebody";
  credential.places.push_back(place);
  const cp::Sources sources{Told{{credential}}};
  const auto discovery = sources.discover_all(home.environment());
  REQUIRE(discovery.credentials.size() == 1);
  CHECK(discovery.credentials[0].places[0].cli == "somebody");
}

TEST_CASE("source/sources: the lower priority number comes first and wins a merge") {
  const ThrowawayHome home;
  const cp::Sources sources{Told{{key("sk-one"), key("sk-two")}}, Other{}};
  const auto discovery = sources.discover_all(home.environment({{"OTHER_KEY", "sk-two"}}),
                                              {{"told", {true, 5}}, {"other", {true, 1}}});
  REQUIRE(discovery.credentials.size() == 2);
  CHECK(discovery.credentials[0].cli == "other");
  CHECK(discovery.credentials[0].priority == 1);
  CHECK(discovery.credentials[0].places.size() == 2);
  CHECK(discovery.credentials[1].secret.reveal() == "sk-one");
  CHECK(discovery.credentials[1].priority == 5);
}

TEST_CASE("source/sources: a source that is switched off is not looked at") {
  const ThrowawayHome home;
  const cp::Sources sources{Broken{}, Told{{key("sk-fake")}}};
  const auto discovery =
      sources.discover_all(home.environment(), {{"broken", {false, 0}}, {"nobody", {false, 0}}});
  CHECK(discovery.failures.empty());
  REQUIRE(discovery.clis.size() == 1);
  CHECK(discovery.clis[0].cli == "told");
  CHECK(discovery.credentials.size() == 1);
}

TEST_CASE("source/sources: program, store and variable are three separate facts") {
  const ThrowawayHome home;
  const auto program = home.write("bin/other", "", 0700);
  const auto store = home.write("older.json", "{}");
  const auto environment = home.environment(
      {{"PATH", (home.path() / "bin").string()}, {"OTHER_TOKEN", "t"}, {"OTHER_KEY", ""}});
  const auto discovery = cp::Sources{Other{}, Told{}}.discover_all(environment);
  REQUIRE(discovery.clis.size() == 2);
  const auto& facts = discovery.clis[0];
  CHECK(facts.cli == "other");
  CHECK(facts.provider == "acme");
  CHECK(facts.program == program);
  CHECK(facts.files_looked_at.size() == 2);
  CHECK(facts.files_found == std::vector{store});
  CHECK(facts.variables_set == std::vector<std::string>{"OTHER_TOKEN"});

  const auto& silent = discovery.clis[1];
  CHECK_FALSE(silent.program);
  CHECK(silent.files_looked_at.empty());
  CHECK(silent.variables_set.empty());
}

TEST_CASE("source/sources: works with the sources of the library") {
  const ThrowawayHome home;
  home.write(".kimi/credentials/kimi-code.json",
             R"({"access_token":"at-fake","refresh_token":"rt-fake","expires_at":4102444800})");
  const auto discovery = cp::Sources{cp::KimiCli{}}.discover_all(home.environment());
  REQUIRE(discovery.credentials.size() == 1);
  CHECK(discovery.clis[0].files_found.size() == 1);
}

TEST_CASE("source/sources: a place of one's own goes before a shared one, a priority before both") {
  auto shared = key("k");
  shared.places.push_back({"/home/u/.env", "KEY"});
  shared.places.front().shared = true;
  auto own = shared;
  own.places.front().shared = false;
  own.detail = "own";
  const ThrowawayHome home;
  const cp::Sources sources{Told{{shared}}, Other{}, Told{{own}}};
  const auto discovery = sources.discover_all(home.environment());
  REQUIRE(discovery.credentials.size() == 1);
  CHECK(discovery.credentials.front().detail == "own");
  CHECK(discovery.credentials.front().places.size() == 2);
}

TEST_CASE("source/sources: a key in ~/.env is dotenv's, one in a CLI's own place is the CLI's") {
  const ThrowawayHome home;
  home.write(".env", "OPENAI_API_KEY=sk-a\nGEMINI_API_KEY=g-a\n");
  const cp::Sources sources{cp::QwenCli{}, cp::GeminiCli{}, cp::Aider{}, cp::DotenvKeys{}};
  auto discovery = sources.discover_all(home.environment());
  REQUIRE(discovery.credentials.size() == 2);
  for (const auto& credential : discovery.credentials) {
    CHECK(credential.cli == "dotenv");
    std::vector<std::string> readers;
    for (const auto& place : credential.places) readers.push_back(place.cli);
    CHECK(readers == (credential.provider == "openai"
                          ? std::vector<std::string>{"dotenv", "qwen-cli", "aider"}
                          : std::vector<std::string>{"dotenv", "qwen-cli", "gemini-cli", "aider"}));
  }

  // Of equals the CLI's own place comes first, whatever the order of the sources.
  home.write(".gemini/.env", "GEMINI_API_KEY=g-a\n");
  const auto of_provider = [&](std::string_view provider) {
    for (const auto& one : discovery.credentials)
      if (one.provider == provider) return one.cli;
    return std::string{};
  };
  discovery = sources.discover_all(home.environment());
  CHECK(of_provider("gemini") == "gemini-cli");
  CHECK(of_provider("openai") == "dotenv");
  discovery = sources.discover_all(home.environment(), {{"qwen-cli", {true, -1}}});
  CHECK(of_provider("openai") == "qwen-cli");
}

TEST_CASE("source/sources: what could not be read just now is not told by a trace") {
  const ThrowawayHome home;
  const auto reliable = [&](const auto& source) {
    const auto trace = std::make_shared<cp::ReadTrace>(cp::TimePoint{} + std::chrono::hours{1});
    (void)cp::Sources{source}.discover_all(home.environment().traced_in(trace));
    return trace->reliable();
  };
  const auto unusable = [](cp::Reason reason) {
    return Told{{cp::Credential::unusable("told", "acme", "/store", reason, {})}};
  };
  CHECK(reliable(Told{{key("one")}}));
  CHECK(reliable(unusable(cp::Reason::malformed)));
  CHECK_FALSE(reliable(unusable(cp::Reason::unreadable)));
  CHECK_FALSE(reliable(Broken{}));
}
