#pragma once
// SPDX-License-Identifier: MIT

// What each provider speaks. Internal: included by .ipp files only.

#include <credpool/proxy/operation.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Whether a list of words separated by blanks has that word.
inline bool lists_word(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    const auto end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

/// A path below the base URL; each "/.." in front drops the base's last segment first.
struct UpstreamRoute {
  Operation operation;
  std::string_view path;
};

enum class UpstreamSecret { bearer, x_api_key };

/// What a provider's credentials of some kinds serve. All rows that fit a credential count, as long
/// as their prefix is that of the first one.
struct UpstreamRow {
  std::string_view providers;  ///< ids separated by blanks; the first is the usual one
  std::string_view kinds;      ///< names of Kind, separated by blanks
  std::span<const UpstreamRoute> routes;
  UpstreamSecret secret = UpstreamSecret::bearer;
  std::string_view headers = {};   ///< "name: value" lines; "?name" is a fallback, "+name" appends
  std::string_view base_url = {};  ///< only where there is no probe that has it
  std::string_view needs_prefix = {};  ///< only for secrets that begin so
};

/// Why credentials of some provider serve nothing, or not more than they do.
struct UpstreamRefusal {
  std::string_view providers;
  std::string_view kinds;
  std::string_view why;
};

inline constexpr std::array openai_routes{
    UpstreamRoute{Operation::chat_completions, "/chat/completions"},
    UpstreamRoute{Operation::responses, "/responses"},
    UpstreamRoute{Operation::embeddings, "/embeddings"},
    UpstreamRoute{Operation::completions, "/completions"},
    UpstreamRoute{Operation::models, "/models"},
};
inline constexpr std::array chat_routes{
    UpstreamRoute{Operation::chat_completions, "/chat/completions"},
    UpstreamRoute{Operation::models, "/models"},
};
inline constexpr std::array chat_embeddings_routes{
    UpstreamRoute{Operation::chat_completions, "/chat/completions"},
    UpstreamRoute{Operation::embeddings, "/embeddings"},
    UpstreamRoute{Operation::models, "/models"},
};
inline constexpr std::array chat_responses_routes{
    UpstreamRoute{Operation::chat_completions, "/chat/completions"},
    UpstreamRoute{Operation::responses, "/responses"},
    UpstreamRoute{Operation::models, "/models"},
};
inline constexpr std::array codex_routes{
    UpstreamRoute{Operation::responses, "/codex/responses"},
};
inline constexpr std::array kimi_code_routes{
    UpstreamRoute{Operation::chat_completions, "/chat/completions"},
    UpstreamRoute{Operation::messages, "/messages"},
    UpstreamRoute{Operation::models, "/models"},
};
inline constexpr std::array gemini_routes{
    UpstreamRoute{Operation::chat_completions, "/openai/chat/completions"},
    UpstreamRoute{Operation::embeddings, "/openai/embeddings"},
    UpstreamRoute{Operation::models, "/openai/models"},
};
inline constexpr std::array anthropic_routes{
    UpstreamRoute{Operation::messages, "/v1/messages"},
    UpstreamRoute{Operation::count_tokens, "/v1/messages/count_tokens"},
    UpstreamRoute{Operation::models, "/v1/models"},
};
inline constexpr std::array anthropic_chat_routes{
    UpstreamRoute{Operation::chat_completions, "/v1/chat/completions"},
};
inline constexpr std::array openrouter_routes{
    UpstreamRoute{Operation::chat_completions, "/chat/completions"},
    UpstreamRoute{Operation::responses, "/responses"},
    UpstreamRoute{Operation::embeddings, "/embeddings"},
    UpstreamRoute{Operation::completions, "/completions"},
    UpstreamRoute{Operation::messages, "/messages"},
    UpstreamRoute{Operation::models, "/models"},
};
// Anthropic's API beside the OpenAI-compatible one, at an address of its own on the same host.
inline constexpr std::array beside_messages{
    UpstreamRoute{Operation::messages, "/../anthropic/v1/messages"}};
inline constexpr std::array beside_two_messages{
    UpstreamRoute{Operation::messages, "/../../anthropic/v1/messages"}};
inline constexpr std::array beside_apps_messages{
    UpstreamRoute{Operation::messages, "/../../apps/anthropic/v1/messages"}};

inline constexpr std::string_view qwen_ids =
    "dashscope bailian modelstudio qwen-portal qwen-cli qwen";
inline constexpr std::string_view kimi_ids = "kimi-code kimi-coding kimi-cli kimi";
inline constexpr std::string_view openai_ids = "openai openai-codex codex-cli";
inline constexpr std::string_view anthropic_ids = "anthropic claude claude-cli";
inline constexpr std::string_view gemini_ids = "gemini google google-gemini-cli gemini-cli";
inline constexpr std::string_view moonshot_ids = "moonshot moonshot-cn moonshotai moonshotai-cn";

// @source the providers' own documentation; docs/providers.md, "What the proxy sends where"
inline constexpr std::array upstream_table{
    UpstreamRow{openai_ids, "api_key", openai_routes},
    // The ChatGPT backend that Codex uses: Responses only.
    UpstreamRow{openai_ids, "oauth", codex_routes, UpstreamSecret::bearer, "originator: credpool"},
    UpstreamRow{anthropic_ids, "api_key", anthropic_routes, UpstreamSecret::x_api_key,
                "?anthropic-version: 2023-06-01"},
    UpstreamRow{anthropic_ids, "api_key", anthropic_chat_routes},
    UpstreamRow{anthropic_ids, "oauth token", anthropic_routes, UpstreamSecret::bearer,
                "?anthropic-version: 2023-06-01\n+anthropic-beta: oauth-2025-04-20"},
    UpstreamRow{kimi_ids, "oauth api_key token", kimi_code_routes, UpstreamSecret::bearer,
                "x-msh-platform: credpool"},
    UpstreamRow{moonshot_ids, "api_key", chat_routes},
    UpstreamRow{moonshot_ids, "api_key", beside_messages},
    UpstreamRow{gemini_ids, "api_key", gemini_routes},
    // Keys of the coding plan, whose addresses have nothing but chat.
    UpstreamRow{qwen_ids, "api_key", chat_routes, UpstreamSecret::bearer, {}, {}, "sk-sp-"},
    UpstreamRow{
        qwen_ids, "api_key", beside_apps_messages, UpstreamSecret::bearer, {}, {}, "sk-sp-"},
    UpstreamRow{qwen_ids, "api_key", chat_embeddings_routes},
    UpstreamRow{qwen_ids, "api_key", beside_apps_messages},
    UpstreamRow{"qwen-portal qwen-cli qwen", "oauth", chat_routes, UpstreamSecret::bearer,
                "x-dashscope-authtype: qwen-oauth"},
    UpstreamRow{"openrouter", "api_key oauth", openrouter_routes},
    UpstreamRow{"deepseek", "api_key", chat_routes},
    UpstreamRow{"deepseek", "api_key", beside_messages},
    UpstreamRow{"groq", "api_key", chat_responses_routes},
    UpstreamRow{"mistral", "api_key", chat_embeddings_routes},
    UpstreamRow{"xai grok", "api_key oauth token", chat_responses_routes},
    UpstreamRow{"iflow", "api_key oauth token", chat_routes},
    UpstreamRow{"zai zhipu",
                "api_key",
                chat_routes,
                UpstreamSecret::bearer,
                {},
                "https://api.z.ai/api/paas/v4"},
    UpstreamRow{"zai zhipu",
                "api_key",
                beside_two_messages,
                UpstreamSecret::bearer,
                {},
                "https://api.z.ai/api/paas/v4"},
    UpstreamRow{
        "minimax", "api_key", chat_routes, UpstreamSecret::bearer, {}, "https://api.minimax.io/v1"},
    UpstreamRow{"minimax",
                "api_key",
                beside_messages,
                UpstreamSecret::bearer,
                {},
                "https://api.minimax.io/v1"},
};

inline constexpr std::array upstream_refusals{
    UpstreamRefusal{openai_ids, "oauth", "a ChatGPT login serves the Responses API only"},
    UpstreamRefusal{openai_ids, "token",
                    "OpenAI documents no API for its access tokens other than Codex itself"},
    UpstreamRefusal{gemini_ids, "oauth token",
                    "a Gemini CLI login speaks the Code Assist protocol, which is not translated"},
    UpstreamRefusal{
        "google-antigravity antigravity", "oauth token api_key",
        "an Antigravity login speaks the Code Assist protocol, which is not translated"},
    UpstreamRefusal{
        "google-vertex", "oauth token api_key",
        "Vertex AI's addresses name a project and a region, which the login does not tell"},
    UpstreamRefusal{
        "github-copilot copilot copilot-cli", "oauth token api_key",
        "Copilot's API is for GitHub's own clients and takes tokens made for a session"},
    UpstreamRefusal{"github", "oauth token api_key", "a GitHub token is no login for models"},
    UpstreamRefusal{"cursor cursor-cli", "oauth token api_key",
                    "Cursor has no API for models that others may use"},
    UpstreamRefusal{"amp", "oauth token api_key", "Amp has no API for models that others may use"},
    UpstreamRefusal{"factory droid", "oauth token api_key",
                    "Factory has no API for models that others may use"},
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
