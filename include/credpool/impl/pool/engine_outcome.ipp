#pragma once
// SPDX-License-Identifier: MIT
// What happened to a lease, and what follows from it.

#include <credpool/pool/engine.hpp>

#include <credpool/impl/pool/engine_parts.hpp>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <span>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// How long a credential rests when the provider does not say, by the failures in a row.
inline std::span<const Duration> pool_ladder(CooldownReason reason,
                                             std::span<const Duration> rate_limit) noexcept {
  using namespace std::chrono_literals;
  static constexpr Duration quota[]{1h, 2h, 5h};
  static constexpr Duration billing[]{5h, 10h, 20h, 24h};
  static constexpr Duration overload[]{5s, 10s, 20s, 40s, 60s};
  switch (reason) {
    case CooldownReason::quota:
      return quota;
    case CooldownReason::billing:
      return billing;
    case CooldownReason::overload:
      return overload;
    case CooldownReason::none:
    case CooldownReason::rate_limit:
      break;
  }
  return rate_limit;
}

/// A reset that is far away is believed, and yet tried now and then: providers reset early, and
/// sometimes tell nonsense. Half an hour, doubling to a day: a week costs about a dozen requests.
inline TimePoint pool_next_trial(TimePoint now, TimePoint until, std::uint32_t trials) noexcept {
  using namespace std::chrono_literals;
  if (until - now <= 1h) return until;
  const Duration wait = std::min<Duration>(30min * (1 << std::min(trials, 6u)), 24h);
  return std::min(until, now + wait);
}

CREDPOOL_INLINE void PoolEngine::cool_down(PoolSlot& slot, CooldownReason reason,
                                           const std::string& model, const LeaseTicket& ticket,
                                           const std::optional<TimePoint>& evidence,
                                           TimePoint now) {
  const auto told = evidence.value_or(TimePoint{});
  const bool is_told = told > now;  // a reset that has passed says nothing
  auto known = std::find_if(slot.cooldowns.begin(), slot.cooldowns.end(),
                            [&](const Cooldown& each) { return each.model == model; });
  const bool repeated = known != slot.cooldowns.end();
  if (repeated && !ticket.on_trial && ticket.started <= known->since) {
    // Sent before the rest began: the same event once more. It may know better, it adds nothing.
    if (!is_told || known->until >= told) return;
    known->until = told;
    known->next_trial = pool_next_trial(now, known->until, known->trials);
    known->noted_at = now;
    cooldowns_to_write_.push_back(*known);
    return;
  }
  if (!repeated) {
    slot.cooldowns.push_back({.id = slot.facts.id, .model = model, .reason = reason});
    known = slot.cooldowns.end() - 1;
  }
  const auto ladder = pool_ladder(reason, settings_.rate_limit_ladder);
  const bool same_reason = repeated && known->reason == reason;
  const auto top = static_cast<std::uint32_t>(ladder.size() - 1);
  const bool early_trial = repeated && known->until > now;
  if (is_told) {
    known->until = told;
  } else if (!early_trial) {
    known->level = same_reason ? std::min(known->level + 1, top) : 0;
    auto rest = ladder[known->level];
    if (reason ==
        CooldownReason::overload) {  // spread by up to a fifth each way, or all come back at once
      const auto dice = pool_mix(pool_word(slot.facts.id) ^ salt_ ^ turn_) % 401;
      rest = rest * (800 + static_cast<int>(dice)) / 1000;
    }
    known->until = now + rest;
  }
  known->trials = repeated ? known->trials + 1 : 0;
  known->reason = reason;
  known->since = now;
  known->next_trial = pool_next_trial(now, known->until, known->trials);
  known->noted_at = now;
  cooldowns_to_write_.push_back(*known);
}

CREDPOOL_INLINE void PoolEngine::on_host_failure(std::uint32_t index, const LeaseTicket& ticket,
                                                 TimePoint now) {
  auto& host = hosts_[index];
  if (host.failures > 0 && ticket.started <= host.since) return;  // the same event once more
  using namespace std::chrono_literals;
  host.until = now + std::min<Duration>(1s * (1 << std::min(host.failures, 6u)), 60s);
  host.since = now;
  ++host.failures;
  for (const auto each : order_)
    if (slots_[each].host == index) assess_everywhere(each, now);
}

