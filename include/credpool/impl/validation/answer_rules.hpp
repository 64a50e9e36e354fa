#pragma once
// SPDX-License-Identifier: MIT

// What the providers' answers mean, as data. Internal: classifier.ipp walks these tables, and
// docs/providers.md explains them. The first rule that matches decides; rules on codes stand before
// rules on text unless the text is what tells two meanings of one code apart.

#include <credpool/credential/kind.hpp>
#include <credpool/credential/outcome.hpp>
#include <credpool/validation/classifier.hpp>
#include <credpool/validation/verdict.hpp>

#include <array>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Providers that answer alike.
enum class Family { any, kimi, moonshot, openai, qwen, google, anthropic, github, other };

struct FamilyName {
  std::string_view provider;
  Family family;
};

inline constexpr std::array family_names{
    FamilyName{"kimi-code", Family::kimi},        FamilyName{"kimi-coding", Family::kimi},
    FamilyName{"kimi-cli", Family::kimi},         FamilyName{"kimi", Family::kimi},
    FamilyName{"moonshot", Family::moonshot},     FamilyName{"moonshot-cn", Family::moonshot},
    FamilyName{"openai", Family::openai},         FamilyName{"openai-codex", Family::openai},
    FamilyName{"codex-cli", Family::openai},      FamilyName{"qwen-portal", Family::qwen},
    FamilyName{"qwen-cli", Family::qwen},         FamilyName{"qwen", Family::qwen},
    FamilyName{"dashscope", Family::qwen},        FamilyName{"bailian", Family::qwen},
    FamilyName{"modelstudio", Family::qwen},      FamilyName{"google-gemini-cli", Family::google},
    FamilyName{"gemini-cli", Family::google},     FamilyName{"gemini", Family::google},
    FamilyName{"google", Family::google},         FamilyName{"google-antigravity", Family::google},
    FamilyName{"google-vertex", Family::google},  FamilyName{"anthropic", Family::anthropic},
    FamilyName{"claude", Family::anthropic},      FamilyName{"claude-cli", Family::anthropic},
    FamilyName{"github-copilot", Family::github}, FamilyName{"copilot", Family::github},
    FamilyName{"github", Family::github},
};

inline constexpr Family family_of(std::string_view provider) noexcept {
  for (const auto& known : family_names)
    if (known.provider == provider) return known.family;
  return Family::other;
}

enum class MatchOn {
  code,       ///< one of the codes is the pattern
  code_part,  ///< one of the codes holds the pattern
  text,       ///< the text holds the pattern
};

/// One meaning of an API answer. `pattern` is lower case: a whole code, or a part of the text.
struct AnswerRule {
  Family family;
  int status;
  MatchOn on;
  std::string_view pattern;
  Finding finding;
  OutcomeKind outcome;
};

