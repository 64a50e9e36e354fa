// SPDX-License-Identifier: MIT
#include "pool_watch.hpp"

#include "serving_pool.hpp"

namespace credpool_cli {

namespace cp = credpool;

PoolSnapshot PoolSnapshot::of(ServingPool& serving, const PoolSnapshot& before) {
  PoolSnapshot snapshot;
  auto& pool = serving.pool();
  const auto now = serving.now();
  auto explanation = pool.explain({});
  for (auto& candidate : explanation.candidates) {
    const auto& id = candidate.credential->id;
    const auto known = before.credentials.find(id);
    const bool same =
        known != before.credentials.end() && known->second.credential == candidate.credential;
    auto& one = snapshot.credentials[id];
    one.token_hash = same ? known->second.token_hash : candidate.credential->token_hash();
    one.status = candidate.credential->status_at(now);
    one.verdict = candidate.verdict;
    one.in_flight = candidate.in_flight;
    one.credential = std::move(candidate.credential);
    snapshot.can_serve = snapshot.can_serve || one.verdict == cp::Eligibility::eligible;
  }
  if (!snapshot.can_serve) snapshot.retry_at = explanation.retry_at;
  for (const auto& state : pool.states())
    if (const auto one = snapshot.credentials.find(state.id); one != snapshot.credentials.end())
      one->second.uses = state.total_uses;
  for (const auto& rest : pool.cooldowns())
    snapshot.rests[{rest.id, rest.model}] = {rest.reason, rest.until};
  return snapshot;
}

PoolWatch::PoolWatch(ServingPool& pool, cp::EventHub& events)
    : pool_{pool}, events_{events}, last_{PoolSnapshot::of(pool, {})} {}

void PoolWatch::look() {
  auto there = PoolSnapshot::of(pool_, last_);
  for (const auto& event : events_between(last_, there, pool_.now()))
    events_.publish(event.type, event.data.dump(-1, ' ', false, Json::error_handler_t::replace));
  last_ = std::move(there);
}

}  // namespace credpool_cli
