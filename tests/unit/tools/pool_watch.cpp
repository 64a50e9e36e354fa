// SPDX-License-Identifier: MIT
#include "../../../tools/gateway/pool_watch.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace credpool_cli;
namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

constexpr cp::TimePoint start{std::chrono::milliseconds{1795000000000}};

/// A pool with one key, "acme:a", that can serve.
struct World {
  PoolSnapshot snapshot;
  cp::CredentialId id;

  World() {
    auto credential = cp::Credential::api_key("acme-cli", "acme", cp::Secret{"key-a"});
    credential.profile_id = "acme:a";
    id = credential.id;
    auto& one = snapshot.credentials[id];
    one.token_hash = credential.token_hash();
    one.credential = std::make_shared<const cp::Credential>(std::move(credential));
    snapshot.can_serve = true;
  }
  WatchedCredential& one() { return snapshot.credentials.at(id); }
};

std::vector<std::string> types(const World& before, const World& after) {
  std::vector<std::string> all;
  for (const auto& event : events_between(before.snapshot, after.snapshot, start))
    all.push_back(event.type);
  return all;
}
using Types = std::vector<std::string>;

}  // namespace

TEST_CASE("gateway/pool_watch: nothing happened, nothing is told") {
  CHECK(types(World{}, World{}).empty());
}

TEST_CASE("gateway/pool_watch: credentials come, go, and change") {
  World gone;
  gone.snapshot.credentials.clear();
  CHECK(types(gone, World{}) == Types{"credential.added"});
  CHECK(types(World{}, gone) == Types{"credential.removed"});
  const auto added = events_between(gone.snapshot, World{}.snapshot, start);
  CHECK(added[0].data["profileId"] == "acme:a");
  CHECK(added[0].data["cli"] == "acme-cli");

  World other;
  other.one().token_hash = "sha256:other";
  CHECK(types(World{}, other) == Types{"credential.refreshed"});
  World expiring;
  expiring.one().status = cp::Status::expiring;
  CHECK(types(World{}, expiring) == Types{"credential.expiring"});
  World failed;
  failed.one().verdict = cp::Eligibility::needs_login;
  CHECK(types(World{}, failed) == Types{"credential.failed"});
  CHECK(events_between(World{}.snapshot, failed.snapshot, start)[0].data["reason"] ==
        "needs_login");
  CHECK(types(failed, World{}) == Types{"credential.changed"});
  World off;
  off.one().verdict = cp::Eligibility::disabled;
  CHECK(types(World{}, off) == Types{"credential.changed"});
}

TEST_CASE("gateway/pool_watch: rests begin, grow and end, each with its model") {
  World resting;
  resting.snapshot.rests[{resting.id, "m"}] = {cp::CooldownReason::rate_limit, start + 1h};
  CHECK(types(World{}, resting) == Types{"credential.cooling", "cooldowns.changed"});
  const auto data = events_between(World{}.snapshot, resting.snapshot, start)[0].data;
  CHECK(data["reason"] == "rate_limit");
  CHECK(data["model"] == "m");
  CHECK(data["until"].is_string());
  auto longer = resting;
  longer.snapshot.rests.begin()->second.second = start + 2h;
  CHECK(types(resting, longer) == Types{"credential.cooling", "cooldowns.changed"});
  CHECK(types(resting, World{}) == Types{"credential.recovered", "cooldowns.changed"});
}

TEST_CASE("gateway/pool_watch: leases and the pool as a whole") {
  World lent;
  lent.one().in_flight = 2;
  lent.one().uses = 5;
  const auto events = events_between(World{}.snapshot, lent.snapshot, start);
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == "leases");
  CHECK(events[0].data["credentials"][0]["inFlight"] == 2);
  CHECK(events[0].data["credentials"][0]["uses"] == 5);

  World empty;
  empty.snapshot.can_serve = false;
  empty.snapshot.retry_at = start + 1min;
  const auto exhausted = events_between(World{}.snapshot, empty.snapshot, start);
  REQUIRE(exhausted.size() == 1);
  CHECK(exhausted[0].type == "pool.exhausted");
  CHECK(exhausted[0].data["retryAt"].is_string());
  CHECK(types(empty, World{}) == Types{"pool.recovered"});
}
