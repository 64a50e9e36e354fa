#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/provider_policy.hpp>

#include <credpool/impl/proxy/upstream_table.hpp>
#include <credpool/proxy/configured_providers.hpp>

#include <algorithm>
#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

// docs/providers.md, "What the terms say", explains the rows that are not plain.
inline constexpr std::string_view policy_read_on = "2026-11-21";
inline constexpr std::string_view not_read = {};
inline constexpr std::string_view a_key =
    "keys are made for programs; whose account it is answers for its use";
inline constexpr std::array proxy_policies{
    ProviderPolicy{anthropic_ids, "oauth token", ProviderUse::forbid, policy_read_on,
                   "https://code.claude.com/docs/en/legal-and-compliance",
                   "Claude subscription logins are for Claude Code and Anthropic's own apps; other "
                   "tools are to use an API key"},
    ProviderPolicy{anthropic_ids, "api_key", ProviderUse::allow, not_read,
                   "https://www.anthropic.com/legal/commercial-terms", a_key},
    ProviderPolicy{
        openai_ids, "oauth token", ProviderUse::ask, policy_read_on,
        "https://openai.com/policies/terms-of-use",
        "ChatGPT's terms restrict programmatic use and shared accounts; OpenAI welcomes other "
        "coding tools on a Codex login, and we found no word on proxies"},
    ProviderPolicy{openai_ids, "api_key", ProviderUse::allow, not_read,
                   "https://openai.com/policies/services-agreement", a_key},
    ProviderPolicy{gemini_ids, "oauth token", ProviderUse::forbid, policy_read_on,
                   "https://geminicli.com/docs/resources/faq/",
                   "Google calls other software on a Gemini CLI login a violation of its terms; "
                   "other tools are to use an API key"},
    ProviderPolicy{gemini_ids, "api_key", ProviderUse::allow, not_read,
                   "https://ai.google.dev/gemini-api/terms", a_key},
    ProviderPolicy{"google-antigravity antigravity", "oauth token api_key", ProviderUse::forbid,
                   policy_read_on, "https://antigravity.google/terms",
                   "Google's terms for Antigravity exclude other software on its login"},
    ProviderPolicy{"google-vertex", "oauth token api_key", ProviderUse::ask, not_read,
                   "https://cloud.google.com/terms",
                   "these are a person's cloud credentials, good for far more than models"},
    ProviderPolicy{kimi_ids, "oauth token", ProviderUse::ask, policy_read_on,
                   "https://www.kimi.com/code/docs/",
                   "Kimi Code's pages name the login for its own clients, and a key from its "
                   "console for other tools"},
    ProviderPolicy{kimi_ids, "api_key", ProviderUse::allow, policy_read_on,
                   "https://www.kimi.com/code/docs/",
                   "keys of the membership are for coding agents, one's own and third parties'"},
    ProviderPolicy{moonshot_ids, "api_key", ProviderUse::allow, not_read,
                   "https://platform.kimi.ai", a_key},
    ProviderPolicy{qwen_ids, "oauth token", ProviderUse::ask, not_read,
                   "https://chat.qwen.ai/legal-agreement/terms-of-service",
                   "the login is Qwen Code's own; its free service ended in April 2026"},
    ProviderPolicy{qwen_ids, "api_key", ProviderUse::allow, policy_read_on,
                   "https://www.alibabacloud.com/help/en/model-studio/other-tools-coding-plan",
                   "keys of the Coding Plan are for interactive coding tools only, others for any "
                   "program"},
    ProviderPolicy{"github-copilot copilot copilot-cli", "oauth token api_key", ProviderUse::ask,
                   not_read,
                   "https://docs.github.com/en/site-policy/github-terms/"
                   "github-terms-for-additional-products-and-features",
                   "GitHub offers Copilot through its own and its partners' clients"},
    ProviderPolicy{"github", "oauth token api_key", ProviderUse::ask, not_read,
                   "https://docs.github.com/en/site-policy/github-terms/github-terms-of-service",
                   "a GitHub token opens far more than models"},
    ProviderPolicy{"cursor cursor-cli", "oauth token api_key", ProviderUse::ask, not_read,
                   "https://cursor.com/terms-of-service",
                   "Cursor's logins and keys are for Cursor's own clients"},
    ProviderPolicy{"amp", "oauth token api_key", ProviderUse::ask, not_read,
                   "https://ampcode.com/terms", "Amp's keys are for Amp's own clients"},
    ProviderPolicy{"factory droid", "oauth token api_key", ProviderUse::ask, not_read,
                   "https://factory.ai/terms-of-service",
                   "Factory's logins and keys are for its own clients"},
    ProviderPolicy{"xai grok", "oauth token", ProviderUse::ask, not_read,
                   "https://x.ai/legal/terms-of-service",
                   "a Grok subscription is for xAI's own apps; we found no word on other clients"},
    ProviderPolicy{"xai grok", "api_key", ProviderUse::allow, not_read,
                   "https://x.ai/legal/terms-of-service-enterprise", a_key},
    ProviderPolicy{"iflow", "oauth token", ProviderUse::ask, not_read, "https://platform.iflow.cn",
                   "we found no word on other clients"},
    ProviderPolicy{"iflow", "api_key", ProviderUse::allow, not_read, "https://platform.iflow.cn",
                   a_key},
    ProviderPolicy{"openrouter", "api_key oauth token", ProviderUse::allow, not_read,
                   "https://openrouter.ai/terms",
                   "keys, and logins that give a key, are made for programs"},
    ProviderPolicy{"deepseek", "api_key", ProviderUse::allow, not_read,
                   "https://cdn.deepseek.com/policies/en-US/deepseek-open-platform-terms-of-service"
                   ".html",
                   a_key},
    ProviderPolicy{"groq", "api_key", ProviderUse::allow, not_read, "https://groq.com/terms-of-use",
                   a_key},
    ProviderPolicy{"mistral", "api_key", ProviderUse::allow, not_read, "https://mistral.ai/terms",
                   a_key},
    ProviderPolicy{"zai zhipu", "api_key", ProviderUse::allow, not_read,
                   "https://docs.z.ai/legal-agreement/terms-of-use", a_key},
    ProviderPolicy{"minimax", "api_key", ProviderUse::allow, not_read,
                   "https://www.minimax.io/platform/protocol/terms-of-service", a_key},
};

}  // namespace detail

