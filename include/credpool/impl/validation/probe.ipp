#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/validation/probe.hpp>

#include <credpool/impl/validation/probe_host.hpp>

#include <algorithm>
#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

// docs/providers.md explains each row. The first row for a provider, kind and prefix decides;
// rows that follow it with the same ids and prefix are further steps.
inline constexpr std::array probe_table{
    Probe{"kimi-code kimi-coding kimi-cli kimi", "oauth api_key token", "GET",
          "https://api.kimi.com/coding/v1", "/usages", "X-Msh-Platform: credpool", "",
          ProbeAuth::bearer, ProbeAnswer::kimi_usages, "", ""},
    Probe{"moonshot moonshotai", "api_key", "GET",
          "https://api.moonshot.ai/v1 https://api.moonshot.cn/v1", "/models", "", "",
          ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"moonshot-cn moonshotai-cn", "api_key", "GET",
          "https://api.moonshot.cn/v1 https://api.moonshot.ai/v1", "/models", "", "",
          ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"openai openai-codex codex-cli", "oauth", "GET", "https://chatgpt.com/backend-api",
          "/wham/usage", "originator: credpool", "", ProbeAuth::bearer, ProbeAnswer::codex_usage,
          "", ""},
    Probe{"openai openai-codex codex-cli", "token", "GET", "https://auth.openai.com",
          "/api/accounts/v1/user-auth-credential/whoami", "", "", ProbeAuth::bearer,
          ProbeAnswer::nothing, "", ""},
    Probe{"openai openai-codex codex-cli", "api_key", "GET", "https://api.openai.com/v1", "/models",
          "", "", ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"qwen-portal qwen-cli qwen", "oauth", "GET", "https://portal.qwen.ai/v1", "/models",
          "X-DashScope-AuthType: qwen-oauth", "", ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"dashscope bailian modelstudio qwen-portal qwen-cli qwen", "api_key", "GET",
          "https://coding.dashscope.aliyuncs.com/v1 https://coding-intl.dashscope.aliyuncs.com/v1",
          "/models", "", "", ProbeAuth::bearer, ProbeAnswer::nothing, "sk-sp-", ""},
    Probe{"dashscope bailian modelstudio qwen-portal qwen-cli qwen", "api_key", "GET",
          "https://dashscope.aliyuncs.com/compatible-mode/v1 "
          "https://dashscope-intl.aliyuncs.com/compatible-mode/v1 "
          "https://dashscope-us.aliyuncs.com/compatible-mode/v1 "
          "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1",
          "/models", "", "", ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"google-gemini-cli gemini-cli", "oauth token", "POST", "https://oauth2.googleapis.com",
          "/tokeninfo", "", "", ProbeAuth::bearer, ProbeAnswer::nothing, "",
          "google-gemini-cli/tokeninfo"},
    Probe{
        "google-gemini-cli gemini-cli", "oauth token", "POST",
        "https://cloudcode-pa.googleapis.com", "/v1internal:loadCodeAssist",
        "Content-Type: application/json",
        R"({"metadata":{"ideType":"IDE_UNSPECIFIED","platform":"PLATFORM_UNSPECIFIED","pluginType":"GEMINI"}})",
        ProbeAuth::bearer, ProbeAnswer::code_assist, "", ""},
    Probe{"google gemini google-gemini-cli gemini-cli", "api_key", "GET",
          "https://generativelanguage.googleapis.com/v1beta", "/models?pageSize=1", "", "",
          ProbeAuth::x_goog_api_key, ProbeAnswer::nothing, "", ""},
    Probe{"google-vertex google-antigravity", "oauth token", "POST",
          "https://oauth2.googleapis.com", "/tokeninfo", "", "", ProbeAuth::bearer,
          ProbeAnswer::nothing, "", "google-gemini-cli/tokeninfo"},
    Probe{"anthropic claude claude-cli", "oauth token", "GET", "https://api.anthropic.com",
          "/api/oauth/usage", "anthropic-beta: oauth-2025-04-20", "", ProbeAuth::bearer,
          ProbeAnswer::claude_usage, "", ""},
    Probe{"anthropic claude claude-cli", "api_key", "GET", "https://api.anthropic.com",
          "/v1/models", "anthropic-version: 2023-06-01", "", ProbeAuth::x_api_key,
          ProbeAnswer::nothing, "", ""},
    Probe{"github-copilot copilot", "oauth token", "GET", "https://api.github.com",
          "/copilot_internal/user", "", "", ProbeAuth::github_token, ProbeAnswer::nothing, "", ""},
    Probe{"github", "oauth token api_key", "GET", "https://api.github.com", "/user", "", "",
          ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"xai grok", "oauth token api_key", "GET", "https://api.x.ai/v1", "/models", "", "",
          ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"iflow", "oauth token api_key", "GET", "https://apis.iflow.cn/v1", "/models", "", "",
          ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"factory droid", "oauth token api_key", "GET", "https://api.factory.ai",
          "/api/billing/limits", "", "", ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"openrouter", "api_key oauth", "GET", "https://openrouter.ai/api/v1", "/key", "", "",
          ProbeAuth::bearer, ProbeAnswer::openrouter_key, "", ""},
    Probe{"deepseek", "api_key", "GET", "https://api.deepseek.com", "/models", "", "",
          ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"groq", "api_key", "GET", "https://api.groq.com/openai/v1", "/models", "", "",
          ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
    Probe{"mistral", "api_key", "GET", "https://api.mistral.ai/v1", "/models", "", "",
          ProbeAuth::bearer, ProbeAnswer::nothing, "", ""},
};

/// The parts of a list, in order.
inline std::vector<std::string_view> probe_list(std::string_view list, char separator) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const auto end = std::min(list.find(separator), list.size());
    if (end > 0) parts.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

inline bool probe_lists(std::string_view list, std::string_view word) {
  const auto words = probe_list(list, ' ');
  return std::find(words.begin(), words.end(), word) != words.end();
}

inline std::string probe_without_slash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string{url};
}

