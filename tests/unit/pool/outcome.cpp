// SPDX-License-Identifier: MIT
#include <credpool/pool/outcome.hpp>

#include "pool_world.hpp"

#include <credpool/rotation/round_robin.hpp>

#include <doctest/doctest.h>

using namespace pool_world;
using cp::Outcome;

namespace {

const cp::LeaseRequest acme{.provider = "acme"};
const cp::LeaseRequest k2{.provider = "acme", .model = "k2"};
const cp::LeaseRequest k3{.provider = "acme", .model = "k3"};

/// How long a credential rests after each of several refusals in a row.
template <class World>
std::vector<cp::Duration> rests(cp::ManualClock& clock, World& world, Outcome outcome, int times) {
  std::vector<cp::Duration> all;
  for (int i = 0; i < times; ++i) {
    REQUIRE(world.use(acme, outcome) != "");
    REQUIRE(world.pool.cooldowns().size() == 1);
    all.push_back(world.pool.cooldowns().front().until - clock.now());
    clock.advance(all.back());
  }
  return all;
}

}  // namespace

TEST_CASE("pool/outcome: a rate limit without a reset climbs 1, 5, 25, 60 minutes") {
  cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a")}};
  CHECK(rests(clock, world, Outcome::rate_limited(), 5) ==
        std::vector<cp::Duration>{1min, 5min, 25min, 60min, 60min});
  CHECK(world.use() == "a");  // a success ends it, and the ladder begins anew
  CHECK(rests(clock, world, Outcome::rate_limited(), 1) == std::vector<cp::Duration>{1min});
}

TEST_CASE("pool/outcome: billing rests 5 hours, doubling to a day, for the whole account") {
  cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a")}};
  REQUIRE(world.use(k2, Outcome::billing()) == "a");
  CHECK(world.pool.cooldowns().front().until - start == 5h);
  CHECK(world.verdict("a", k3) == cp::Eligibility::quota_exhausted);
  clock.advance(5h);
  REQUIRE(world.use(k3, Outcome::billing()) == "a");
  CHECK(world.pool.cooldowns().front().until - clock.now() == 10h);
}

TEST_CASE("pool/outcome: a rate limit rests the model, not the account") {
  const cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a")}};
  REQUIRE(world.use(k2, Outcome::rate_limited(start + 10min)) == "a");
  CHECK(world.verdict("a", k2) == cp::Eligibility::cooling_down);
  CHECK(world.report("a", k2).until == start + 10min);
  CHECK(world.report("a", k2).model == "k2");
  CHECK(world.use(k3) == "a");
  auto account = Outcome::rate_limited(start + 20min);
  account.whole_account = true;
  REQUIRE(world.use(k3, account) == "a");
  CHECK(world.verdict("a", {.provider = "acme", .model = "k4"}) == cp::Eligibility::cooling_down);
}

TEST_CASE(
    "pool/outcome: E2 429 on one token: the others serve, and nobody storms the limited one") {
  cp::ManualClock clock{start};
  TestPool<cp::RoundRobin> world{clock, keys(3)};
  const auto limited = world.use(k2, Outcome::rate_limited(start + 10min));
  int hits = 0;
  for (int second = 0; second < 600; ++second) {
    hits += world.use(k2) == limited;
    clock.advance(1s);
  }
  CHECK(hits == 0);
  // The rest is over: many at once, and one of them is the trial.
  std::vector<cp::Lease> leases;
  int trials = 0;
  for (int i = 0; i < 30; ++i) {
    auto lease = world.pool.acquire(k2);
    REQUIRE(lease);
    trials += lease->on_trial();
    leases.push_back(std::move(*lease));
  }
  CHECK(trials == 1);
  for (auto& lease : leases)
    lease.report(lease.on_trial() ? Outcome::rate_limited() : Outcome::ok());
  CHECK(world.verdict(limited, k2) == cp::Eligibility::cooling_down);
  // Without a reset of its own the second refusal is the second step of the ladder.
  CHECK(world.pool.cooldowns().front().until - clock.now() >= 1min);
}

TEST_CASE("pool/outcome: refusals of requests that were under way together are one event") {
  cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a")}};
  std::vector<cp::Lease> leases;
  for (int i = 0; i < 8; ++i) leases.push_back(world.pool.acquire(acme).value());
  clock.advance(1s);
  for (auto& lease : leases) lease.report(Outcome::rate_limited());
  REQUIRE(world.pool.cooldowns().size() == 1);
  CHECK(world.pool.cooldowns().front().until == clock.now() + 1min);
  CHECK(world.pool.cooldowns().front().level == 0);
}

TEST_CASE("pool/outcome: a far reset is kept as told, tried now and then, and ended by a success") {
  cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a")}};
  const auto week = start + 7 * 24h;
  REQUIRE(world.use(acme, Outcome::quota_exhausted(week)) == "a");
  int requests = 0;
  while (clock.now() < week - 1min) {
    clock.advance(1min);
    if (world.use(acme, Outcome::quota_exhausted(week)) == "a") ++requests;
    CHECK(world.pool.cooldowns().front().until == week);
  }
  CHECK(requests >= 5);
  CHECK(requests <= 14);
  clock.advance(2min);
  CHECK(world.use() == "a");
  CHECK(world.pool.cooldowns().empty());

  // And one that was nonsense is found out by the first trial.
  REQUIRE(world.use(acme, Outcome::quota_exhausted(clock.now() + 156h)) == "a");
  clock.advance(30min);
  CHECK(world.report("a").on_trial);
  CHECK(world.use() == "a");
  CHECK_FALSE(world.report("a").on_trial);
}

