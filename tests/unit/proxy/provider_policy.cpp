// SPDX-License-Identifier: MIT
#include <credpool/proxy/provider_policy.hpp>

#include <credpool/proxy/upstream_api.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using cp::Kind;
using cp::ProviderUse;

namespace {

cp::Credential made(std::string_view provider, Kind kind) {
  auto credential = cp::Credential::api_key("cli", provider, cp::Secret{"FAKE-secret"});
  credential.kind = kind;
  return credential;
}

}  // namespace

TEST_CASE("proxy/provider_policy: keys may be used, subscription logins only as their terms say") {
  const cp::Settings none;
  for (const auto provider : {"openai", "anthropic", "gemini", "kimi-code", "dashscope", "groq"})
    CHECK(cp::proxy_use(made(provider, Kind::api_key), none) == ProviderUse::allow);
  CHECK(cp::proxy_use(made("anthropic", Kind::oauth), none) == ProviderUse::forbid);
  CHECK(cp::proxy_use(made("anthropic", Kind::token), none) == ProviderUse::forbid);
  CHECK(cp::proxy_use(made("google-gemini-cli", Kind::oauth), none) == ProviderUse::forbid);
  CHECK(cp::proxy_use(made("github-copilot", Kind::token), none) == ProviderUse::ask);
  CHECK(cp::proxy_use(made("openai", Kind::oauth), none) == ProviderUse::ask);
  CHECK(cp::proxy_use(made("kimi-code", Kind::oauth), none) == ProviderUse::ask);
  CHECK(cp::proxy_use(made("nobody-knows", Kind::oauth), none) == ProviderUse::ask);
  CHECK(cp::proxy_use(made("nobody-knows", Kind::api_key), none) == ProviderUse::allow);
}

TEST_CASE("proxy/provider_policy: the user's word goes before the table") {
  cp::Settings settings;
  settings.policy["anthropic"] = ProviderUse::allow;
  settings.policy["openai"] = ProviderUse::forbid;
  CHECK(cp::check_proxy_use(made("anthropic", Kind::oauth), settings));
  const auto refused = cp::check_proxy_use(made("openai", Kind::api_key), settings);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().doing.find("the configuration forbids it") != std::string::npos);
}

TEST_CASE("proxy/provider_policy: a refusal says why, how to agree, and where the terms are") {
  const auto refused = cp::check_proxy_use(made("openai", Kind::oauth), {});
  REQUIRE_FALSE(refused);
  const auto& error = refused.error();
  CHECK(error.errc() == cp::Errc::forbidden);
  CHECK(error.doing.find("ChatGPT") != std::string::npos);
  CHECK(error.doing.find("2026-11-21") != std::string::npos);
  CHECK(error.hint.find("policy: { \"openai\": \"allow\" }") != std::string::npos);
  CHECK(error.hint.find("credpool serve --allow openai") != std::string::npos);
  CHECK(error.hint.find("https://openai.com/policies/") != std::string::npos);
  CHECK(error.message().find("FAKE") == std::string::npos);
}

TEST_CASE("proxy/provider_policy: a provider of the user's own is the user's business") {
  auto own = made("openai", Kind::api_key);
  own.cli = "config";
  CHECK(cp::policy_of(own) == nullptr);
  CHECK(cp::check_proxy_use(own, {}));
}

TEST_CASE(
    "proxy/provider_policy: every row is complete, and every provider that is served has one") {
  for (const auto& row : cp::provider_policies()) {
    CAPTURE(row.providers);
    // Nobody is accused of forbidding something on a page that was not read.
    CHECK(row.read_on.size() == (row.use == ProviderUse::forbid || !row.read_on.empty() ? 10 : 0));
    CHECK(row.link.starts_with("https://"));
    CHECK_FALSE(row.why.empty());
  }
  for (const auto operation : {cp::Operation::chat_completions, cp::Operation::responses,
                               cp::Operation::messages, cp::Operation::embeddings})
    for (const auto provider : cp::providers_serving(operation)) {
      CAPTURE(provider);
      CHECK(cp::policy_of(made(provider, Kind::api_key)) != nullptr);
    }
}
