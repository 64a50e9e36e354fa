// SPDX-License-Identifier: MIT
#include <credpool/source/aider.hpp>

#include "discovered.hpp"

namespace cp = credpool;

namespace {

/// The environment of a shell in a directory below the home.
cp::Environment in(const ThrowawayHome& home, const char* directory) {
  std::filesystem::create_directories(home.path() / directory);
  cp::Environment::Facts facts;
  facts.home = home.path();
  facts.working_directory = home.path() / directory;
  facts.user = ::geteuid();
  return cp::Environment{std::move(facts)};
}

}  // namespace

TEST_CASE("source/aider: O10 of several .env files the later one wins") {
  const ThrowawayHome home;
  home.write(".env", "OPENAI_API_KEY=sk-FAKE1\nGEMINI_API_KEY=g-FAKE\nOTHER=sk-FAKE9\n");
  home.write("work/.git/HEAD", "");
  home.write("work/.env", "OPENAI_API_KEY=sk-FAKE2\n");
  const auto found = discovered<cp::Aider>(in(home, "work/src/deep"));
  REQUIRE(found.size() == 3);
  CHECK(found[0].secret.reveal() == "sk-FAKE2");
  CHECK(found[0].detail.empty());
  CHECK(found[0].provider == "openai");
  CHECK(found[0].kind == cp::Kind::api_key);
  CHECK(found[0].places[0].pointer == "OPENAI_API_KEY");
  CHECK(found[1].secret.reveal() == "sk-FAKE1");
  CHECK(found[1].detail.find("another .env file") != std::string::npos);
  CHECK(found[2].provider == "gemini");

  home.write("work/src/deep/.env", "export OPENAI_API_KEY=\"sk-FAKE3\"\n");
  CHECK(discovered<cp::Aider>(in(home, "work/src/deep"))[0].secret.reveal() == "sk-FAKE3");
  CHECK(discovered<cp::Aider>(in(home, "work"))[0].secret.reveal() == "sk-FAKE2");
}

TEST_CASE("source/aider: O10 keys in .aider.conf.yml") {
  const ThrowawayHome home;
  home.write(".aider.conf.yml",
             "anthropic-api-key: sk-ant-api03-FAKE\napi-key:\n  - openrouter=sk-or-v1-FAKE\n");
  const auto found = discovered<cp::Aider>(home.environment());
  REQUIRE(found.size() == 2);
  CHECK(found[0].provider == "anthropic");
  CHECK(found[0].secret.reveal() == "sk-ant-api03-FAKE");
  CHECK(found[1].provider == "openrouter");
  CHECK(found[1].secret.reveal() == "sk-or-v1-FAKE");
  CHECK(found[1].places[0].pointer == "/api-key/0");
}

TEST_CASE("source/aider: one key in two files is one credential") {
  const ThrowawayHome home;
  home.write(".env", "OPENAI_API_KEY=sk-FAKE\n");
  home.write(".aider.conf.yml",
             "openai-api-key: sk-FAKE\nopenai-api-base: https://proxy.test/v1\n");
  CHECK(only_discovered<cp::Aider>(home.environment()).places.size() == 2);
}

TEST_CASE("source/aider: what its own login fetched") {
  const ThrowawayHome home;
  home.write(".aider/oauth-keys.env", "OPENROUTER_API_KEY=\"sk-or-v1-FAKE\"\n");
  CHECK(only_discovered<cp::Aider>(home.environment()).provider == "openrouter");
}

TEST_CASE("source/aider: nothing, and the sample configuration, have no key") {
  const ThrowawayHome home;
  CHECK(discovered<cp::Aider>(home.environment()).empty());
  home.write(".aider.conf.yml", "## comments\nopenai-api-key:\nmodel: x\napi-key: []\n");
  home.write(".env", "OPENAI_API_KEY=\n# ANTHROPIC_API_KEY=sk-FAKE\n");
  CHECK(discovered<cp::Aider>(home.environment()).empty());
}

TEST_CASE("source/aider: broken files and entries are listed with their reason") {
  const ThrowawayHome home;
  const auto reason = [&](std::string_view text) {
    home.write(".aider.conf.yml", text);
    return only_discovered<cp::Aider>(home.environment()).reason;
  };
  using enum cp::Reason;
  CHECK(reason("openai-api-key: [") == malformed);
  CHECK(reason("openai-api-key: [sk-FAKE]\n") == malformed);
  CHECK(reason("api-key: FAKE\n") == malformed);
  CHECK(reason("api-key:\n  - {a: FAKE}\n") == malformed);
  CHECK(reason("api-key: \"bad name=FAKE\"\n") == malformed);
  CHECK(reason("api-key: \"openrouter=FA KE\"\n") == unsafe_token);
  CHECK(reason("api-key: openrouter=\n") == signed_out);
  CHECK(reason("a: 1\na: 2\n") == duplicate_key);
  CHECK(reason(std::string(200, '[')) == too_deep);
  CHECK(reason(std::string(2 * 1024 * 1024, '#')) == too_large);
  std::filesystem::remove(home.path() / ".aider.conf.yml");
  home.write(".env", "OPENAI_API_KEY=\"FAKE\\nX\"\n");
  CHECK(only_discovered<cp::Aider>(home.environment()).reason == unsafe_token);
  std::filesystem::remove(home.path() / ".env");
  std::filesystem::create_directory(home.path() / ".env");
  CHECK(only_discovered<cp::Aider>(home.environment()).reason == unsafe_file);
}
