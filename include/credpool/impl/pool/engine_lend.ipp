#pragma once
// SPDX-License-Identifier: MIT
// Affinity, policy, admission: from a request to a lease, or to the reasons why there is none.

#include <credpool/pool/engine.hpp>

#include <credpool/impl/pool/engine_parts.hpp>
#include <credpool/core/iso8601.hpp>

#include <algorithm>
#include <cmath>
#include <mutex>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

CREDPOOL_INLINE Result<std::optional<std::uint32_t>> PoolEngine::pinned(
    const LeaseRequest& request) const {
  if (request.pin.empty()) return std::optional<std::uint32_t>{};
  auto found = find_slot(request.pin, request.model);
  if (!found) return fail(std::move(found).error());
  return std::optional{*found};
}

CREDPOOL_INLINE Result<PoolEngine::Lent> PoolEngine::acquire(const LeaseRequest& request,
                                                             TimePoint now) {
  const std::lock_guard lock{lock_};
  tick(now);
  auto& lane = lane_for(request, now);
  wake(lane, now);
  lane.used_at = turn_;
  const auto pin = pinned(request);
  if (!pin) return fail(pin.error());
  if (share_used_up(lane, request, now)) return refusal(lane, request, *pin, true, now);
  if (const auto position = choose(lane, request, *pin, now))
    return select(lane, *position, request, now);
  const bool all_out = lane.candidates.eligible_count() == 0 && lane.unlimited == 0;
  if (const auto client = client_of(request); client != 0 && all_out && lane.admitted > 0)
    lane.clients->refused(client, lane.admitted, now);
  return refusal(lane, request, *pin, false, now);
}

CREDPOOL_INLINE FairShare::Client PoolEngine::client_of(const LeaseRequest& request) noexcept {
  return request.client.empty() ? 0 : pool_hash(request.client) | 1;  // 0 means "nobody"
}

CREDPOOL_INLINE bool PoolEngine::share_used_up(const PoolLane& lane, const LeaseRequest& request,
                                               TimePoint now) {
  const auto client = client_of(request);
  return client != 0 && lane.unlimited == 0 && lane.admitted > 0 &&
         lane.clients->used_up(client, lane.admitted, now);
}

CREDPOOL_INLINE std::uint64_t PoolEngine::session_of(const LeaseRequest& request) noexcept {
  if (request.session.empty() || request.affinity == Affinity::none) return 0;
  return pool_hash(request.session) | 1;  // 0 means "no session"
}

CREDPOOL_INLINE std::optional<std::size_t> PoolEngine::choose(PoolLane& lane,
                                                              const LeaseRequest& request,
                                                              std::optional<std::uint32_t> pin,
                                                              TimePoint now) {
  auto& candidates = lane.candidates;
  candidates.set_one_use(one_use_);
  // What has failed this request is out of the way for this choice only. The room for one id is
  // there without allocating; a request that failed more often has other costs.
  std::vector<std::size_t> hidden;
  for (const auto& id : request.tried) {
    const auto i = candidates.position_of(id);
    if (!i || !candidates.eligible(*i)) continue;
    candidates.set_eligible(*i, false);
    hidden.push_back(*i);
  }
  std::optional<std::size_t> chosen;
  const auto session = session_of(request);
  if (pin) {
    const auto i = *pin < lane.position.size() ? lane.position[*pin] : PoolLane::nowhere;
    if (i != PoolLane::nowhere && candidates.eligible(i)) chosen = i;
  } else {
    if (session != 0) chosen = by_session(lane, request, session);
    if (!chosen && (session == 0 || request.affinity != Affinity::hard))
      chosen = lane.policy->pick(candidates,
                                 {.session = session, .prompt_tokens = request.prompt_tokens}, now);
    // A policy of a user may be wrong; who may not serve is not lent all the same.
    if (chosen && (*chosen >= candidates.size() || !candidates.eligible(*chosen))) chosen.reset();
  }
  for (const auto i : hidden) candidates.set_eligible(i, true);
  return chosen;
}

