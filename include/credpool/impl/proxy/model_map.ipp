#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/model_map.hpp>

#include <credpool/proxy/upstream_api.hpp>
#include <credpool/validation/shown_text.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A family of models, told by how the names begin, and who makes or serves it.
struct ModelFamily {
  std::string_view prefix;
  std::string_view providers;  ///< usual ids, in the order of preference
};

// A longer prefix stands before a shorter one that it begins with.
inline constexpr std::array model_families{
    ModelFamily{"gpt-oss", "groq"},
    ModelFamily{"gpt-", "openai"},
    ModelFamily{"chatgpt-", "openai"},
    ModelFamily{"codex-", "openai"},
    ModelFamily{"o1", "openai"},
    ModelFamily{"o3", "openai"},
    ModelFamily{"o4", "openai"},
    ModelFamily{"text-embedding-v", "dashscope"},
    ModelFamily{"text-embedding-", "openai"},
    ModelFamily{"davinci-", "openai"},
    ModelFamily{"babbage-", "openai"},
    ModelFamily{"claude-", "anthropic"},
    ModelFamily{"gemini-", "gemini"},
    ModelFamily{"gemma-", "gemini groq"},
    ModelFamily{"kimi-for-coding", "kimi-code"},
    ModelFamily{"kimi-", "kimi-code moonshot"},
    ModelFamily{"moonshot-", "moonshot"},
    ModelFamily{"qwen", "dashscope iflow"},
    ModelFamily{"qwq-", "dashscope iflow"},
    ModelFamily{"deepseek-", "deepseek iflow"},
    ModelFamily{"grok-", "xai"},
    ModelFamily{"glm-", "zai iflow"},
    ModelFamily{"minimax-", "minimax"},
    ModelFamily{"llama-", "groq"},
    ModelFamily{"mistral-", "mistral"},
    ModelFamily{"ministral-", "mistral"},
    ModelFamily{"magistral-", "mistral"},
    ModelFamily{"codestral-", "mistral"},
    ModelFamily{"devstral-", "mistral"},
    ModelFamily{"pixtral-", "mistral"},
};

inline bool begins_as(std::string_view model, std::string_view prefix) noexcept {
  const auto same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  };
  return model.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), model.begin(),
                                                     [&](char p, char m) { return same(m, p); });
}

inline std::uint32_t operation_bit(Operation operation) noexcept {
  return std::uint32_t{1} << static_cast<unsigned>(operation);
}

inline void add_target(std::vector<ModelTarget>& targets, std::string_view provider,
                       std::string_view model) {
  ModelTarget target{std::string{provider}, std::string{model}};
  if (std::find(targets.begin(), targets.end(), target) == targets.end())
    targets.push_back(std::move(target));
}

}  // namespace detail

CREDPOOL_INLINE ModelMap::ModelMap(const Settings& settings,
                                   std::vector<ProviderOperations> providers)
    : aliases_{settings.proxy.models}, only_{settings.models} {
  for (auto& provider : providers) {
    Holder each{std::move(provider.provider)};
    for (const auto operation : provider.operations)
      each.operations |= detail::operation_bit(operation);
    holders_.push_back(std::move(each));
  }
  const auto list = [&](const std::string& provider, const std::vector<std::string>& models) {
    for (const auto& model : models) {
      auto& at = listed_[model];
      if (std::find(at.begin(), at.end(), provider) == at.end()) at.push_back(provider);
    }
  };
  for (const auto& [provider, models] : settings.models) list(provider, models);
  for (const auto& [provider, own] : settings.providers) list(provider, own.models);

  for (const auto& [name, targets] : aliases_)
    for (const auto& target : targets)
      if (holder(target.provider) != nullptr) {
        named_.push_back({target.provider, name});
        break;
      }
  for (const auto& [model, at] : listed_) {
    if (aliases_.contains(model)) continue;
    for (const auto& provider : at)
      if (holder(provider) != nullptr) {
        named_.push_back({provider, model});
        break;
      }
  }
}