inline constexpr std::array answer_rules{
    // 400: almost always the request's own fault.
    AnswerRule{Family::google, 400, MatchOn::code, "api_key_invalid", Finding::rejected,
               OutcomeKind::auth_failed},
    AnswerRule{Family::google, 400, MatchOn::code, "invalid_token", Finding::expired,
               OutcomeKind::auth_failed},
    AnswerRule{Family::google, 400, MatchOn::text, "api key expired", Finding::rejected,
               OutcomeKind::auth_failed},
    AnswerRule{Family::google, 400, MatchOn::text, "api key not valid", Finding::rejected,
               OutcomeKind::auth_failed},
    AnswerRule{Family::any, 400, MatchOn::code, "billing_hard_limit_reached", Finding::out_of_quota,
               OutcomeKind::billing},
    AnswerRule{Family::qwen, 400, MatchOn::code, "arrearage", Finding::out_of_quota,
               OutcomeKind::billing},
    AnswerRule{Family::anthropic, 400, MatchOn::text, "credit balance is too low",
               Finding::out_of_quota, OutcomeKind::billing},
    AnswerRule{Family::anthropic, 400, MatchOn::text, "only authorized for use with claude code",
               Finding::client_not_allowed, OutcomeKind::request_fault},
    AnswerRule{Family::anthropic, 400, MatchOn::text, "organization has been disabled",
               Finding::not_eligible, OutcomeKind::billing},

    // 401: for a login the token may just be old, unless the answer says that it is gone.
    AnswerRule{Family::any, 401, MatchOn::text, "expired or revoked", Finding::expired,
               OutcomeKind::auth_failed},
    AnswerRule{Family::any, 401, MatchOn::code, "token_expired", Finding::expired,
               OutcomeKind::auth_failed},
    AnswerRule{Family::any, 401, MatchOn::code, "token_revoked", Finding::rejected,
               OutcomeKind::auth_failed},
    AnswerRule{Family::any, 401, MatchOn::code, "token_invalidated", Finding::rejected,
               OutcomeKind::auth_failed},
    AnswerRule{Family::any, 401, MatchOn::code, "invalid_api_key", Finding::rejected,
               OutcomeKind::auth_failed},
    AnswerRule{Family::any, 401, MatchOn::code, "invalidapikey", Finding::rejected,
               OutcomeKind::auth_failed},
    AnswerRule{Family::any, 401, MatchOn::text, "revoked", Finding::rejected,
               OutcomeKind::auth_failed},

    // 402
    AnswerRule{Family::kimi, 402, MatchOn::text, "", Finding::no_subscription,
               OutcomeKind::billing},

    // 403: forbidden; the credential is not proven to be bad.
    AnswerRule{Family::any, 403, MatchOn::text, "only available for coding agents",
               Finding::client_not_allowed, OutcomeKind::request_fault},
    AnswerRule{Family::kimi, 403, MatchOn::text, "usage limit", Finding::out_of_quota,
               OutcomeKind::quota_exhausted},
    AnswerRule{Family::kimi, 403, MatchOn::text, "access terminated", Finding::not_eligible,
               OutcomeKind::billing},
    AnswerRule{Family::kimi, 403, MatchOn::code, "access_terminated_error",
               Finding::client_not_allowed, OutcomeKind::request_fault},
    AnswerRule{Family::any, 403, MatchOn::code, "exceeded_current_quota_error",
               Finding::out_of_quota, OutcomeKind::billing},
    AnswerRule{Family::any, 403, MatchOn::code, "insufficient_quota", Finding::out_of_quota,
               OutcomeKind::billing},
    AnswerRule{Family::any, 403, MatchOn::text, "insufficient balance", Finding::out_of_quota,
               OutcomeKind::billing},
    AnswerRule{Family::qwen, 403, MatchOn::code, "allocationquota.freetieronly",
               Finding::out_of_quota, OutcomeKind::billing},
    AnswerRule{Family::anthropic, 403, MatchOn::code, "permission_error", Finding::missing_scope,
               OutcomeKind::request_fault},
    AnswerRule{Family::any, 403, MatchOn::code, "access_token_scope_insufficient",
               Finding::missing_scope, OutcomeKind::request_fault},
    AnswerRule{Family::any, 403, MatchOn::code, "insufficient_scope", Finding::missing_scope,
               OutcomeKind::request_fault},
    AnswerRule{Family::any, 403, MatchOn::code, "missing_scope", Finding::missing_scope,
               OutcomeKind::request_fault},
    AnswerRule{Family::google, 403, MatchOn::text, "reported as leaked", Finding::rejected,
               OutcomeKind::auth_failed},
    AnswerRule{Family::google, 403, MatchOn::code, "service_disabled", Finding::missing_scope,
               OutcomeKind::request_fault},
    AnswerRule{Family::google, 403, MatchOn::code, "api_key_service_blocked",
               Finding::missing_scope, OutcomeKind::request_fault},
    AnswerRule{Family::google, 403, MatchOn::code, "api_key_ip_address_blocked",
               Finding::missing_scope, OutcomeKind::request_fault},
    AnswerRule{Family::google, 403, MatchOn::code, "api_key_http_referrer_blocked",
               Finding::missing_scope, OutcomeKind::request_fault},
    AnswerRule{Family::any, 403, MatchOn::text, "missing scope", Finding::missing_scope,
               OutcomeKind::request_fault},
    AnswerRule{Family::openai, 403, MatchOn::text, "insufficient permissions",
               Finding::missing_scope, OutcomeKind::request_fault},
    AnswerRule{Family::any, 403, MatchOn::text, "scope requirement", Finding::missing_scope,
               OutcomeKind::request_fault},
    AnswerRule{Family::github, 403, MatchOn::text, "rate limit", Finding::rate_limited,
               OutcomeKind::rate_limited},
    AnswerRule{Family::github, 403, MatchOn::text, "", Finding::no_subscription,
               OutcomeKind::billing},

    // 404
    AnswerRule{Family::github, 404, MatchOn::text, "", Finding::no_subscription,
               OutcomeKind::billing},

    // 429: the credential is good; is it a matter of minutes, of a window, or of money?
    AnswerRule{Family::any, 429, MatchOn::code, "usage_limit_reached", Finding::out_of_quota,
               OutcomeKind::quota_exhausted},
    AnswerRule{Family::any, 429, MatchOn::code, "usage_not_included", Finding::no_subscription,
               OutcomeKind::billing},
    AnswerRule{Family::any, 429, MatchOn::code, "insufficient_quota", Finding::out_of_quota,
               OutcomeKind::billing},
    AnswerRule{Family::any, 429, MatchOn::code, "billing_hard_limit_reached", Finding::out_of_quota,
               OutcomeKind::billing},
    AnswerRule{Family::kimi, 429, MatchOn::code, "exceeded_current_quota_error",
               Finding::out_of_quota, OutcomeKind::quota_exhausted},
    AnswerRule{Family::any, 429, MatchOn::code, "exceeded_current_quota_error",
               Finding::out_of_quota, OutcomeKind::billing},
    AnswerRule{Family::any, 429, MatchOn::code, "rate_limit_exceeded", Finding::rate_limited,
               OutcomeKind::rate_limited},
    AnswerRule{Family::any, 429, MatchOn::code, "rate_limit_reached_error", Finding::rate_limited,
               OutcomeKind::rate_limited},
    AnswerRule{Family::moonshot, 429, MatchOn::code, "engine_overloaded_error", Finding::transient,
               OutcomeKind::overloaded},
    AnswerRule{Family::kimi, 429, MatchOn::code, "engine_overloaded_error", Finding::transient,
               OutcomeKind::overloaded},
    AnswerRule{Family::google, 429, MatchOn::text, "no capacity", Finding::transient,
               OutcomeKind::overloaded},
    AnswerRule{Family::google, 429, MatchOn::code, "model_capacity_exhausted", Finding::transient,
               OutcomeKind::overloaded},
    AnswerRule{Family::google, 429, MatchOn::code_part, "perday", Finding::out_of_quota,
               OutcomeKind::quota_exhausted},
    AnswerRule{Family::google, 429, MatchOn::code_part, "perminute", Finding::rate_limited,
               OutcomeKind::rate_limited},
    AnswerRule{Family::google, 429, MatchOn::code, "resource_exhausted", Finding::out_of_quota,
               OutcomeKind::quota_exhausted},
    AnswerRule{Family::any, 429, MatchOn::text, "exceeded your current quota",
               Finding::out_of_quota, OutcomeKind::quota_exhausted},
    AnswerRule{Family::any, 429, MatchOn::text, "quota exceeded", Finding::out_of_quota,
               OutcomeKind::quota_exhausted},
    AnswerRule{Family::kimi, 429, MatchOn::text, "quota", Finding::out_of_quota,
               OutcomeKind::quota_exhausted},
    AnswerRule{Family::kimi, 429, MatchOn::text, "usage limit", Finding::out_of_quota,
               OutcomeKind::quota_exhausted},
    AnswerRule{Family::any, 429, MatchOn::text, "insufficient balance", Finding::out_of_quota,
               OutcomeKind::billing},
};