/// The stores name the address that their CLI talks to; a probe may live beside it.
inline std::string probe_root(const Probe& probe, std::string_view url) {
  auto root = probe_without_slash(url);
  const auto drop = [&](std::string_view suffix) {
    if (root.ends_with(suffix))
      root = probe_without_slash(root.substr(0, root.size() - suffix.size()));
  };
  if (probe.answer == ProbeAnswer::codex_usage) drop("/codex");
  if (probe.auth == ProbeAuth::x_goog_api_key) drop("/openai");
  if (probe_lists(probe.provider, "anthropic")) drop("/v1");
  return root;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<const Probe*> probes_for(const Credential& credential) {
  std::vector<const Probe*> probes;
  for (const auto& probe : detail::probe_table) {
    if (!detail::probe_lists(probe.provider, credential.provider)) continue;
    if (!detail::probe_lists(probe.kinds, to_string(credential.kind))) continue;
    if (!credential.secret.reveal().starts_with(probe.needs_prefix)) continue;
    if (!probes.empty() && (probes.front()->provider != probe.provider ||
                            probes.front()->needs_prefix != probe.needs_prefix))
      break;
    probes.push_back(&probe);
  }
  return probes;
}

CREDPOOL_INLINE std::vector<std::string> base_urls(const Probe& probe, const Credential& credential,
                                                   const BaseUrls& overrides) {
  const auto found_override = [&]() -> const std::string* {
    const auto with_kind = credential.provider + "/" + std::string{to_string(credential.kind)};
    for (const auto& key : probe.override_as.empty() ? std::vector{with_kind, credential.provider}
                                                     : std::vector{std::string{probe.override_as}})
      if (const auto found = overrides.find(key); found != overrides.end()) return &found->second;
    return nullptr;
  };
  if (const auto* only = found_override()) return {detail::probe_root(probe, *only)};

  std::vector<std::string> urls;
  for (const auto url : detail::probe_list(probe.base_url, ' ')) urls.emplace_back(url);
  if (credential.base_url.empty() || !probe.override_as.empty()) return urls;
  const auto own = detail::probe_root(probe, credential.base_url);
  const auto known = std::find_if(urls.begin(), urls.end(), [&](const std::string& url) {
    return detail::probe_host(url) == detail::probe_host(own);
  });
  if (known == urls.end()) {
    // A login's own address is a place of the API; the check of a login lives at the provider.
    if (probe.answer == ProbeAnswer::code_assist) return urls;
    return {own};
  }
  std::rotate(urls.begin(), known, known + 1);
  return urls;
}

CREDPOOL_INLINE std::string base_url(std::string_view provider, const BaseUrls& overrides) {
  if (const auto found = overrides.find(provider); found != overrides.end())
    return detail::probe_without_slash(found->second);
  const Probe* best = nullptr;
  for (const auto& probe : detail::probe_table) {
    if (!detail::probe_lists(probe.provider, provider) || !probe.needs_prefix.empty()) continue;
    if (best == nullptr || detail::probe_lists(probe.kinds, "api_key")) best = &probe;
  }
  if (best == nullptr) return {};
  return std::string{detail::probe_list(best->base_url, ' ').front()};
}

CREDPOOL_INLINE Request make_request(const Probe& probe, const Credential& credential,
                                     std::string_view base) {
  Request request;
  request.method = probe.method;
  request.url = detail::probe_without_slash(base) + std::string{probe.path};
  request.body = probe.body;
  request.headers.push_back({"Accept", "application/json"});
  for (const auto line : detail::probe_list(probe.headers, '\n')) {
    const auto colon = line.find(": ");
    request.headers.push_back(
        {std::string{line.substr(0, colon)}, std::string{line.substr(colon + 2)}});
  }
  if (probe.answer == ProbeAnswer::codex_usage && !credential.account_id.empty())
    request.headers.push_back({"chatgpt-account-id", credential.account_id});
  switch (probe.auth) {
    case ProbeAuth::bearer:
      request.secret_headers.push_back({"Authorization", "Bearer ", credential.secret});
      break;
    case ProbeAuth::github_token:
      request.secret_headers.push_back({"Authorization", "token ", credential.secret});
      break;
    case ProbeAuth::x_api_key:
      request.secret_headers.push_back({"x-api-key", "", credential.secret});
      break;
    case ProbeAuth::x_goog_api_key:
      request.secret_headers.push_back({"x-goog-api-key", "", credential.secret});
      break;
  }
  return request;
}

}  // namespace credpool::inline CREDPOOL_ABI