/// The trial has told nothing: the next one may start.
CREDPOOL_INLINE void PoolEngine::end_trial(PoolSlot& slot, const PoolLane& lane, TimePoint now) {
  for (auto& cooldown : slot.cooldowns) {
    if (!pool_rests(cooldown, lane.model)) continue;
    cooldown.next_trial = now;
    cooldown.noted_at = now;
    cooldowns_to_write_.push_back(cooldown);
  }
}

/// What a probe said about the account: it lets it rest as a request's answer would. A probe that
/// is answered ends the rests of that kind only: it proves nothing about a model's rate limit.
CREDPOOL_INLINE void PoolEngine::rest_after_validation(PoolSlot& slot, const Outcome& answer,
                                                       TimePoint now) {
  const auto of_the_account = [](const Cooldown& each) {
    return each.model.empty() &&
           (each.reason == CooldownReason::quota || each.reason == CooldownReason::billing);
  };
  const LeaseTicket asked_now{.started = now};
  if (answer.kind == OutcomeKind::quota_exhausted)
    cool_down(slot, CooldownReason::quota, {}, asked_now, answer.until, now);
  if (answer.kind == OutcomeKind::billing)
    cool_down(slot, CooldownReason::billing, {}, asked_now, answer.until, now);
  if (answer.kind != OutcomeKind::ok) return;
  std::erase_if(slot.cooldowns, [&](Cooldown& cooldown) {
    if (!of_the_account(cooldown)) return false;
    cooldown.reason = CooldownReason::none;
    cooldown.noted_at = now;
    cooldowns_to_write_.push_back(cooldown);
    return true;
  });
}

CREDPOOL_INLINE bool PoolEngine::on_ok(PoolSlot& slot, const PoolLane& lane,
                                       const LeaseTicket& ticket, const Outcome& outcome,
                                       TimePoint now) {
  hosts_[slot.host].failures = 0;
  slot.facts.failures = slot.state.consecutive_failures = 0;
  ++slot.state.success_streak;
  slot.state.last_used = now;
  mark(slot, failures | used);
  // Admission learns only from leases that came near its limit: an idle one proves nothing.
  if (const auto* rule = std::get_if<Aimd>(&settings_.admission);
      rule && slot.fixed_limit == 0 && 2 * (slot.facts.in_flight + 1.0) >= slot.aimd.limit) {
    credpool::on_success(*rule, slot.aimd);
    slot.facts.limit = static_cast<float>(std::floor(slot.aimd.limit));
    mark(slot, limit);
  }
  if (outcome.first_byte_after) learn_latency(slot, ticket, *outcome.first_byte_after, now);

  // A success ends a rest when it was sent after the rest began.
  bool ended = false;
  bool long_away = false;
  std::erase_if(slot.cooldowns, [&](Cooldown& cooldown) {
    if (!pool_rests(cooldown, lane.model) || (!ticket.on_trial && ticket.started <= cooldown.since))
      return false;
    ended = true;
    long_away |= now - cooldown.since > settings_.half_life / 2;
    cooldown.reason = CooldownReason::none;
    cooldown.noted_at = now;
    cooldowns_to_write_.push_back(cooldown);
    return true;
  });
  if (long_away) level_up(slot, now);
  return ended;
}

/// Peak EWMA: up at once, down slowly. Longer prompts may take longer.
CREDPOOL_INLINE void PoolEngine::learn_latency(PoolSlot& slot, const LeaseTicket& ticket,
                                               Duration first_byte_after, TimePoint now) {
  const double unit = pool_latency_unit(one_use_);
  const double sample = std::max(1.0, static_cast<double>(first_byte_after.count())) /
                        (1 + ticket.prompt_tokens / 1000.0);
  const double present = slot.facts.latency / unit;
  constexpr double weight = 0.3;
  const double learnt = sample > present ? sample : present + weight * (sample - present);
  slot.facts.latency = learnt * unit;
  slot.state.latency_ms = learnt;
  slot.state.latency_at = now;
  mark(slot, latency);
}

