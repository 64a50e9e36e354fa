#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/login_providers.hpp>

#include <algorithm>
#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::array all_login_methods{LoginMethod::oauth_refresh, LoginMethod::oauth_device,
                                              LoginMethod::oauth_browser, LoginMethod::cli_command,
                                              LoginMethod::api_key_web,   LoginMethod::manual};

// A separate login of our own comes first: its tokens are nobody else's.
inline constexpr std::array login_provider_table{
    LoginProvider{"kimi-cli", "kimi-code", "Kimi Code",
                  "oauth-device oauth-refresh cli-command api-key-web manual", "kimi login",
                  "https://www.kimi.com/code/console", "kimi-code", "sk-", ""},
    LoginProvider{"kimi-code", "kimi-code", "Kimi Code",
                  "oauth-device oauth-refresh cli-command api-key-web manual", "kimi login",
                  "https://www.kimi.com/code/console", "kimi-code", "sk-", ""},
    LoginProvider{"codex-cli", "openai", "OpenAI (ChatGPT plan)",
                  "oauth-device oauth-browser oauth-refresh cli-command api-key-web manual",
                  "codex login --device-auth", "https://platform.openai.com/api-keys", "openai",
                  "sk-", ""},
    LoginProvider{"claude-cli", "anthropic", "Claude",
                  "oauth-browser oauth-refresh cli-command api-key-web manual", "claude auth login",
                  "https://platform.claude.com", "anthropic", "sk-ant-", ""},
    LoginProvider{"qwen-cli", "qwen-portal", "Qwen",
                  "api-key-web oauth-device oauth-refresh manual", "",
                  "https://bailian.console.aliyun.com/cn-beijing?tab=api#/api", "dashscope", "sk-",
                  "Qwen's OAuth service ended on 2026-04-15: use an API key. Keys of other "
                  "countries: https://modelstudio.console.alibabacloud.com"},
    LoginProvider{"gemini-cli", "google-gemini-cli", "Gemini",
                  "api-key-web oauth-browser oauth-refresh cli-command manual", "gemini",
                  "https://aistudio.google.com/app/apikey", "gemini", "AIza",
                  "Google cut individual accounts off this login on 2026-06-18: use an API key, or "
                  "an account of an organisation"},
    LoginProvider{"antigravity", "google-antigravity", "Antigravity",
                  "oauth-refresh cli-command manual", "agy", "", "", "", ""},
    LoginProvider{"gcloud-adc", "google-vertex", "Google Cloud", "oauth-refresh cli-command manual",
                  "gcloud auth application-default login", "", "", "", ""},
    LoginProvider{"grok", "xai", "Grok", "oauth-device oauth-refresh cli-command manual",
                  "grok login --device-auth", "", "xai", "", ""},
    LoginProvider{"droid", "factory", "Factory", "oauth-refresh cli-command manual", "droid", "",
                  "factory", "", ""},
    LoginProvider{"copilot-cli", "github-copilot", "GitHub Copilot", "cli-command manual",
                  "copilot login", "", "github-copilot", "", ""},
    LoginProvider{"gh", "github", "GitHub", "cli-command manual", "gh auth login", "", "github", "",
                  ""},
    LoginProvider{"cursor-cli", "cursor", "Cursor", "cli-command manual", "cursor-agent login", "",
                  "cursor", "", ""},
    LoginProvider{"amp", "amp", "Amp", "cli-command manual", "amp login", "", "amp", "sgamp_", ""},
    LoginProvider{"opencode", "opencode", "opencode", "cli-command", "opencode auth login", "", "",
                  "", ""},
    LoginProvider{"iflow", "iflow", "iFlow", "cli-command manual", "iflow", "", "iflow", "", ""},
    LoginProvider{"moonshot", "moonshot", "Kimi open platform", "api-key-web manual", "",
                  "https://platform.kimi.ai", "moonshot", "sk-",
                  "in mainland China: https://platform.kimi.com, whose keys are separate"},
};

}  // namespace detail

CREDPOOL_INLINE std::string_view to_string(LoginMethod method) noexcept {
  switch (method) {
    case LoginMethod::oauth_refresh:
      return "oauth-refresh";
    case LoginMethod::oauth_device:
      return "oauth-device";
    case LoginMethod::oauth_browser:
      return "oauth-browser";
    case LoginMethod::cli_command:
      return "cli-command";
    case LoginMethod::api_key_web:
      return "api-key-web";
    case LoginMethod::manual:
      return "manual";
  }
  return "";
}

CREDPOOL_INLINE std::vector<LoginMethod> LoginProvider::offered() const {
  std::vector<LoginMethod> found;
  for (auto rest = methods; !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    for (const auto method : detail::all_login_methods)
      if (to_string(method) == rest.substr(0, end)) found.push_back(method);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return found;
}

CREDPOOL_INLINE bool LoginProvider::offers(LoginMethod method) const noexcept {
  const auto name = to_string(method);
  const auto at = methods.find(name);  // no name is a part of another one
  return at != std::string_view::npos;
}

CREDPOOL_INLINE std::span<const LoginProvider> login_providers() noexcept {
  return detail::login_provider_table;
}

CREDPOOL_INLINE const LoginProvider* find_login_provider(
    std::string_view cli_or_provider) noexcept {
  for (const auto& row : detail::login_provider_table)
    if (row.cli == cli_or_provider) return &row;
  for (const auto& row : detail::login_provider_table)
    if (row.provider == cli_or_provider) return &row;
  return nullptr;
}

}  // namespace credpool::inline CREDPOOL_ABI
