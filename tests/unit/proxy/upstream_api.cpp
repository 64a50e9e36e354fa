// SPDX-License-Identifier: MIT
#include <credpool/proxy/upstream_api.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace cp = credpool;
using cp::Kind;
using cp::Operation;

namespace {

cp::Credential made(std::string_view provider, Kind kind, std::string_view secret = "FAKE-secret",
                    std::string base_url = {}) {
  auto credential = cp::Credential::api_key("cli", provider, cp::Secret{secret});
  credential.kind = kind;
  credential.base_url = std::move(base_url);
  return credential;
}

std::string url(const cp::UpstreamPlan& plan, Operation operation) {
  const auto* target = plan.target(operation);
  return target == nullptr ? "none" : target->origin + target->path;
}

std::string url(const cp::Credential& credential, Operation operation,
                const cp::Settings& settings = {}) {
  return url(cp::upstream_plan(credential, settings), operation);
}

const cp::UpstreamHeader* header(const cp::UpstreamTarget& target, std::string_view name) {
  const auto found = std::find_if(target.headers.begin(), target.headers.end(),
                                  [&](const auto& h) { return h.name == name; });
  return found == target.headers.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("proxy/upstream_api: where each provider is asked") {
  struct Row {
    const char* provider;
    Kind kind;
    const char* secret;
    Operation operation;
    const char* url;
  };
  using enum Operation;
  const Row rows[] = {
      {"openai", Kind::api_key, "k", chat_completions,
       "https://api.openai.com/v1/chat/completions"},
      {"openai", Kind::api_key, "k", responses, "https://api.openai.com/v1/responses"},
      {"openai", Kind::api_key, "k", embeddings, "https://api.openai.com/v1/embeddings"},
      {"openai", Kind::api_key, "k", completions, "https://api.openai.com/v1/completions"},
      {"openai", Kind::api_key, "k", models, "https://api.openai.com/v1/models"},
      {"openai", Kind::api_key, "k", messages, "none"},
      {"openai", Kind::oauth, "k", responses, "https://chatgpt.com/backend-api/codex/responses"},
      {"openai", Kind::oauth, "k", chat_completions, "none"},
      {"openai", Kind::token, "k", responses, "none"},
      {"anthropic", Kind::api_key, "k", messages, "https://api.anthropic.com/v1/messages"},
      {"anthropic", Kind::api_key, "k", count_tokens,
       "https://api.anthropic.com/v1/messages/count_tokens"},
      {"anthropic", Kind::api_key, "k", chat_completions,
       "https://api.anthropic.com/v1/chat/completions"},
      {"anthropic", Kind::oauth, "k", messages, "https://api.anthropic.com/v1/messages"},
      {"anthropic", Kind::oauth, "k", chat_completions, "none"},
      {"kimi-code", Kind::oauth, "k", chat_completions,
       "https://api.kimi.com/coding/v1/chat/completions"},
      {"kimi-code", Kind::api_key, "k", messages, "https://api.kimi.com/coding/v1/messages"},
      {"moonshot", Kind::api_key, "k", chat_completions,
       "https://api.moonshot.ai/v1/chat/completions"},
      {"moonshot", Kind::api_key, "k", messages, "https://api.moonshot.ai/anthropic/v1/messages"},
      {"moonshot-cn", Kind::api_key, "k", chat_completions,
       "https://api.moonshot.cn/v1/chat/completions"},
      {"dashscope", Kind::api_key, "sk-x", embeddings,
       "https://dashscope.aliyuncs.com/compatible-mode/v1/embeddings"},
      {"dashscope", Kind::api_key, "sk-x", messages,
       "https://dashscope.aliyuncs.com/apps/anthropic/v1/messages"},
      {"dashscope", Kind::api_key, "sk-sp-x", chat_completions,
       "https://coding.dashscope.aliyuncs.com/v1/chat/completions"},
      {"dashscope", Kind::api_key, "sk-sp-x", messages,
       "https://coding.dashscope.aliyuncs.com/apps/anthropic/v1/messages"},
      {"dashscope", Kind::api_key, "sk-sp-x", embeddings, "none"},
      {"gemini", Kind::api_key, "k", chat_completions,
       "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"},
      {"gemini", Kind::api_key, "k", responses, "none"},
      {"google-gemini-cli", Kind::oauth, "k", chat_completions, "none"},
      {"openrouter", Kind::api_key, "k", messages, "https://openrouter.ai/api/v1/messages"},
      {"deepseek", Kind::api_key, "k", chat_completions,
       "https://api.deepseek.com/chat/completions"},
      {"deepseek", Kind::api_key, "k", messages, "https://api.deepseek.com/anthropic/v1/messages"},
      {"groq", Kind::api_key, "k", responses, "https://api.groq.com/openai/v1/responses"},
      {"mistral", Kind::api_key, "k", embeddings, "https://api.mistral.ai/v1/embeddings"},
      {"xai", Kind::api_key, "k", chat_completions, "https://api.x.ai/v1/chat/completions"},
      {"iflow", Kind::api_key, "k", chat_completions, "https://apis.iflow.cn/v1/chat/completions"},
      {"zai", Kind::api_key, "k", chat_completions,
       "https://api.z.ai/api/paas/v4/chat/completions"},
      {"zai", Kind::api_key, "k", messages, "https://api.z.ai/api/anthropic/v1/messages"},
      {"minimax", Kind::api_key, "k", messages, "https://api.minimax.io/anthropic/v1/messages"},
      {"github-copilot", Kind::token, "k", chat_completions, "none"},
      {"cursor", Kind::oauth, "k", chat_completions, "none"},
      {"nobody-knows", Kind::api_key, "k", chat_completions, "none"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.provider);
    CAPTURE(cp::shown_operation(row.operation));
    CHECK(url(made(row.provider, row.kind, row.secret), row.operation) == row.url);
  }
}

TEST_CASE("proxy/upstream_api: how the secret is sent, and our own name") {
  const auto key = cp::upstream_target(made("anthropic", Kind::api_key), Operation::messages, {});
  REQUIRE(key);
  CHECK(key->auth.header == "x-api-key");
  CHECK(key->auth.prefix.empty());
  REQUIRE(header(*key, "anthropic-version") != nullptr);
  CHECK(header(*key, "anthropic-version")->rule == cp::HeaderRule::fallback);
  CHECK(header(*key, "anthropic-beta") == nullptr);
  REQUIRE(header(*key, "user-agent") != nullptr);
  CHECK(header(*key, "user-agent")->value == "credpool/" CREDPOOL_VERSION_STRING);

  const auto chat =
      cp::upstream_target(made("anthropic", Kind::api_key), Operation::chat_completions, {});
  REQUIRE(chat);
  CHECK(chat->auth.header == "authorization");
  CHECK(chat->auth.prefix == "Bearer ");

  const auto login = cp::upstream_target(made("anthropic", Kind::token), Operation::messages, {});
  REQUIRE(login);
  CHECK(login->auth.header == "authorization");
  REQUIRE(header(*login, "anthropic-beta") != nullptr);
  CHECK(header(*login, "anthropic-beta")->value == "oauth-2025-04-20");
  CHECK(header(*login, "anthropic-beta")->rule == cp::HeaderRule::append);
}

TEST_CASE("proxy/upstream_api: a ChatGPT login names its account, unless that is no header") {
  auto credential = made("openai", Kind::oauth);
  credential.account_id = "acct-1";
  const auto good = cp::upstream_target(credential, Operation::responses, {});
  REQUIRE(good);
  REQUIRE(header(*good, "chatgpt-account-id") != nullptr);
  CHECK(header(*good, "chatgpt-account-id")->value == "acct-1");
  credential.account_id = "acct\r\nx: y";
  const auto bad = cp::upstream_target(credential, Operation::responses, {});
  REQUIRE(bad);
  CHECK(header(*bad, "chatgpt-account-id") == nullptr);
}

TEST_CASE("proxy/upstream_api: an address of the store or the settings goes before ours") {
  const auto chat = Operation::chat_completions;
  const auto own = made("moonshot", Kind::api_key, "k", "https://api.moonshot.cn/v1/");
  CHECK(url(own, chat) == "https://api.moonshot.cn/v1/chat/completions");
  const auto gateway = made("openai", Kind::api_key, "k", "https://gw.example/llm/v1");
  CHECK(url(gateway, chat) == "https://gw.example/llm/v1/chat/completions");
  const auto unsafe = made("openai", Kind::api_key, "k", "http://gw.example/v1");
  CHECK(url(unsafe, chat) == "none");
  CHECK(cp::upstream_plan(unsafe, {}).refusal(chat).doing.find("address") != std::string::npos);

  cp::Settings settings;
  settings.base_urls["openai"] = "http://127.0.0.1:9/v1";
  settings.base_urls["zai"] = "http://127.0.0.1:9/api/coding/paas/v4";
  CHECK(url(gateway, chat, settings) == "http://127.0.0.1:9/v1/chat/completions");
  CHECK(url(made("zai", Kind::api_key), chat, settings) ==
        "http://127.0.0.1:9/api/coding/paas/v4/chat/completions");
}

TEST_CASE("proxy/upstream_api: a provider of the user's own") {
  cp::Settings settings;
  settings.providers["acme"] = {.base_url = "https://llm.acme.example/v1"};
  settings.providers["claudish"] = {.base_url = "https://c.example/v1/",
                                    .api = cp::ProviderApi::anthropic};
  auto acme = made("acme", Kind::api_key);
  CHECK(url(acme, Operation::chat_completions, settings) == "none");  // of another source
  acme.cli = "config";
  CHECK(url(acme, Operation::chat_completions, settings) ==
        "https://llm.acme.example/v1/chat/completions");
  CHECK(url(acme, Operation::messages, settings) == "none");
  auto claudish = made("claudish", Kind::api_key);
  claudish.cli = "config";
  const auto target = cp::upstream_target(claudish, Operation::messages, settings);
  REQUIRE(target);
  CHECK(target->origin + target->path == "https://c.example/v1/messages");
  CHECK(target->auth.header == "x-api-key");
}

TEST_CASE("proxy/upstream_api: a refusal says why and what would serve it, and holds no secret") {
  const auto refused = cp::upstream_target(made("google-gemini-cli", Kind::oauth, "FAKE-token"),
                                           Operation::chat_completions, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().errc() == cp::Errc::unsupported);
  const auto text = refused.error().message();
  CHECK(text.find("Code Assist") != std::string::npos);
  CHECK(text.find("gemini (GEMINI_API_KEY)") != std::string::npos);
  CHECK(text.find("kimi-code") != std::string::npos);
  CHECK(text.find("FAKE") == std::string::npos);
  CHECK(cp::providers_serving(Operation::count_tokens) ==
        std::vector<std::string_view>{"anthropic"});
  CHECK(cp::usual_provider_id("claude-cli") == "anthropic");
  CHECK(cp::usual_provider_id("acme") == "acme");
}