CREDPOOL_INLINE void PoolEngine::on_refusal(PoolSlot& slot, const PoolLane& lane,
                                            const LeaseTicket& ticket, const Outcome& outcome,
                                            TimePoint now) {
  slot.facts.failures = ++slot.state.consecutive_failures;
  slot.state.success_streak = 0;
  slot.failed_at = now;
  mark(slot, failures);
  const bool crowded =
      outcome.kind == OutcomeKind::rate_limited || outcome.kind == OutcomeKind::overloaded;
  if (const auto* rule = std::get_if<Aimd>(&settings_.admission);
      rule && slot.fixed_limit == 0 && crowded && ticket.started > slot.refused_at) {
    credpool::on_refusal(*rule, slot.aimd);
    slot.facts.limit = static_cast<float>(std::floor(slot.aimd.limit));
    slot.refused_at = now;
    mark(slot, limit);
  }
  const auto rest = [&](CooldownReason reason, bool account_by_default) {
    const bool account = outcome.whole_account.value_or(account_by_default);
    cool_down(slot, reason, account ? std::string{} : lane.model, ticket, outcome.until, now);
  };
  switch (outcome.kind) {
    case OutcomeKind::rate_limited:
      rest(CooldownReason::rate_limit, false);
      break;
    case OutcomeKind::quota_exhausted:
      rest(CooldownReason::quota, true);
      break;
    case OutcomeKind::billing:
      rest(CooldownReason::billing, true);
      break;
    case OutcomeKind::overloaded:
      rest(CooldownReason::overload, false);
      break;
    default:
      break;
  }
}

CREDPOOL_INLINE void PoolEngine::learn_quota(PoolSlot& slot, const QuotaHeadroom& quota) noexcept {
  slot.facts.quota_headroom = static_cast<float>(std::clamp(quota.headroom, 0.0, 1.0));
  slot.facts.quota_resets_at = quota.resets_at;
}

CREDPOOL_INLINE bool PoolEngine::settle(const LeaseTicket& ticket, const Credential& used_one,
                                        const Outcome& outcome, TimePoint now) noexcept {
  const std::lock_guard lock{lock_};
  tick(now);
  auto& slot = slots_[ticket.slot];
  auto& lane = lanes_[ticket.lane];
  --slot.facts.in_flight;
  --lane.leases;
  if (ticket.client != 0) lane.clients->returned(ticket.client);
  if (outcome.quota) learn_quota(slot, *outcome.quota);
  bool evidence = false;
  bool refused = false;
  switch (outcome.kind) {
    case OutcomeKind::unknown:
    case OutcomeKind::request_fault:
    case OutcomeKind::transport:
      if (outcome.kind == OutcomeKind::transport) on_host_failure(slot.host, ticket, now);
      if (ticket.on_trial) end_trial(slot, lane, now);
      evidence = ticket.on_trial;
      break;
    case OutcomeKind::ok:
      evidence = on_ok(slot, lane, ticket, outcome, now);
      break;
    case OutcomeKind::auth_failed:
      if (ticket.on_trial) end_trial(slot, lane, now);
      // Only the token that was refused is bad: it may have been refreshed meanwhile.
      refused = slot.credential && slot.credential->secret == used_one.secret;
      if (refused) {
        on_refusal(slot, lane, ticket, outcome, now);
        slot.state.rejected_token = slot.token_hash;
        mark(slot, rejected);
      }
      evidence = refused || ticket.on_trial;
      break;
    case OutcomeKind::rate_limited:
    case OutcomeKind::quota_exhausted:
    case OutcomeKind::billing:
    case OutcomeKind::overloaded:
      on_refusal(slot, lane, ticket, outcome, now);
      evidence = refused = true;
      break;
  }
  if (ticket.slot < lane.position.size() && lane.position[ticket.slot] != PoolLane::nowhere)
    lane.policy->on_outcome(lane.candidates, lane.position[ticket.slot],
                            {.ok = outcome.kind == OutcomeKind::ok,
                             .refused = refused,
                             .first_byte_after = outcome.first_byte_after},
                            now);
  if (evidence)
    assess_everywhere(slot.index, now);
  else
    touch(slot.index);
  return evidence;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
