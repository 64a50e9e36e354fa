// SPDX-License-Identifier: MIT
#include "pool_watch.hpp"

#include "serving_pool.hpp"

namespace credpool_cli {

namespace cp = credpool;

PoolSnapshot PoolSnapshot::of(ServingPool& serving) {
  PoolSnapshot snapshot;
  auto& pool = serving.pool();
  const auto now = serving.now();
  const auto explanation = pool.explain({});
  for (const auto& candidate : explanation.candidates) {
    snapshot.credentials[candidate.credential->id] = {candidate.credential,
                                                      candidate.credential->token_hash(),
                                                      candidate.credential->status_at(now),
                                                      candidate.verdict,
                                                      candidate.in_flight,
                                                      0};
    snapshot.can_serve = snapshot.can_serve || candidate.verdict == cp::Eligibility::eligible;
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
    : pool_{pool}, events_{events}, last_{PoolSnapshot::of(pool)} {}

void PoolWatch::look() {
  auto there = PoolSnapshot::of(pool_);
  for (const auto& event : events_between(last_, there, pool_.now()))
    events_.publish(event.type, event.data.dump(-1, ' ', false, Json::error_handler_t::replace));
  last_ = std::move(there);
}

}  // namespace credpool_cli