CREDPOOL_INLINE std::span<const ProviderPolicy> provider_policies() noexcept {
  return detail::proxy_policies;
}

CREDPOOL_INLINE const ProviderPolicy* policy_of(const Credential& credential) noexcept {
  if (credential.cli == ConfiguredProviders::cli) return nullptr;
  for (const auto& row : detail::proxy_policies)
    if (detail::lists_word(row.providers, credential.provider) &&
        detail::lists_word(row.kinds, to_string(credential.kind)))
      return &row;
  return nullptr;
}

CREDPOOL_INLINE ProviderUse proxy_use(const Credential& credential,
                                      const Settings& settings) noexcept {
  if (const auto chosen = settings.policy.find(credential.provider);
      chosen != settings.policy.end())
    return chosen->second;
  if (const auto* row = policy_of(credential)) return row->use;
  return credential.kind == Kind::api_key ? ProviderUse::allow : ProviderUse::ask;
}

CREDPOOL_INLINE Result<void> check_proxy_use(const Credential& credential,
                                             const Settings& settings) {
  const auto use = proxy_use(credential, settings);
  if (use == ProviderUse::allow) return {};
  const auto& provider = credential.provider;
  const auto* row = policy_of(credential);
  const auto chosen = settings.policy.find(provider);
  std::string why;
  if (chosen != settings.policy.end()) {
    why = use == ProviderUse::forbid ? "the configuration forbids it"
                                     : "the configuration says to ask first";
  } else if (row != nullptr) {
    why = std::string{row->why};
    if (!row->read_on.empty()) why += " (read " + std::string{row->read_on} + ')';
  } else {
    why = "it is a login, and what its provider's terms say is not known here";
  }
  std::string hint = "if that is all right with you, write policy: { \"" + provider +
                     "\": \"allow\" } into the configuration or start `credpool serve --allow " +
                     provider + '`';
  if (row != nullptr) hint += "; the terms: " + std::string{row->link};
  return fail(Errc::forbidden,
              "using a " + std::string{credential.kind == Kind::api_key ? "key" : "login"} +
                  " of " + provider + " through the proxy: " + why,
              {}, hint);
}

}  // namespace credpool::inline CREDPOOL_ABI
