// SPDX-License-Identifier: MIT
// Two pools on one store stand for two processes that share a state directory.
#include <credpool/pool/pool.hpp>

#include "pool_world.hpp"

#include <credpool/rotation/priority.hpp>
#include <credpool/rotation/round_robin.hpp>

#include <doctest/doctest.h>

#include <map>

using namespace pool_world;
using cp::Outcome;

namespace {

const cp::LeaseRequest acme{.provider = "acme"};
const cp::LeaseRequest k2{.provider = "acme", .model = "k2"};

/// A store whose disk is full while `broken` is set.
struct BreakableStore {
  cp::MemoryState inner;
  std::shared_ptr<bool> broken = std::make_shared<bool>(false);

  cp::Result<cp::Generation> generation() { return inner.generation(); }
  cp::Result<cp::Generation> transact(cp::Generation seen, const cp::StateExchange& exchange) {
    if (!*broken) return inner.transact(seen, exchange);
    (void)exchange({});
    return cp::fail(cp::Errc::io, "writing the pool's state");
  }
};
static_assert(cp::PoolStateStore<BreakableStore>);

}  // namespace

TEST_CASE("pool/shared_state: a cooldown of one process holds in the other at its next acquire") {
  cp::ManualClock clock{start};
  const cp::MemoryState store;
  TestPool<cp::RoundRobin> one{clock, keys(2), {}, {}, store};
  TestPool<cp::RoundRobin> two{clock, keys(2), {}, {}, store};
  const auto limited = one.use(k2, Outcome::rate_limited(start + 10min));
  clock.advance(100ms);
  for (int i = 0; i < 4; ++i) {
    const auto served = two.use(k2);
    CHECK(served != "");
    CHECK(served != limited);
  }
  CHECK(two.verdict(limited, k2) == cp::Eligibility::cooling_down);
  REQUIRE(two.pool.clear_cooldowns());
  clock.advance(100ms);
  CHECK(one.verdict(limited, k2) == cp::Eligibility::eligible);
}

TEST_CASE("pool/shared_state: one trial at a time over all processes") {
  cp::ManualClock clock{start};
  const cp::MemoryState store;
  TestPool<> one{clock, {key("a")}, {}, {}, store};
  TestPool<> two{clock, {key("a")}, {}, {}, store};
  one.use(acme, Outcome::rate_limited());
  clock.advance(1min);
  auto trial = one.pool.acquire(acme);
  REQUIRE(trial);
  CHECK(trial->on_trial());
  CHECK_FALSE(two.pool.acquire(acme));
  trial->report(Outcome::ok());
  clock.advance(100ms);
  CHECK(two.use() == "a");
}

TEST_CASE("pool/shared_state: counters of both are added, and survive a restart") {
  cp::ManualClock clock{start};
  const cp::MemoryState store;
  {
    TestPool<> one{clock, {key("a")}, {}, {}, store};
    TestPool<> two{clock, {key("a")}, {}, {}, store};
    for (int i = 0; i < 3; ++i) one.use();
    for (int i = 0; i < 4; ++i) two.use();
  }
  TestPool<> later{clock, {key("a")}, {}, {}, store};
  CHECK(later.pool.states().front().total_uses == 7);
  CHECK(later.pool.states().front().use == doctest::Approx(7));
  clock.advance(1h);
  CHECK(later.pool.states().front().use == doctest::Approx(3.5));
}

TEST_CASE("pool/shared_state: round-robin over short-lived processes takes turns") {
  const cp::ManualClock clock{start};
  const cp::MemoryState store;
  std::map<std::string, int> count;
  std::string before;
  for (int i = 0; i < 12; ++i) {
    TestPool<cp::RoundRobin> once{clock, keys(3), {}, {}, store};
    auto lease = once.pool.acquire_in_transaction(acme);
    REQUIRE(lease);
    const auto label = TestPool<>::label(lease->credential());
    CHECK(label != before);
    before = label;
    ++count[label];
  }
  for (const auto& [label, times] : count) CHECK(times == 4);
}

TEST_CASE("pool/shared_state: two processes in turn never choose from the same state") {
  const cp::ManualClock clock{start};
  const cp::MemoryState store;
  TestPool<cp::RoundRobin> one{clock, keys(2), {}, {}, store};
  TestPool<cp::RoundRobin> two{clock, keys(2), {}, {}, store};
  const auto once = [](auto& world) {
    auto lease = world.pool.acquire_in_transaction(acme);
    REQUIRE(lease);
    return TestPool<>::label(lease->credential());
  };
  for (int i = 0; i < 5; ++i) CHECK(once(one) != once(two));
}

TEST_CASE("pool/shared_state: what another process selected last is the last one here as well") {
  cp::ManualClock clock{start};
  const cp::MemoryState store;
  TestPool<cp::Priority> one{clock, keys(3), {}, {}, store};
  TestPool<cp::Priority> two{clock, keys(3), {}, {}, store};
  std::string order;
  for (int i = 0; i < 6; ++i) {
    auto& world = i == 3 ? two : one;
    auto lease = world.pool.acquire_in_transaction(acme);
    REQUIRE(lease);
    order += TestPool<>::label(lease->credential());
    clock.advance(1s);
  }
  CHECK(order.substr(3) == order.substr(0, 3));  // equal numbers share in turn
}

TEST_CASE("pool/shared_state: switches and refused tokens are shared") {
  cp::ManualClock clock{start};
  const cp::MemoryState store;
  TestPool<> one{clock, keys(2), {}, {}, store};
  TestPool<> two{clock, keys(2), {}, {}, store};
  REQUIRE(one.pool.set_disabled("acme:0", true));
  one.use({.provider = "acme", .pin = "acme:1"}, Outcome::auth_failed());
  clock.advance(100ms);
  CHECK(two.verdict("0") == cp::Eligibility::disabled);
  CHECK(two.verdict("1") == cp::Eligibility::needs_login);
}

TEST_CASE("pool/shared_state: a store that fails loses nothing and stops nobody") {
  cp::ManualClock clock{start};
  BreakableStore store;
  cp::Pool pool{cp::Sources<>{},     cp::LeastUsed{},    cp::FirstOf<>{}, store,
                cp::ClockRef{clock}, cp::PoolSettings{}, nowhere()};
  REQUIRE(pool.replace_credentials(keys(2)));
  *store.broken = true;
  auto lease = pool.acquire(acme);
  REQUIRE(lease);
  lease->report(Outcome::rate_limited());
  CHECK(pool.sync().error().errc() == cp::Errc::io);
  CHECK(pool.acquire(acme));
  CHECK_FALSE(pool.acquire_in_transaction(acme));
  *store.broken = false;
  REQUIRE(pool.sync());
  TestPool<> later{clock, keys(2), {}, {}, store.inner};
  CHECK(later.pool.cooldowns().size() == 1);
  std::uint64_t uses = 0;
  for (const auto& state : later.pool.states()) uses += state.total_uses;
  CHECK(uses == 3);  // the one that could not be written was chosen all the same, and taken back
}
