// SPDX-License-Identifier: MIT
#include <credpool/proxy/model_map.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using enum cp::Operation;
using Targets = std::vector<cp::ModelTarget>;

namespace {

std::vector<cp::ProviderOperations> pool() {
  return {{"openai", {chat_completions, responses, embeddings}},
          {"anthropic", {messages, chat_completions}},
          {"moonshot", {chat_completions, messages}},
          {"kimi-code", {chat_completions, messages}},
          {"acme", {chat_completions}}};
}

Targets candidates(const cp::ModelMap& map, std::string_view model,
                   cp::Operation operation = chat_completions) {
  const auto found = map.candidates(model, operation);
  return found ? *found : Targets{};
}

}  // namespace

TEST_CASE("proxy/model_map: a name of the user's own goes first, in the user's order") {
  cp::Settings settings;
  settings.proxy.models["gpt-5"] = {{"nobody", "x"}, {"acme", "large"}, {"openai", "gpt-5-mini"}};
  const cp::ModelMap map{settings, pool()};
  CHECK(candidates(map, "gpt-5") == Targets{{"acme", "large"}, {"openai", "gpt-5-mini"}});
  // Of the user's providers only those that speak the operation; acme does not.
  CHECK(candidates(map, "gpt-5", responses) == Targets{{"openai", "gpt-5-mini"}});
  // Where none of them does, the other rules hold.
  settings.proxy.models["gpt-5"] = {{"acme", "large"}};
  CHECK(candidates(cp::ModelMap{settings, pool()}, "gpt-5", responses) ==
        Targets{{"openai", "gpt-5"}});
}

TEST_CASE("proxy/model_map: a provider before the name chooses it") {
  const cp::ModelMap map{{}, pool()};
  CHECK(candidates(map, "moonshot/kimi-k2") == Targets{{"moonshot", "kimi-k2"}});
  CHECK(candidates(map, "acme/a/b") == Targets{{"acme", "a/b"}});
  CHECK(candidates(map, "claude/claude-opus", messages) == Targets{{"anthropic", "claude-opus"}});
  CHECK(candidates(map, "groq/llama") == Targets{});  // not in the pool
  auto more = pool();
  more.push_back({"openrouter", {chat_completions}});
  const cp::ModelMap router{{}, more};
  CHECK(candidates(router, "groq/llama") == Targets{{"openrouter", "groq/llama"}});
  CHECK(candidates(router, "openai/gpt-5") == Targets{{"openai", "gpt-5"}});
  CHECK(candidates(router, "openrouter/openai/gpt-5") == Targets{{"openrouter", "openai/gpt-5"}});
}

TEST_CASE("proxy/model_map: the models that the configuration lists, then the families") {
  cp::Settings settings;
  settings.models["moonshot"] = {"kimi-k2"};
  settings.providers["acme"] = {.base_url = "https://a.example", .models = {"acme-large"}};
  const cp::ModelMap map{settings, pool()};
  CHECK(candidates(map, "kimi-k2") == Targets{{"moonshot", "kimi-k2"}});
  // A provider whose models are listed serves no others: the pool would refuse them.
  CHECK(candidates(map, "kimi-k3") == Targets{{"kimi-code", "kimi-k3"}});
  CHECK(candidates(map, "moonshot/kimi-k3") == Targets{});
  CHECK(candidates(map, "acme-large") == Targets{{"acme", "acme-large"}});
  CHECK(candidates(map, "GPT-5") == Targets{{"openai", "GPT-5"}});
  CHECK(candidates(map, "o3-mini") == Targets{{"openai", "o3-mini"}});
  CHECK(candidates(map, "text-embedding-3-small", embeddings) ==
        Targets{{"openai", "text-embedding-3-small"}});
  CHECK(candidates(map, "claude-opus-4", messages) == Targets{{"anthropic", "claude-opus-4"}});
  // The maker is there and does not speak the operation.
  CHECK(candidates(map, "claude-opus-4", embeddings) == Targets{{"openai", "claude-opus-4"}});
}

TEST_CASE("proxy/model_map: the only provider that speaks the operation takes every name") {
  const cp::ModelMap map{{}, {{"acme", {chat_completions}}, {"other", {messages}}}};
  CHECK(candidates(map, "whatever") == Targets{{"acme", "whatever"}});
  CHECK(candidates(map, "") == Targets{});
}

TEST_CASE("proxy/model_map: what is not there is told with what is") {
  cp::Settings settings;
  settings.proxy.models["fast"] = {{"acme", "small"}};
  const cp::ModelMap map{settings, pool()};
  const auto none = map.candidates("no\x1b[31msuch", chat_completions);
  REQUIRE_FALSE(none);
  CHECK(none.error().errc() == cp::Errc::not_found);
  CHECK(none.error().doing.find('\x1b') == std::string::npos);
  CHECK(none.error().hint ==
        "write <provider>/<model> with one of: openai, anthropic, moonshot, kimi-code, acme; "
        "names here: fast");
  const auto nobody = cp::ModelMap{}.candidates("gpt-5", chat_completions);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().hint == "no credential here serves chat/completions");
}

TEST_CASE("proxy/model_map: the names for a list of models, once each, and only of the pool's") {
  cp::Settings settings;
  settings.proxy.models["fast"] = {{"nobody", "x"}, {"acme", "small"}};
  settings.proxy.models["gone"] = {{"nobody", "x"}};
  settings.models["openai"] = {"gpt-5", "fast"};
  settings.models["nobody"] = {"y"};
  const cp::ModelMap map{settings, pool()};
  CHECK(map.named_models() == Targets{{"acme", "fast"}, {"openai", "gpt-5"}});
}
