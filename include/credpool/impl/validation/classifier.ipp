#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/validation/classifier.hpp>

#include <credpool/impl/validation/answer_evidence.hpp>
#include <credpool/impl/validation/answer_rules.hpp>
#include <credpool/validation/retry_hint.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A window may be a month, or with a contract a year; nothing honest lies further ahead.
inline constexpr Duration longest_window = std::chrono::hours{24 * 366};

inline bool answer_matches(MatchOn on, std::string_view pattern, const AnswerEvidence& evidence) {
  switch (on) {
    case MatchOn::code:
      return evidence.has_code(pattern);
    case MatchOn::text:
      return evidence.says(pattern);
    case MatchOn::code_part:
      return std::any_of(
          evidence.codes.begin(), evidence.codes.end(),
          [&](const std::string& code) { return code.find(pattern) != std::string::npos; });
  }
  return false;
}

inline bool speaks_of_limit(const AnswerEvidence& evidence) {
  return std::any_of(limit_texts.begin(), limit_texts.end(), [&](std::string_view words) {
    return evidence.says(words) || answer_matches(MatchOn::code_part, words, evidence);
  });
}

/// The status to judge by: that of the answer, or the one an error inside a 200 should have had.
inline int judged_status(const Response& response, const AnswerEvidence& evidence) {
  if (response.status < 200 || response.status > 299 || !evidence.has_error) return response.status;
  if (evidence.error_status != 0) return evidence.error_status;
  for (const auto& known : implied_statuses)
    if (evidence.has_code(known.code)) return known.status;
  return speaks_of_limit(evidence) ? 429 : 0;
}

inline StatusDefault default_of(int status, Kind kind) {
  if (status >= 200 && status < 300) return {status, Finding::valid, OutcomeKind::ok};
  if (status == 401)  // a key does not grow old, a login's access token does
    return {status, kind == Kind::oauth ? Finding::expired : Finding::rejected,
            OutcomeKind::auth_failed};
  for (const auto& known : status_defaults)
    if (known.status == status) return known;
  if (status >= 500) return {status, Finding::transient, OutcomeKind::overloaded};
  if (status >= 400) return {status, Finding::request_error, OutcomeKind::request_fault};
  return {status, Finding::could_not_tell, OutcomeKind::unknown};
}

/// A page instead of an answer: something between us and the provider spoke.
inline Classification classify_page(const Response& response, TimePoint now) {
  Classification result;
  result.message = "an HTML page came instead of an answer";
  result.outcome = OutcomeKind::transport;
  if (response.status == 429) {
    result.finding = Finding::rate_limited;
    result.outcome = OutcomeKind::rate_limited;
  } else if (response.status >= 500) {
    result.finding = Finding::transient;
    result.outcome = OutcomeKind::overloaded;
  }
  if (response.status >= 400) result.retry_at = retry_hint(response, now);
  return result;
}

}  // namespace detail

CREDPOOL_INLINE Classification classify_answer(const AnswerContext& context,
                                               const Response& response, TimePoint now) {
  const auto evidence = detail::evidence_of(response);
  if (evidence.html) return detail::classify_page(response, now);

  const int status = detail::judged_status(response, evidence);
  const auto family = detail::family_of(context.provider);
  auto judged = detail::default_of(status, context.kind);
  if (status == 403 && detail::speaks_of_limit(evidence))
    judged = {status, Finding::rate_limited, OutcomeKind::rate_limited};
  for (const auto& rule : detail::answer_rules) {
    if (rule.status != status) continue;
    if (rule.family != detail::Family::any && rule.family != family) continue;
    if (!detail::answer_matches(rule.on, rule.pattern, evidence)) continue;
    judged = {status, rule.finding, rule.outcome};
    break;
  }
  if (judged.finding == Finding::expired && context.kind == Kind::api_key)
    judged.finding = Finding::rejected;  // a key cannot be refreshed

  Classification result;
  result.finding = judged.finding;
  result.outcome = judged.outcome;
  if (!evidence.codes.empty()) result.code = evidence.codes.front();
  result.message = status >= 200 && status < 300 ? std::string{} : evidence.message;
  if (judged.finding == Finding::out_of_quota)
    result.retry_at = reset_hint(response, now, detail::longest_window);
  else if (judged.finding == Finding::rate_limited || judged.finding == Finding::transient)
    result.retry_at = retry_hint(response, now);
  return result;
}

CREDPOOL_INLINE Classification classify_failure(const Error& error) {
  Classification result;
  result.retry_at = error.retry_at;
  result.message = error.message();
  switch (error.errc()) {
    case Errc::network:
    case Errc::tls:
    case Errc::timeout:
      result.finding = Finding::transient;
      result.outcome = OutcomeKind::transport;
      break;
    case Errc::cancelled:
      break;
    default:  // a setting, an answer beyond all bounds: says nothing about the credential
      result.finding = Finding::could_not_tell;
      result.outcome = OutcomeKind::transport;
      break;
  }
  return result;
}

CREDPOOL_INLINE std::string_view to_string(TokenVerdict verdict) noexcept {
  switch (verdict) {
    case TokenVerdict::ok:
      return "ok";
    case TokenVerdict::malformed:
      return "malformed";
    case TokenVerdict::dead:
      return "dead";
    case TokenVerdict::client_fault:
      return "client_fault";
    case TokenVerdict::transient:
      return "transient";
    case TokenVerdict::pending:
      return "pending";
    case TokenVerdict::slow_down:
      return "slow_down";
    case TokenVerdict::denied:
      return "denied";
    case TokenVerdict::code_expired:
      return "code_expired";
  }
  return "transient";
}

CREDPOOL_INLINE TokenAnswer classify_token_answer(std::string_view provider,
                                                  const Response& response, TimePoint now) {
  const auto evidence = detail::evidence_of(response);
  const auto family = detail::family_of(provider);
  const int status = response.status;
  TokenAnswer answer;
  answer.message = evidence.message;
  if (!evidence.codes.empty()) answer.code = evidence.codes.front();

  if (status >= 200 && status < 300 && !evidence.has_error) {
    const auto body = evidence.json ? detail::parse_json(response.body) : Result<detail::Json>{};
    const bool complete = body && !detail::text_or_empty(*body, "access_token").empty();
    answer.verdict = complete ? TokenVerdict::ok : TokenVerdict::malformed;
    answer.message.clear();
    return answer;
  }
  const bool refusal =
      (status >= 200 && status <= 299) || (status >= 400 && status <= 403) || status == 429;
  if (evidence.json && refusal) {
    for (const auto& rule : detail::token_rules) {
      if (rule.status != 0 && rule.status != status) continue;
      if (rule.family != detail::Family::any && rule.family != family) continue;
      if (!detail::answer_matches(rule.on, rule.pattern, evidence)) continue;
      if (status == 429 && rule.verdict == TokenVerdict::dead) continue;  // status first
      answer.verdict = rule.verdict;
      if (answer.verdict != TokenVerdict::slow_down) return answer;
      break;
    }
  } else if (status >= 200 && status < 300) {
    answer.verdict = TokenVerdict::malformed;
    return answer;
  }
  answer.retry_at = retry_hint(response, now);
  return answer;
}

}  // namespace credpool::inline CREDPOOL_ABI
