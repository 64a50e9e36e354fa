#pragma once
// SPDX-License-Identifier: MIT
// Who may serve: the verdict on one credential, and the lanes that keep all verdicts up to date.

#include <credpool/pool/engine.hpp>

#include <credpool/impl/pool/engine_parts.hpp>

#include <algorithm>
#include <functional>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// For how long a failure counts as recent.
inline constexpr std::chrono::minutes pool_recent_failure{5};

CREDPOOL_INLINE PoolEngine::Standing PoolEngine::standing(const PoolSlot& slot,
                                                          const PoolLane& lane,
                                                          TimePoint now) const {
  const auto out = [](Eligibility verdict) { return Standing{.verdict = verdict, .brief = false}; };
  if (!slot.found) return out(Eligibility::unusable);
  const auto& credential = *slot.credential;
  if (!lane.provider.empty() && credential.provider != lane.provider)
    return out(Eligibility::wrong_provider);
  if (slot.state.disabled || credential.status == Status::disabled)
    return out(Eligibility::disabled);
  if ((!settings_.auto_import || slot.ask) && !slot.state.imported)
    return out(Eligibility::not_imported);
  if (slot.forbidden) return out(Eligibility::policy_forbidden);
  if (slot.out_of_order) return out(Eligibility::excluded_by_order);
  if (!slot.models.empty() && !lane.model.empty() &&
      std::find(slot.models.begin(), slot.models.end(), lane.model) == slot.models.end())
    return out(Eligibility::wrong_model);
  // Most stores do not tell the scopes: only what is known to be missing is missing.
  const auto has = [&](const std::string& scope) {
    return std::find(credential.scopes.begin(), credential.scopes.end(), scope) !=
           credential.scopes.end();
  };
  if (!credential.scopes.empty() && !std::all_of(lane.scopes.begin(), lane.scopes.end(), has))
    return out(Eligibility::missing_scope);

  switch (credential.status_at(now)) {
    case Status::active:
    case Status::expiring:
      break;
    case Status::expired:
      return out(!credential.has_refresh_token() ? Eligibility::expired_unrefreshable
                                                 : Eligibility::expired);
    case Status::revoked:
      return out(Eligibility::revoked);
    case Status::needs_login:
      return out(Eligibility::needs_login);
    case Status::disabled:
    case Status::invalid:
      return out(Eligibility::unusable);
  }
  if (!credential.usable_at(now)) return out(Eligibility::unusable);
  if (!slot.state.rejected_token.empty() && slot.state.rejected_token == slot.token_hash)
    return out(Eligibility::needs_login);
  if (settings_.require_validation && slot.state.verified_token != slot.token_hash)
    return out(Eligibility::unverified);

  Standing open;
  const auto changes_at = [&](TimePoint at) {
    if (at > now && (!open.changes || at < *open.changes)) open.changes = at;
  };
  if (credential.expires_at) changes_at(*credential.expires_at);
  if (slot.facts.failures > 0) changes_at(slot.failed_at + pool_recent_failure);

  const Cooldown* longest = nullptr;
  for (const auto& cooldown : slot.cooldowns) {
    if (!pool_rests(cooldown, lane.model)) continue;
    open.on_trial = true;
    if (cooldown.next_trial > now && (!longest || cooldown.next_trial > longest->next_trial))
      longest = &cooldown;
  }
  if (longest) {
    const bool allowance =
        longest->reason == CooldownReason::quota || longest->reason == CooldownReason::billing;
    return {.verdict = allowance ? Eligibility::quota_exhausted : Eligibility::cooling_down,
            .until = longest->until,
            .changes = longest->next_trial,
            .model = longest->model,
            .brief = longest->reason == CooldownReason::overload};
  }
  const auto& host = hosts_[slot.host];
  if (host.until > now)
    return {.verdict = Eligibility::cooling_down, .until = host.until, .changes = host.until};
  return open;
}

CREDPOOL_INLINE void PoolEngine::assess(PoolLane& lane, std::uint32_t position, TimePoint now) {
  auto& member = lane.members[position];
  const auto& slot = slots_[member.slot];
  const auto at = standing(slot, lane, now);
  member.open = at.verdict == Eligibility::eligible;
  member.gone = !member.open && !at.changes && at.verdict != Eligibility::expired;
  const bool recently_failed =
      slot.facts.failures > 0 && now < slot.failed_at + pool_recent_failure;
  lane.candidates.set_standing(position, at.on_trial, recently_failed, at.brief);
  lane.candidates.update(position, member.open && has_room(slot),
                         lane.policy->rank(lane.candidates, position));
  admit(lane, position);
  const auto due = at.changes.value_or(TimePoint{});
  if (due == member.due) return;
  member.due = due;
  if (!at.changes) return;
  // What others have left behind in the heap is swept out before it can pile up.
  if (lane.due.size() > 4 * lane.members.size() + 64) {
    lane.due.clear();
    for (std::uint32_t i = 0; i < lane.members.size(); ++i)
      if (lane.members[i].due != TimePoint{}) lane.due.push_back({lane.members[i].due, i});
    std::make_heap(lane.due.begin(), lane.due.end(), std::greater{});
    return;
  }
  lane.due.push_back({due, position});
  std::push_heap(lane.due.begin(), lane.due.end(), std::greater{});
}

