#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/kind.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// An environment variable in which a key or token is kept, and what it is good for.
struct KeyVariable {
  std::string_view name;
  std::string_view provider;
  Kind kind = Kind::api_key;
  std::string_view base_url_variable = {};  ///< the variable that moves its base URL; may be empty
  std::string_view base_url = {};  ///< where it belongs when that is not the provider's default
  std::array<std::string_view, 6> readers = {};  ///< the CLIs that read it; the rest is empty

  /// Whether that CLI takes a key from this variable.
  constexpr bool read_by(std::string_view cli) const noexcept {
    return !cli.empty() && std::find(readers.begin(), readers.end(), cli) != readers.end();
  }
};

/// Every variable that is looked for, in the environment, in .env files and in settings files.
///
/// The first row of a provider and kind is the variable its programs expect, see variable_for().
/// @source kimi-cli 1.49.0, kimi-code 2.1.0, codex 0.169.0, qwen-code 0.24.4, gemini-cli 0.61.0,
///         claude-code 2.1.329, Copilot CLI 1.0.102, gh internal/config, OpenClaw 2026.9.6, aider's
///         documentation
inline constexpr std::array key_variables{
    KeyVariable{.name = "KIMI_API_KEY",
                .provider = "kimi-code",
                .base_url_variable = "KIMI_BASE_URL",
                .readers = {"kimi-cli", "openclaw"}},
    KeyVariable{.name = "KIMICODE_API_KEY", .provider = "kimi-code", .readers = {"openclaw"}},
    KeyVariable{.name = "MOONSHOT_API_KEY", .provider = "moonshot", .readers = {"openclaw"}},

    KeyVariable{.name = "OPENAI_API_KEY",
                .provider = "openai",
                .base_url_variable = "OPENAI_BASE_URL",
                .readers = {"codex-cli", "qwen-cli", "kimi-cli", "aider", "opencode", "openclaw"}},
    KeyVariable{.name = "CODEX_API_KEY", .provider = "openai", .readers = {"codex-cli"}},
    KeyVariable{.name = "CODEX_ACCESS_TOKEN",
                .provider = "openai",
                .kind = Kind::token,
                .readers = {"codex-cli"}},

    KeyVariable{.name = "DASHSCOPE_API_KEY", .provider = "dashscope", .readers = {"qwen-cli"}},
    KeyVariable{.name = "BAILIAN_CODING_PLAN_API_KEY",
                .provider = "dashscope",
                .base_url = "https://coding.dashscope.aliyuncs.com/v1",
                .readers = {"qwen-cli"}},
    KeyVariable{.name = "BAILIAN_TOKEN_PLAN_API_KEY",
                .provider = "dashscope",
                .base_url = "https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
                .readers = {"qwen-cli"}},

    KeyVariable{.name = "GEMINI_API_KEY",
                .provider = "gemini",
                .base_url_variable = "GOOGLE_GEMINI_BASE_URL",
                .readers = {"gemini-cli", "qwen-cli", "aider", "opencode", "openclaw"}},
    KeyVariable{.name = "GOOGLE_API_KEY",
                .provider = "gemini",
                .base_url_variable = "GOOGLE_GEMINI_BASE_URL",
                .readers = {"gemini-cli", "qwen-cli", "openclaw"}},
    KeyVariable{.name = "GOOGLE_CLOUD_ACCESS_TOKEN",
                .provider = "google-gemini-cli",
                .kind = Kind::token,
                .readers = {"gemini-cli"}},

    KeyVariable{.name = "ANTHROPIC_API_KEY",
                .provider = "anthropic",
                .base_url_variable = "ANTHROPIC_BASE_URL",
                .readers = {"claude-cli", "qwen-cli", "aider", "opencode", "openclaw"}},
    KeyVariable{.name = "CLAUDE_CODE_OAUTH_TOKEN",
                .provider = "anthropic",
                .kind = Kind::token,
                .readers = {"claude-cli"}},
    KeyVariable{.name = "ANTHROPIC_AUTH_TOKEN",
                .provider = "anthropic",
                .kind = Kind::token,
                .base_url_variable = "ANTHROPIC_BASE_URL",
                .readers = {"claude-cli"}},

    KeyVariable{.name = "COPILOT_GITHUB_TOKEN",
                .provider = "github-copilot",
                .kind = Kind::token,
                .readers = {"copilot-cli"}},
    KeyVariable{.name = "GH_TOKEN",
                .provider = "github",
                .kind = Kind::token,
                .readers = {"gh-cli", "copilot-cli"}},
    KeyVariable{.name = "GITHUB_TOKEN",
                .provider = "github",
                .kind = Kind::token,
                .readers = {"gh-cli", "copilot-cli"}},

    KeyVariable{.name = "CURSOR_API_KEY", .provider = "cursor", .readers = {"cursor-cli"}},
    KeyVariable{.name = "CURSOR_AUTH_TOKEN",
                .provider = "cursor",
                .kind = Kind::token,
                .readers = {"cursor-cli"}},
    KeyVariable{.name = "AMP_API_KEY", .provider = "amp", .readers = {"amp"}},
    KeyVariable{.name = "XAI_API_KEY", .provider = "xai", .readers = {"grok", "opencode"}},
    KeyVariable{.name = "FACTORY_API_KEY", .provider = "factory", .readers = {"droid"}},
    KeyVariable{.name = "IFLOW_API_KEY", .provider = "iflow", .readers = {"iflow"}},
    KeyVariable{
        .name = "OPENROUTER_API_KEY", .provider = "openrouter", .readers = {"aider", "opencode"}},
    KeyVariable{
        .name = "DEEPSEEK_API_KEY", .provider = "deepseek", .readers = {"aider", "opencode"}},
};

/// The row of that variable; null when it is not in the table.
constexpr const KeyVariable* find_key_variable(std::string_view name) noexcept {
  for (const auto& row : key_variables)
    if (row.name == name) return &row;
  return nullptr;
}

/// The variable in which a provider's programs expect a credential of that kind.
///
/// @param kind an OAuth access token is handed over as a token is
/// @return empty when its programs take none from the environment
constexpr std::string_view variable_for(std::string_view provider,
                                        Kind kind = Kind::api_key) noexcept {
  if (kind == Kind::oauth) kind = Kind::token;
  for (const auto& row : key_variables)
    if (row.provider == provider && row.kind == kind) return row.name;
  return {};
}

/// The provider that answers at a base URL, told by its host.
///
/// Many CLIs keep the keys of several providers under OpenAI's names; only the base URL beside a
/// key tells whose it is.
/// @param url "https://host[:port]/path"; the scheme may be missing
/// @return empty for a host that is not known, such as a proxy
std::string_view provider_of_base_url(std::string_view url) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/key_variables.ipp>
#endif
