// SPDX-License-Identifier: MIT
// Two threads on one pool: run it under ThreadSanitizer.
#include <credpool/pool/default_pool.hpp>

#include "pool_world.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace pool_world;

TEST_CASE("pool/pool: two threads lend, report, scan and ask, and every lease is accounted for") {
  for (const auto name : {"round-robin", "least-used", "weighted", "p2c"}) {
    CAPTURE(name);
    cp::ManualClock clock{start};
    const cp::MemoryState store;
    cp::PoolSettings settings;
    settings.admission = cp::Aimd{};
    settings.write_every = 1ms;
    settings.poll_every = 1ms;
    TestPool<cp::AnyRotation> world{clock, keys(20), cp::AnyRotation::by_name(name).value(),
                                    settings, store};
    std::atomic<std::uint64_t> lent{0};
    const auto work = [&](int self) {
      for (int i = 0; i < 2000; ++i) {
        const cp::LeaseRequest request{.provider = "acme",
                                       .model = i % 3 == 0 ? "k2" : "k3",
                                       .session = i % 5 == 0 ? "s" + std::to_string(i % 7) : ""};
        auto lease = world.pool.acquire(request);
        clock.advance(std::chrono::milliseconds{i % 4 * 100});
        if (!lease) continue;
        ++lent;
        if (i % 50 == self) lease->report(cp::Outcome::rate_limited());
        if (i % 61 == self) lease->report(cp::Outcome::overloaded());
        if (i % 4 != 0) lease->report(cp::Outcome::ok(20ms));
        if (self == 1 && i % 400 == 0) (void)world.pool.replace_credentials(keys(15 + i / 400));
        if (i % 100 == 0) (void)world.pool.explain(request);
      }
    };
    {
      const std::jthread one{work, 0};
      const std::jthread two{work, 1};
    }
    REQUIRE(world.pool.sync());
    // Nobody is out any more, and what was lent is what was counted, here and in the store.
    std::uint64_t counted = 0;
    for (const auto& each : world.pool.explain({.provider = "acme"}).candidates)
      CHECK(each.in_flight == 0);
    cp::MemoryState copy = store;
    REQUIRE(copy.transact(0, [&](const cp::PoolState& all) {
      for (const auto& each : all.credentials) counted += each.total_uses;
      return cp::PoolDelta{};
    }));
    CHECK(counted == lent.load());
    CHECK(lent.load() > 100);
  }
}