CREDPOOL_INLINE void PoolEngine::assess_everywhere(std::uint32_t slot, TimePoint now) {
  for (auto& lane : lanes_)
    if (slot < lane.position.size() && lane.position[slot] != PoolLane::nowhere)
      assess(lane, lane.position[slot], now);
}

/// After a selection or a return: only the number of leases and the rank have changed.
CREDPOOL_INLINE void PoolEngine::touch(std::uint32_t slot) noexcept {
  for (auto& lane : lanes_) {
    if (slot >= lane.position.size() || lane.position[slot] == PoolLane::nowhere) continue;
    const auto position = lane.position[slot];
    lane.candidates.set_one_use(one_use_);
    lane.candidates.update(position, lane.members[position].open && has_room(slots_[slot]),
                           lane.policy->rank(lane.candidates, position));
    admit(lane, position);
  }
}

/// Keeps the lane's sums of what its members admit.
CREDPOOL_INLINE void PoolEngine::admit(PoolLane& lane, std::uint32_t position) noexcept {
  auto& member = lane.members[position];
  const auto limit = slots_[member.slot].facts.limit;
  lane.admitted -= member.admits;
  lane.unlimited -= member.unlimited;
  member.admits = member.open ? static_cast<std::uint32_t>(limit) : 0;
  member.unlimited = member.open && limit <= 0;
  lane.admitted += member.admits;
  lane.unlimited += member.unlimited;
}

CREDPOOL_INLINE void PoolEngine::wake(PoolLane& lane, TimePoint now) {
  while (!lane.due.empty() && lane.due.front().at <= now) {
    const auto [at, position] = lane.due.front();
    std::pop_heap(lane.due.begin(), lane.due.end(), std::greater{});
    lane.due.pop_back();
    if (lane.members[position].due == at) assess(lane, position, now);
  }
}

CREDPOOL_INLINE void PoolEngine::seat(PoolLane& lane, TimePoint now) {
  std::vector<CandidateFacts*> facts;
  for (const auto index : order_)
    if (lane.provider.empty() || slots_[index].credential->provider == lane.provider)
      facts.push_back(&slots_[index].facts);
  lane.candidates.assign(std::move(facts));
  lane.candidates.keep_ranks(lane.policy->ranks());
  lane.candidates.set_one_use(one_use_);
  lane.members.assign(lane.candidates.size(), {});
  lane.admitted = lane.unlimited = 0;
  lane.position.assign(slots_.size(), PoolLane::nowhere);
  lane.due.clear();
  lane.sessions.clear();
  for (std::uint32_t i = 0; i < lane.members.size(); ++i) {
    lane.members[i].slot = by_id_.at(lane.candidates[i].id);
    lane.position[lane.members[i].slot] = i;
  }
  for (std::uint32_t i = 0; i < lane.members.size(); ++i) assess(lane, i, now);
}

CREDPOOL_INLINE PoolLane& PoolEngine::lane_for(const LeaseRequest& request, TimePoint now) {
  auto key = pool_hash(request.model, pool_hash(request.provider));
  for (const auto& scope : request.scopes) key = pool_hash(scope, key);
  const auto same = [&](const PoolLane& lane) {
    return lane.key == key && lane.provider == request.provider && lane.model == request.model &&
           lane.scopes == request.scopes;
  };
  const auto known = std::find_if(lanes_.begin(), lanes_.end(), same);
  if (known != lanes_.end()) return *known;

  // Clients may name any model they like: beyond this many lanes the idlest one is taken over.
  constexpr std::size_t most_lanes = 64;
  PoolLane* lane = nullptr;
  if (lanes_.size() >= most_lanes)
    for (auto& each : lanes_)
      if (each.leases == 0 && !each.cursor_unwritten && !each.cursor_being_written &&
          (!lane || each.used_at < lane->used_at))
        lane = &each;
  if (!lane) {
    lane = &lanes_.emplace_back();
    lane->index = static_cast<std::uint32_t>(lanes_.size() - 1);
  }
  const auto index = lane->index;
  *lane = PoolLane{};
  lane->index = index;
  lane->provider = request.provider;
  lane->model = request.model;
  lane->scopes = request.scopes;
  lane->key = key;
  lane->policy = policy_->clone();
  lane->clients = &clients_[lane->provider];
  lane->candidates.set_salt(salt_);
  seat(*lane, now);
  if (const auto cursor = cursors_.find(lane->name()); cursor != cursors_.end())
    lane->candidates.set_last(cursor->second.last);
  return *lane;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
