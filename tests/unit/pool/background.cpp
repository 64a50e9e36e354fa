// SPDX-License-Identifier: MIT
// What happens beside the requests: writing behind, and waiting for a credential.
#include <credpool/pool/background.hpp>

#include "pool_world.hpp"

#include <doctest/doctest.h>

#include <future>

using namespace pool_world;
using cp::Outcome;

namespace {

const cp::LeaseRequest acme{.provider = "acme"};

/// A store that counts what it is told.
struct CountingStore {
  struct Counts {
    std::atomic<int> looks{0};
    std::atomic<int> transactions{0};
    std::atomic<std::uint64_t> uses{0};
    std::atomic<std::size_t> cooldowns{0};
  };
  cp::MemoryState inner;
  std::shared_ptr<Counts> counts = std::make_shared<Counts>();

  cp::Result<cp::Generation> generation() {
    ++counts->looks;
    counts->looks.notify_all();
    return inner.generation();
  }
  cp::Result<cp::Generation> transact(cp::Generation seen, const cp::StateExchange& exchange) {
    ++counts->transactions;
    return inner.transact(seen, [&](const cp::PoolState& changed) {
      auto delta = exchange(changed);
      for (const auto& each : delta.credentials) counts->uses += each.uses;
      counts->cooldowns += delta.cooldowns.size();
      counts->uses.notify_all();
      counts->cooldowns.notify_all();
      return delta;
    });
  }
};
static_assert(cp::PoolStateStore<CountingStore>);

auto counting_pool(const cp::ManualClock& clock, const CountingStore& store,
                   cp::PoolSettings settings) {
  return std::make_unique<cp::Pool<cp::Sources<>, cp::LeastUsed, cp::FirstOf<>, CountingStore,
                                   cp::ClockRef<cp::ManualClock>>>(
      cp::Sources<>{}, cp::LeastUsed{}, cp::FirstOf<>{}, store, cp::ClockRef{clock},
      std::move(settings), nowhere());
}

/// As another process does.
void switch_off_elsewhere(const CountingStore& store, const cp::CredentialId& id) {
  cp::MemoryState other = store.inner;
  REQUIRE(other.transact(~cp::Generation{0}, [&](const cp::PoolState&) {
    return cp::PoolDelta{.credentials = {{.id = id, .disabled = true}}};
  }));
}

/// Hangs when the pool never does.
template <class Pool> void hear_that_it_is_off(const Pool& pool, const cp::CredentialId& id) {
  for (bool heard = false; !heard; std::this_thread::yield())
    for (const auto& state : pool.states()) heard |= state.id == id && state.disabled;
}

/// A world in which nobody is woken but by what a test does.
cp::PoolSettings undisturbed() {
  cp::PoolSettings settings;
  settings.poll_every = 24h;
  return settings;
}

cp::LeaseRequest held(cp::Duration hold) {
  return {.provider = "acme", .hold = hold};
}

template <class World> std::future<cp::Result<cp::Lease>> ask(World& world, cp::Duration hold) {
  return std::async(std::launch::async, [&world, hold] { return world.pool.acquire(held(hold)); });
}

}  // namespace

TEST_CASE("pool/background: plain uses never touch the store, maintain() writes them when due") {
  cp::ManualClock clock{start};
  const CountingStore store;
  const auto pool = counting_pool(clock, store, {});
  REQUIRE(pool->replace_credentials(keys(2)));
  const int before = store.counts->transactions;
  for (int i = 0; i < 100; ++i) {
    pool->acquire(acme)->report(Outcome::ok());
    clock.advance(1s);
  }
  CHECK(store.counts->transactions == before);
  REQUIRE(pool->maintain());
  CHECK(store.counts->uses == 100);
  pool->acquire(acme)->report(Outcome::ok());
  REQUIRE(pool->maintain());  // not due
  CHECK(store.counts->uses == 100);
  pool->acquire(acme)->report(Outcome::rate_limited());
  CHECK(store.counts->uses == 102);  // evidence takes along what is there
  CHECK(store.counts->cooldowns == 1);
}

TEST_CASE("pool/background: the pool's own thread writes evidence at once and uses when due") {
  cp::ManualClock clock{start};
  const CountingStore store;
  cp::PoolSettings settings;
  settings.background_writer = true;
  settings.poll_every = 1ms;
  const auto pool = counting_pool(clock, store, settings);
  REQUIRE(pool->replace_credentials(keys(2)));
  pool->acquire(acme)->report(Outcome::rate_limited());
  store.counts->cooldowns.wait(0);  // hangs when nobody writes
  CHECK(store.counts->cooldowns == 1);
  const auto uses = store.counts->uses.load();
  CHECK(uses == 1);
  clock.advance(1s);
  pool->acquire(acme)->report(Outcome::ok());
  clock.advance(1s);
  store.counts->uses.wait(uses);
  CHECK(store.counts->uses == 2);

  // It hears what another process writes.
  switch_off_elsewhere(store, key("1").id);
  hear_that_it_is_off(*pool, key("1").id);
}