/// What a status means when no rule says more. Others: see default_of().
struct StatusDefault {
  int status;
  Finding finding;
  OutcomeKind outcome;
};

inline constexpr std::array status_defaults{
    StatusDefault{400, Finding::request_error, OutcomeKind::request_fault},
    StatusDefault{402, Finding::out_of_quota, OutcomeKind::billing},
    StatusDefault{403, Finding::could_not_tell, OutcomeKind::request_fault},
    StatusDefault{404, Finding::could_not_tell, OutcomeKind::request_fault},
    StatusDefault{405, Finding::could_not_tell, OutcomeKind::request_fault},
    StatusDefault{407, Finding::transient, OutcomeKind::transport},
    StatusDefault{408, Finding::transient, OutcomeKind::overloaded},
    StatusDefault{413, Finding::request_error, OutcomeKind::request_fault},
    StatusDefault{415, Finding::request_error, OutcomeKind::request_fault},
    StatusDefault{422, Finding::request_error, OutcomeKind::request_fault},
    StatusDefault{425, Finding::transient, OutcomeKind::overloaded},
    StatusDefault{429, Finding::rate_limited, OutcomeKind::rate_limited},
};

/// Words of a rate limit that came without a 429. The last two say "rate limited" and "requests
/// too frequent" in Chinese.
inline constexpr std::array<std::string_view, 8> limit_texts{
    "rate limit",
    "rate_limit",
    "too many requests",
    "throttl",
    "concurrency limit",
    "model_cooldown",
    "\xe9\x99\x90\xe9\x80\x9f",
    "\xe8\xaf\xb7\xe6\xb1\x82\xe8\xbf\x87\xe4\xba\x8e\xe9\xa2\x91\xe7\xb9\x81",
};