/// Rendezvous hashing (Thaler, Ravishankar 1998): every host comes to the same answer without
/// talking, and one credential that goes moves only its own sessions. With bounded load (Mirrokni,
/// Thorup, Zadimoghaddam 2018): an overfull winner is passed over.
CREDPOOL_INLINE std::optional<std::size_t> PoolEngine::by_session(PoolLane& lane,
                                                                  const LeaseRequest& request,
                                                                  std::uint64_t session) const {
  const auto& candidates = lane.candidates;
  const auto size = static_cast<std::uint32_t>(candidates.size());
  const auto weight = [&](std::uint32_t i) {
    return pool_mix(pool_word(candidates[i].id) ^ session);
  };
  const auto best = [&](const auto& may) {
    auto winner = PoolLane::nowhere;
    for (std::uint32_t i = 0; i < size; ++i)
      if (may(i) && (winner == PoolLane::nowhere || weight(i) > weight(winner))) winner = i;
    return winner;
  };
  // The session's own credential is the winner among all that are not gone for good, resting or
  // not. Finding it among thousands takes a while, so it is remembered.
  constexpr std::size_t remembered = 1024;
  if (lane.sessions.empty()) lane.sessions.resize(remembered);
  auto& seat = lane.sessions[session % remembered];
  if (seat.session != session || lane.members[seat.position].gone) {
    const auto own = best([&](std::uint32_t i) { return !lane.members[i].gone; });
    if (own == PoolLane::nowhere) return std::nullopt;
    seat = {session, own};
  }
  const auto own = seat.position;
  if (request.affinity == Affinity::hard)
    return candidates.eligible(own) ? std::optional<std::size_t>{own} : std::nullopt;

  if (candidates.eligible_count() == 0) return std::nullopt;
  constexpr double never_crowded = 4;  // a session's own parallel requests are no crowd
  const double bound =
      std::max(never_crowded, std::ceil(settings_.load_factor * (lane.leases + 1.0) /
                                        static_cast<double>(candidates.eligible_count())));
  const auto fits = [&](std::uint32_t i) {
    return candidates.eligible(i) && candidates[i].in_flight + 1 <= bound;
  };
  if (fits(own)) return own;
  const auto other = best(fits);
  return other == PoolLane::nowhere ? std::nullopt : std::optional<std::size_t>{other};
}

CREDPOOL_INLINE PoolEngine::Lent PoolEngine::select(PoolLane& lane, std::size_t position,
                                                    const LeaseRequest& request, TimePoint now) {
  auto& slot = slots_[lane.members[position].slot];
  if (const auto* rule = std::get_if<Aimd>(&settings_.admission); rule && slot.fixed_limit == 0) {
    if (slot.aimd.limit <= 0 || now - slot.state.last_selected > rule->idle) {
      on_idle(*rule, slot.aimd);
      slot.facts.limit = static_cast<float>(std::floor(slot.aimd.limit));
    }
  }
  LeaseTicket ticket{.slot = slot.index,
                     .lane = lane.index,
                     .prompt_tokens = request.prompt_tokens,
                     .on_trial = lane.candidates.on_trial(position),
                     .client = client_of(request),
                     .started = now};
  slot.facts.turn = ++turn_;
  slot.facts.use += one_use_;
  slot.new_use += one_use_;
  ++slot.facts.in_flight;
  ++slot.new_uses;
  ++slot.state.total_uses;
  slot.state.last_selected = now;
  mark(slot, used | selected);
  ++lane.leases;
  if (ticket.client != 0) lane.clients->lent(ticket.client);
  lane.candidates.set_last(position);
  lane.cursor_unwritten = true;
  lane.policy->on_selected(lane.candidates, position, now);
  if (ticket.on_trial)
    begin_trial(slot, lane, now);
  else
    touch(slot.index);
  return {ticket, slot.credential};
}

/// While a trial runs nobody else tries: its cooldowns move their next trial ahead, here and, by
/// the store, in all processes. The time is how long a trial may stay silent before another one
/// starts.
CREDPOOL_INLINE void PoolEngine::begin_trial(PoolSlot& slot, const PoolLane& lane, TimePoint now) {
  for (auto& cooldown : slot.cooldowns) {
    if (!pool_rests(cooldown, lane.model)) continue;
    const bool early = cooldown.until > now;
    cooldown.next_trial = now + (early ? std::chrono::seconds{60} : std::chrono::seconds{10});
    cooldown.noted_at = now;
    cooldowns_to_write_.push_back(cooldown);
  }
  assess_everywhere(slot.index, now);
}

