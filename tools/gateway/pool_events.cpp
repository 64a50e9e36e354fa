// SPDX-License-Identifier: MIT
// What happened in a pool between two looks.
#include "pool_watch.hpp"

namespace credpool_cli {

namespace cp = credpool;

namespace {

using Eligibility = cp::Eligibility;

Json about(const WatchedCredential& one) {
  const auto& credential = *one.credential;
  return {{"id", credential.id.hex()},
          {"profileId", harmless(credential.profile_id)},
          {"cli", credential.cli},
          {"provider", credential.provider},
          {"expiresAt", time_json(credential.expires_at)}};
}

Json about(const WatchedCredential& one, std::string_view reason) {
  auto data = about(one);
  data["reason"] = reason;
  return data;
}

/// Nobody but a person can bring it back.
bool has_failed(const WatchedCredential& one) {
  return one.status == cp::Status::revoked || one.status == cp::Status::needs_login ||
         one.status == cp::Status::invalid || one.verdict == Eligibility::needs_login ||
         one.verdict == Eligibility::revoked || one.verdict == Eligibility::expired_unrefreshable;
}

/// The one word for what happened to a credential that is still there; empty: nothing.
std::string_view change_of(const WatchedCredential& before, const WatchedCredential& after) {
  if (before.token_hash != after.token_hash) return "credential.refreshed";
  if (!has_failed(before) && has_failed(after)) return "credential.failed";
  if (before.status == cp::Status::active && after.status == cp::Status::expiring)
    return "credential.expiring";
  if (before.status != after.status || before.verdict != after.verdict) return "credential.changed";
  return {};
}

}  // namespace

std::vector<PoolEvent> events_between(const PoolSnapshot& before, const PoolSnapshot& after,
                                      cp::TimePoint now) {
  std::vector<PoolEvent> events;
  Json leases = Json::array();
  for (const auto& [id, one] : after.credentials) {
    const auto known = before.credentials.find(id);
    if (known == before.credentials.end()) {
      events.push_back({"credential.added", about(one)});
      continue;
    }
    const auto& old = known->second;
    if (const auto change = change_of(old, one); !change.empty())
      events.push_back({std::string{change}, about(one, one.verdict == Eligibility::eligible
                                                            ? cp::to_string(one.status)
                                                            : cp::to_string(one.verdict))});
    if (old.in_flight != one.in_flight || old.uses != one.uses)
      leases.push_back({{"id", id.hex()}, {"inFlight", one.in_flight}, {"uses", one.uses}});
  }
  for (const auto& [id, one] : before.credentials)
    if (!after.credentials.contains(id)) events.push_back({"credential.removed", about(one)});

  for (const auto& [key, rest] : after.rests) {
    const auto one = after.credentials.find(key.first);
    const auto known = before.rests.find(key);
    if (one == after.credentials.end() || (known != before.rests.end() && known->second == rest))
      continue;
    auto data = about(one->second, cp::to_string(rest.first));
    data["model"] = key.second;
    data["until"] = time_json(rest.second);
    events.push_back({"credential.cooling", std::move(data)});
  }
  for (const auto& each : before.rests) {
    const auto one = after.credentials.find(each.first.first);
    if (one == after.credentials.end() || after.rests.contains(each.first)) continue;
    auto data = about(one->second);
    data["model"] = each.first.second;
    events.push_back({"credential.recovered", std::move(data)});
  }
  if (before.rests != after.rests) events.push_back({"cooldowns.changed", Json::object()});

  if (before.can_serve && !after.can_serve)
    events.push_back({"pool.exhausted", {{"retryAt", time_json(after.retry_at)}}});
  if (!before.can_serve && after.can_serve) events.push_back({"pool.recovered", Json::object()});
  if (!leases.empty())
    events.push_back({"leases", {{"at", time_json(now)}, {"credentials", std::move(leases)}}});
  return events;
}

}  // namespace credpool_cli
