#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/validation/probe_answer.hpp>

#include <credpool/credential/credential.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/validation/retry_hint.hpp>

#include <algorithm>
#include <initializer_list>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A number, sent as one or as decimal text.
inline std::optional<double> quota_number(const Json& object, const char* name) {
  const auto* value = member(object, name);
  return value != nullptr ? number_of(*value) : std::nullopt;
}

/// The first of these members that holds a moment.
inline std::optional<TimePoint> quota_moment(const Json& object, TimePoint now,
                                             std::initializer_list<const char*> names) {
  for (const auto* name : names) {
    const auto* value = member(object, name);
    if (value == nullptr) continue;
    if (value->is_string()) {
      if (const auto when = parse_reset(value->get_ref<const std::string&>(), now)) return when;
    } else if (const auto number = number_of(*value); number && *number > 0) {
      constexpr double longest_relative = 1e8;
      if (*number >= longest_relative) return time_from_epoch(*number);
      return now + Duration{static_cast<Duration::rep>(*number * 1000.0)};
    }
  }
  return std::nullopt;
}

inline std::optional<std::chrono::seconds> quota_length(std::optional<double> seconds) {
  constexpr double century = 100.0 * 365 * 86400;
  if (!seconds || *seconds <= 0 || *seconds > century) return std::nullopt;
  return std::chrono::seconds{static_cast<std::chrono::seconds::rep>(*seconds)};
}