/// standing(), and what only this request knows.
CREDPOOL_INLINE PoolEngine::Standing PoolEngine::answer(const PoolSlot& slot, const PoolLane& lane,
                                                        const LeaseRequest& request,
                                                        std::optional<std::uint32_t> pin,
                                                        bool share_used_up, TimePoint now) const {
  auto at = standing(slot, lane, now);
  if (at.verdict == Eligibility::wrong_provider) return at;
  if (pin && *pin != slot.index) return {.verdict = Eligibility::pinned_elsewhere};
  if (at.verdict != Eligibility::eligible) return at;
  if (std::find(request.tried.begin(), request.tried.end(), slot.facts.id) != request.tried.end())
    return {.verdict = Eligibility::already_tried};
  if (!has_room(slot)) return {.verdict = Eligibility::at_concurrency_limit, .changes = now};
  if (share_used_up) return {.verdict = Eligibility::over_fair_share, .changes = now};
  return at;
}

CREDPOOL_INLINE Unexpected PoolEngine::refusal(const PoolLane& lane, const LeaseRequest& request,
                                               std::optional<std::uint32_t> pin, bool share_used_up,
                                               TimePoint now) const {
  constexpr std::size_t named_at_most = 6;
  Error error{.code = Errc::no_credential,
              .doing = "choosing a credential",
              .place = request.provider.empty() ? "any provider" : request.provider,
              .hint = {}};
  if (!request.model.empty()) error.place += " " + request.model;
  std::size_t of_provider = 0;
  bool others_fault = false, callers_limit = false;
  for (const auto index : order_) {
    const auto& slot = slots_[index];
    const auto at = answer(slot, lane, request, pin, share_used_up, now);
    if (at.verdict == Eligibility::wrong_provider && (!pin || *pin != index)) continue;
    if (at.verdict == Eligibility::pinned_elsewhere) continue;
    if (at.changes && at.verdict != Eligibility::eligible) {
      const bool rests_briefly = at.verdict == Eligibility::cooling_down && at.brief;
      (rests_briefly ? others_fault : callers_limit) = true;
    }
    if (at.changes && (!error.retry_at || *at.changes < *error.retry_at))
      error.retry_at = at.changes;
    if (++of_provider > named_at_most) continue;
    error.hint += (error.hint.empty() ? "" : ", ") + slot.credential->profile_id + " " +
                  std::string{to_string(at.verdict)};
    if (at.until) error.hint += " until " + format_iso8601(*at.until);
  }
  if (others_fault && !callers_limit) error.code = Errc::overloaded;
  if (of_provider == 0)
    error.hint = order_.empty() ? "there are no credentials: log in with a CLI, then scan"
                                : "there is none for that provider";
  else if (of_provider > named_at_most)
    error.hint += " and " + std::to_string(of_provider - named_at_most) + " more";
  return fail(std::move(error));
}

CREDPOOL_INLINE Explanation PoolEngine::explain(const LeaseRequest& request, TimePoint now) {
  const std::lock_guard lock{lock_};
  tick(now);
  auto& lane = lane_for(request, now);
  wake(lane, now);
  Explanation explanation{.policy = std::string{policy_->name()}, .candidates = {}};
  const auto pin = pinned(request).value_or(std::optional{PoolLane::nowhere});
  // The choice is made by a copy of the policy, which may do with its memory what it likes.
  auto policy = lane.policy->clone();
  std::swap(policy, lane.policy);
  const bool no_share = share_used_up(lane, request, now);
  const auto chosen = no_share ? std::nullopt : choose(lane, request, pin, now);
  std::swap(policy, lane.policy);
  if (chosen) explanation.chosen = lane.candidates[*chosen].id;

  for (const auto index : order_) {
    const auto& slot = slots_[index];
    const auto at = answer(slot, lane, request, pin, no_share, now);
    const auto position = lane.position[index];
    CandidateReport report{.credential = slot.credential,
                           .verdict = at.verdict,
                           .until = at.until,
                           .model = std::string{at.model},
                           .on_trial = at.on_trial,
                           .chosen = explanation.chosen == slot.facts.id};
    if (position != PoolLane::nowhere) report.rank = lane.candidates.rank(position);
    report.use = slot.facts.use / one_use_;
    report.in_flight = slot.facts.in_flight;
    report.limit = static_cast<std::uint32_t>(slot.facts.limit);
    if (!chosen && at.changes && at.verdict != Eligibility::wrong_provider &&
        (!explanation.retry_at || *at.changes < *explanation.retry_at))
      explanation.retry_at = at.changes;
    explanation.candidates.push_back(std::move(report));
  }
  return explanation;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