/// The status that an error inside a 200 would have had.
struct ImpliedStatus {
  std::string_view code;
  int status;
};

inline constexpr std::array implied_statuses{
    ImpliedStatus{"overloaded_error", 529},
    ImpliedStatus{"server_is_overloaded", 503},
    ImpliedStatus{"server_error", 500},
    ImpliedStatus{"api_error", 500},
    ImpliedStatus{"unavailable", 503},
    ImpliedStatus{"internal", 500},
    ImpliedStatus{"rate_limit_error", 429},
    ImpliedStatus{"rate_limit_exceeded", 429},
    ImpliedStatus{"usage_limit_reached", 429},
    ImpliedStatus{"insufficient_quota", 429},
    ImpliedStatus{"exceeded_current_quota_error", 429},
    ImpliedStatus{"resource_exhausted", 429},
    ImpliedStatus{"authentication_error", 401},
    ImpliedStatus{"invalid_authentication_error", 401},
    ImpliedStatus{"unauthenticated", 401},
    ImpliedStatus{"token_expired", 401},
    ImpliedStatus{"invalid_api_key", 401},
    ImpliedStatus{"billing_error", 402},
    ImpliedStatus{"permission_error", 403},
    ImpliedStatus{"permission_denied", 403},
    ImpliedStatus{"access_terminated_error", 403},
    ImpliedStatus{"not_found_error", 404},
    ImpliedStatus{"invalid_request_error", 400},
    ImpliedStatus{"invalid_argument", 400},
};

/// One meaning of a token endpoint's error. Status 0: any from 400 to 403 (and 429, for polls).
struct TokenRule {
  Family family;
  int status;
  MatchOn on;
  std::string_view pattern;
  TokenVerdict verdict;
};

inline constexpr std::array token_rules{
    TokenRule{Family::any, 0, MatchOn::code, "authorization_pending", TokenVerdict::pending},
    TokenRule{Family::any, 0, MatchOn::code, "slow_down", TokenVerdict::slow_down},
    TokenRule{Family::any, 0, MatchOn::code, "access_denied", TokenVerdict::denied},
    TokenRule{Family::any, 0, MatchOn::code, "expired_token", TokenVerdict::code_expired},
    TokenRule{Family::any, 0, MatchOn::code, "invalid_client", TokenVerdict::client_fault},
    TokenRule{Family::any, 0, MatchOn::code, "unauthorized_client", TokenVerdict::client_fault},
    TokenRule{Family::any, 0, MatchOn::code, "invalid_scope", TokenVerdict::client_fault},
    TokenRule{Family::any, 0, MatchOn::code, "unsupported_grant_type", TokenVerdict::client_fault},
    TokenRule{Family::any, 0, MatchOn::code, "invalid_grant", TokenVerdict::dead},
    TokenRule{Family::any, 0, MatchOn::code, "refresh_token_expired", TokenVerdict::dead},
    TokenRule{Family::any, 0, MatchOn::code, "refresh_token_reused", TokenVerdict::dead},
    TokenRule{Family::any, 0, MatchOn::code, "refresh_token_invalidated", TokenVerdict::dead},
    TokenRule{Family::kimi, 401, MatchOn::text, "", TokenVerdict::dead},
    TokenRule{Family::kimi, 403, MatchOn::text, "", TokenVerdict::dead},
    TokenRule{Family::kimi, 400, MatchOn::text, "authorization grant is invalid",
              TokenVerdict::dead},
    TokenRule{Family::qwen, 400, MatchOn::text, "", TokenVerdict::dead},
    TokenRule{Family::qwen, 401, MatchOn::text, "", TokenVerdict::dead},
    TokenRule{Family::openai, 401, MatchOn::text, "", TokenVerdict::dead},
    TokenRule{Family::any, 0, MatchOn::code, "invalid_request", TokenVerdict::client_fault},
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