inline std::string quota_name(std::string_view told, std::string_view fallback) {
  constexpr std::size_t longest = 64;
  const bool plain =
      !told.empty() && told.size() <= longest &&
      std::all_of(told.begin(), told.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return std::string{plain ? told : fallback};
}

/// "usage" and "limits[].detail" have one shape: limit, used or remaining, a reset.
inline void quota_from_kimi(const Json& object, std::string name,
                            std::optional<std::chrono::seconds> length, TimePoint now,
                            std::vector<QuotaWindow>& windows) {
  if (!object.is_object()) return;
  QuotaWindow window;
  window.name = std::move(name);
  window.length = length;
  window.limit = quota_number(object, "limit");
  window.used = quota_number(object, "used");
  if (const auto remaining = quota_number(object, "remaining");
      !window.used && window.limit && remaining)
    window.used = *window.limit - *remaining;
  window.resets_at = quota_moment(
      object, now,
      {"resetTime", "resetAt", "reset_time", "reset_at", "resetIn", "reset_in", "ttl"});
  if (window.limit || window.used) windows.push_back(std::move(window));
}

inline double kimi_unit_seconds(std::string_view unit) {
  if (unit.find("MINUTE") != std::string_view::npos) return 60;
  if (unit.find("HOUR") != std::string_view::npos) return 3600;
  if (unit.find("DAY") != std::string_view::npos) return 86400;
  if (unit.find("WEEK") != std::string_view::npos) return 7 * 86400;
  return 1;
}

inline void read_kimi_usages(const Json& document, TimePoint now, Verdict& verdict) {
  if (const auto* usage = member(document, "usage"))
    quota_from_kimi(*usage, quota_name(text_or_empty(*usage, "name"), "usage"), {}, now,
                    verdict.quotas);
  const auto* limits = member(document, "limits");
  if (limits == nullptr || !limits->is_array()) return;
  constexpr std::size_t most = 32;
  for (std::size_t i = 0; i < std::min(limits->size(), most); ++i) {
    const auto& entry = (*limits)[i];
    const auto* detail = member(entry, "detail");
    std::optional<double> seconds;
    if (const auto* window = member(entry, "window"))
      if (const auto duration = quota_number(*window, "duration"))
        seconds = *duration * kimi_unit_seconds(text_or_empty(*window, "timeUnit"));
    const auto length = quota_length(seconds);
    const auto fallback =
        length ? std::to_string(length->count() / 60) + "m" : "limit " + std::to_string(i + 1);
    const auto& figures = detail != nullptr ? *detail : entry;
    auto told = text_or_empty(entry, "name");
    if (told.empty()) told = text_or_empty(figures, "name");
    quota_from_kimi(figures, quota_name(told, fallback), length, now, verdict.quotas);
  }
}

inline void read_codex_usage(const Json& document, TimePoint now, Verdict& verdict) {
  verdict.plan = quota_name(text_or_empty(document, "plan_type"), "");
  const auto* limits = member(document, "rate_limit");
  if (limits == nullptr) return;
  for (const auto* name : {"primary_window", "secondary_window"}) {
    const auto* object = member(*limits, name);
    if (object == nullptr || !object->is_object()) continue;
    QuotaWindow window;
    window.name = std::string_view{name}.substr(0, std::string_view{name}.find('_'));
    window.used_percent = quota_number(*object, "used_percent");
    window.length = quota_length(quota_number(*object, "limit_window_seconds"));
    window.resets_at = quota_moment(*object, now, {"reset_at", "resets_at", "reset_after_seconds"});
    if (window.used_percent) verdict.quotas.push_back(std::move(window));
  }
}

inline void read_claude_usage(const Json& document, TimePoint now, Verdict& verdict) {
  if (!document.is_object()) return;
  for (const auto& [name, object] : document.items()) {
    const auto used = quota_number(object, "utilization");
    if (!used) continue;
    QuotaWindow window;
    window.name = quota_name(name, "window");
    window.used_percent = used;
    window.resets_at = quota_moment(object, now, {"resets_at"});
    if (name == "five_hour") window.length = std::chrono::hours{5};
    if (name.starts_with("seven_day")) window.length = std::chrono::hours{7 * 24};
    window.partial = name != "five_hour" && name != "seven_day";  // seven_day_opus: one model
    verdict.quotas.push_back(std::move(window));
  }
}

inline void read_openrouter_key(const Json& document, Verdict& verdict) {
  const auto* data = member(document, "data");
  if (data == nullptr) return;
  QuotaWindow window;
  window.name = "credits";
  window.used = quota_number(*data, "usage");
  window.limit = quota_number(*data, "limit");
  if (window.used) verdict.quotas.push_back(std::move(window));
}

inline void read_code_assist(const Json& document, Verdict& verdict) {
  for (const auto* name : {"paidTier", "currentTier"}) {
    const auto* tier = member(document, name);
    if (tier == nullptr || !tier->is_object()) continue;
    if (verdict.plan.empty()) verdict.plan = quota_name(text_or_empty(*tier, "id"), "");
    return;
  }
  const auto* ineligible = member(document, "ineligibleTiers");
  if (ineligible == nullptr || !ineligible->is_array() || ineligible->empty()) return;
  std::string reason;
  for (const auto& tier : *ineligible)
    if (const auto code = text_or_empty(tier, "reasonCode"); !code.empty() && reason.empty())
      reason = quota_name(code, "");
  verdict.finding = Finding::not_eligible;
  verdict.outcome = OutcomeKind::billing;
  verdict.detail = "the login works, but Google offers this account no tier for this client" +
                   (reason.empty() ? std::string{} : " (" + reason + ")");
}

/// A window of the whole account that is used up is known before the first refused request.
inline void judge_quotas(TimePoint now, Verdict& verdict) {
  for (const auto& window : verdict.quotas) {
    const auto percent = window.percent();
    const bool over = window.resets_at && *window.resets_at <= now;
    if (window.partial || over || !percent || *percent < 100.0) continue;
    verdict.finding = Finding::out_of_quota;
    verdict.outcome = OutcomeKind::quota_exhausted;
    verdict.detail = "the allowance \"" + window.name + "\" is used up";
    if (window.resets_at && (!verdict.retry_at || *verdict.retry_at < *window.resets_at))
      verdict.retry_at = window.resets_at;
  }
}

}  // namespace detail

CREDPOOL_INLINE void read_probe_answer(ProbeAnswer kind, std::string_view body, TimePoint now,
                                       Verdict& verdict) {
  if (kind == ProbeAnswer::nothing) return;
  const auto document = detail::parse_json(body);
  if (!document || !document->is_object()) {
    verdict.finding = Finding::could_not_tell;
    verdict.outcome = OutcomeKind::transport;
    verdict.detail = "the answer is not what this provider sends";
    return;
  }
  switch (kind) {
    case ProbeAnswer::nothing:
      break;
    case ProbeAnswer::kimi_usages:
      detail::read_kimi_usages(*document, now, verdict);
      break;
    case ProbeAnswer::codex_usage:
      detail::read_codex_usage(*document, now, verdict);
      break;
    case ProbeAnswer::claude_usage:
      detail::read_claude_usage(*document, now, verdict);
      break;
    case ProbeAnswer::code_assist:
      detail::read_code_assist(*document, verdict);
      break;
    case ProbeAnswer::openrouter_key:
      detail::read_openrouter_key(*document, verdict);
      break;
  }
  detail::judge_quotas(now, verdict);
}

}  // namespace credpool::inline CREDPOOL_ABI