TEST_CASE("pool/background: the pause is ten times as long after 50 rounds that nobody asked in") {
  cp::detail::WriterPace pace{100ms};
  const auto rest = [&pace] {
    for (int round = 1; round < 50; ++round) REQUIRE(pace.next() == 100ms);
    REQUIRE(pace.next() == 1s);
    CHECK(pace.next() == 1s);
  };
  rest();
  CHECK(pace.asked());  // to be woken, by the first one
  CHECK_FALSE(pace.asked());
  CHECK(pace.next() == 100ms);
  rest();
  CHECK(pace.asked());
  CHECK(pace.next() == 100ms);
  for (int round = 0; round < 200; ++round) {
    CHECK_FALSE(pace.asked());
    CHECK(pace.next() == 100ms);
  }
}

TEST_CASE("pool/background: the pool's own thread rests when nobody asks, until somebody does") {
  cp::ManualClock clock{start};
  const CountingStore store;
  cp::PoolSettings settings;
  settings.background_writer = true;
  settings.poll_every = settings.write_every = 24h;  // a round is made only when it is woken
  const auto pool = counting_pool(clock, store, settings);
  REQUIRE(pool->replace_credentials(keys(60)));
  std::vector<cp::Lease> leases;
  for (int i = 0; i < 60; ++i) leases.push_back(*pool->acquire(acme));
  // Each report wakes it for a round that nobody asks in.
  for (auto& lease : leases) {
    const auto before = store.counts->cooldowns.load();
    lease.report(Outcome::rate_limited());
    store.counts->cooldowns.wait(before);
  }
  switch_off_elsewhere(store, key("1").id);
  const int asleep = store.counts->looks;
  (void)pool->acquire(acme);
  store.counts->looks.wait(asleep);  // hangs when who asks does not wake it
  hear_that_it_is_off(*pool, key("1").id);
}

TEST_CASE("pool/background: a hold that is known to be pointless is not begun") {
  cp::ManualClock clock{start};
  TestPool<> world{clock, {key("a")}};
  world.use(acme, Outcome::rate_limited(start + 10min));
  const auto refused = world.pool.acquire(held(5min));  // time stands still: waiting would hang
  REQUIRE_FALSE(refused);
  CHECK(refused.error().retry_at == start + 10min);
  REQUIRE(world.pool.clear_cooldowns());
  REQUIRE(world.pool.set_disabled("acme:a", true));
  CHECK_FALSE(world.pool.acquire(held(24h)).error().retry_at);
  CHECK(world.pool.acquire({.provider = "acme", .pin = "nobody", .hold = 24h}).error().errc() ==
        cp::Errc::not_found);
}

TEST_CASE("pool/background: who waits is woken by a report, a clearing, a scan and the time") {
  cp::ManualClock clock{start};
  auto settings = undisturbed();
  settings.admission = cp::FixedLimit{1};
  TestPool<> world{clock, {key("a")}, {}, settings};

  SUBCASE("a report") {
    auto out = world.pool.acquire(acme);
    auto waiting = ask(world, 1h);
    out->report(Outcome::ok());
    CHECK(waiting.get());
  }
  SUBCASE("several take turns") {
    auto out = world.pool.acquire(acme);
    auto one = ask(world, 1h);
    auto two = ask(world, 1h);
    out->report(Outcome::ok());
    const auto served = [](auto& waiting) {
      auto lease = waiting.get();
      return lease.has_value();  // and given back
    };
    std::future<bool> first = std::async(std::launch::async, [&] { return served(one); });
    CHECK(served(two));
    CHECK(first.get());
  }
  SUBCASE("a clearing") {
    world.use(acme, Outcome::rate_limited(start + 30min));
    auto waiting = ask(world, 1h);
    REQUIRE(world.pool.clear_cooldowns());
    CHECK(waiting.get());
  }
  SUBCASE("a scan") {
    world.use(acme, Outcome::rate_limited(start + 30min));
    auto waiting = ask(world, 1h);
    REQUIRE(world.pool.replace_credentials({key("a"), key("b")}));
    CHECK(TestPool<>::label(waiting.get().value().credential()) == "b");
  }
  SUBCASE("the end of a rest") {
    world.use(acme, Outcome::rate_limited(start + 30min));
    auto waiting = ask(world, 1h);
    clock.advance(30min);
    REQUIRE(world.pool.maintain());
    CHECK(waiting.get().value().on_trial());
  }
  SUBCASE("the end of patience") {
    auto out = world.pool.acquire(acme);
    auto waiting = ask(world, 1min);
    // Whenever it began, its minute is over after the second one at the latest.
    while (waiting.wait_for(0s) != std::future_status::ready) {
      clock.advance(1min);
      REQUIRE(world.pool.maintain());
    }
    CHECK(waiting.get().error().errc() == cp::Errc::no_credential);
  }
  SUBCASE("a report, for one that lends in a transaction") {
    auto out = world.pool.acquire(acme);
    auto waiting =
        std::async(std::launch::async, [&] { return world.pool.acquire_in_transaction(held(1h)); });
    out->report(Outcome::ok());
    CHECK(waiting.get());
  }
}