CREDPOOL_INLINE const ModelMap::Holder* ModelMap::holder(std::string_view provider) const noexcept {
  for (const auto& each : holders_)
    if (each.provider == provider) return &each;
  return nullptr;
}

CREDPOOL_INLINE bool ModelMap::serves(std::string_view provider,
                                      Operation operation) const noexcept {
  const auto* found = holder(provider);
  return found != nullptr && (found->operations & detail::operation_bit(operation)) != 0;
}

CREDPOOL_INLINE bool ModelMap::takes(std::string_view provider, std::string_view model) const {
  const auto listed = only_.find(provider);
  return listed == only_.end() ||
         std::find(listed->second.begin(), listed->second.end(), model) != listed->second.end();
}

CREDPOOL_INLINE void ModelMap::add_maker(std::vector<ModelTarget>& found, std::string_view provider,
                                         std::string_view model, Operation operation) const {
  if (serves(provider, operation) && takes(provider, model))
    detail::add_target(found, provider, model);
  const auto usual = usual_provider_id(provider);
  for (const auto& each : holders_)
    if (usual_provider_id(each.provider) == usual && serves(each.provider, operation) &&
        takes(each.provider, model))
      detail::add_target(found, each.provider, model);
}

CREDPOOL_INLINE void ModelMap::add_family(std::vector<ModelTarget>& found, std::string_view model,
                                          Operation operation) const {
  // "maker/model" is how OpenRouter names models.
  if (model.find('/') != std::string_view::npos)
    return add_maker(found, "openrouter", model, operation);
  for (const auto& family : detail::model_families) {
    if (!detail::begins_as(model, family.prefix)) continue;
    auto makers = family.providers;
    while (!makers.empty()) {
      const auto end = std::min(makers.find(' '), makers.size());
      const auto maker = makers.substr(0, end);
      makers.remove_prefix(std::min(end + 1, makers.size()));
      add_maker(found, maker, model, operation);
    }
    return;
  }
}

CREDPOOL_INLINE Error ModelMap::not_found(std::string_view model, Operation operation) const {
  std::string providers;
  for (const auto& each : holders_)
    if (serves(each.provider, operation))
      providers += (providers.empty() ? "" : ", ") + each.provider;
  std::string names;
  constexpr std::size_t most = 20;
  for (std::size_t i = 0; i < std::min(named_.size(), most); ++i)
    names += (names.empty() ? "" : ", ") + named_[i].model;
  const std::string what{shown_operation(operation)};
  std::string hint;
  if (providers.empty()) {
    hint = "no credential here serves " + what;
  } else {
    hint = "write <provider>/<model> with one of: " + providers;
    if (!names.empty()) hint += "; names here: " + names;
  }
  return {Errc::not_found,
          "choosing a provider for the model \"" + shown_text(model, Credential{}, 120) + '"',
          {},
          hint};
}

CREDPOOL_INLINE Result<std::vector<ModelTarget>> ModelMap::candidates(std::string_view model,
                                                                      Operation operation) const {
  std::vector<ModelTarget> found;
  const auto add = [&](std::string_view provider, std::string_view name) {
    add_maker(found, provider, name, operation);
  };
  if (const auto alias = aliases_.find(model); alias != aliases_.end())
    for (const auto& target : alias->second) add(target.provider, target.model);
  if (!found.empty()) return found;

  if (const auto slash = model.find('/'); slash != std::string_view::npos)
    add(model.substr(0, slash), model.substr(slash + 1));
  if (!found.empty()) return found;

  if (const auto listed = listed_.find(model); listed != listed_.end())
    for (const auto& provider : listed->second) add(provider, model);
  if (!found.empty()) return found;

  add_family(found, model, operation);
  if (!found.empty()) return found;

  const Holder* only = nullptr;
  std::size_t speaking = 0;
  for (const auto& each : holders_)
    if (serves(each.provider, operation)) {
      only = &each;
      ++speaking;
    }
  if (speaking != 1 || model.empty() || !takes(only->provider, model))
    return fail(not_found(model, operation));
  detail::add_target(found, only->provider, model);
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