TEST_CASE(
    "pool/outcome: a trial that tells nothing frees the next one, a silent one after a while") {
  cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a")}};
  REQUIRE(world.use(acme, Outcome::rate_limited()) == "a");
  clock.advance(1min);
  auto silent = world.pool.acquire(acme);
  REQUIRE(silent);
  CHECK(silent->on_trial());
  const auto refused = world.pool.acquire(acme);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().retry_at == clock.now() + 10s);
  silent->report({});
  CHECK(world.pool.acquire(acme).value().on_trial());
}

TEST_CASE("pool/outcome: a refused token is not lent again, a new one of the same login is") {
  const cp::ManualClock clock{start};
  auto login = cp::Credential::login("acme-cli", "acme", "store");
  login.profile_id = "acme:a";
  login.secret = cp::Secret{"first"};
  TestPool<> world{clock, {login}};
  REQUIRE(world.use(acme, Outcome::auth_failed()) == "a");
  CHECK(world.verdict("a") == cp::Eligibility::needs_login);
  REQUIRE(world.pool.replace_credentials({login}));  // the same token: still refused
  CHECK(world.verdict("a") == cp::Eligibility::needs_login);
  login.secret = cp::Secret{"second"};
  REQUIRE(world.pool.replace_credentials({login}));
  CHECK(world.use() == "a");
}

TEST_CASE("pool/outcome: a failing host rests, its credentials are not blamed") {
  cp::ManualClock clock{start};
  auto elsewhere = key("b");
  elsewhere.base_url = "https://other.example";
  TestPool<> world{clock, {key("a"), elsewhere}};
  REQUIRE(world.use({.provider = "acme", .pin = "acme:a"}, Outcome::transport()) == "a");
  CHECK(world.verdict("a") == cp::Eligibility::cooling_down);
  CHECK(world.verdict("b") == cp::Eligibility::eligible);
  CHECK(world.pool.cooldowns().empty());
  CHECK(world.pool.states().front().consecutive_failures == 0);
  clock.advance(1s);
  CHECK(world.verdict("a") == cp::Eligibility::eligible);
  REQUIRE(world.use({.provider = "acme", .pin = "acme:a"}, Outcome::transport()) == "a");
  clock.advance(1s);
  CHECK(world.verdict("a") == cp::Eligibility::cooling_down);  // two seconds now
}

TEST_CASE("pool/outcome: the request's own fault costs nobody anything") {
  const cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a")}};
  REQUIRE(world.use(acme, Outcome::request_fault()) == "a");
  CHECK(world.verdict("a") == cp::Eligibility::eligible);
  CHECK_FALSE(Outcome::request_fault().another_may_serve());
  CHECK(Outcome::rate_limited().another_may_serve());
}

TEST_CASE("pool/outcome: overload rests shortly, and not everybody equally long") {
  cp::ManualClock clock{start};
  TestPool<cp::RoundRobin> world{clock, keys(20)};
  std::vector<cp::TimePoint> ends;
  for (int i = 0; i < 20; ++i) REQUIRE(world.use(k2, Outcome::overloaded()) != "");
  for (const auto& cooldown : world.pool.cooldowns()) {
    CHECK(cooldown.until - start >= 4s);
    CHECK(cooldown.until - start <= 6s);
    ends.push_back(cooldown.until);
  }
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  CHECK(ends.size() > 10);
}

TEST_CASE("pool/outcome: a refusal tells overloaded providers from limits that are used up") {
  cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a"), key("b")}};
  const auto why = [&] {
    const auto lease = world.pool.acquire({.provider = "acme"});
    REQUIRE_FALSE(lease);
    CHECK(cp::nobody_can_serve(lease.error()));
    CHECK(lease.error().retry_at.has_value());
    return lease.error().errc();
  };
  world.use({.provider = "acme", .pin = "acme:a"}, Outcome::overloaded());
  world.use({.provider = "acme", .pin = "acme:b"}, Outcome::overloaded());
  CHECK(why() == cp::Errc::overloaded);
  clock.advance(30s);
  world.use({.provider = "acme", .pin = "acme:a"}, Outcome::rate_limited(start + 5min));
  world.use({.provider = "acme", .pin = "acme:b"}, Outcome::overloaded());
  CHECK(why() == cp::Errc::no_credential);
}

TEST_CASE("pool/outcome: cooldowns can be read and cleared") {
  const cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a"), key("b")}};
  world.use({.provider = "acme", .model = "k2", .pin = "acme:a"},
            Outcome::rate_limited(start + 9min));
  world.use({.provider = "acme", .model = "k3", .pin = "acme:a"},
            Outcome::rate_limited(start + 5min));
  world.use({.provider = "acme", .model = "k2", .pin = "acme:b"},
            Outcome::rate_limited(start + 7min));
  const auto all = world.pool.cooldowns();
  REQUIRE(all.size() == 3);
  CHECK(all[0].until == start + 5min);
  CHECK(world.pool.clear_cooldowns("acme:a", "k2").value() == 1);
  CHECK(world.verdict("a", k2) == cp::Eligibility::eligible);
  CHECK(world.verdict("a", k3) == cp::Eligibility::cooling_down);
  CHECK(world.pool.clear_cooldowns().value() == 2);
  CHECK(world.verdict("b", k2) == cp::Eligibility::eligible);
  CHECK_FALSE(world.pool.clear_cooldowns("nobody"));
}
