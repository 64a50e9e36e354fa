// SPDX-License-Identifier: MIT
#include <credpool/pool/fair_share.hpp>

#include "pool_world.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace pool_world;

namespace {

cp::LeaseRequest of(std::string client) {
  return {.provider = "acme", .client = std::move(client)};
}

/// A pool that lends `limit` leases of each of two keys, and what every client holds of them.
struct Shared {
  explicit Shared(std::uint32_t limit) : world{clock, keys(2), {}, limited_to(limit)} {}

  static cp::PoolSettings limited_to(std::uint32_t limit) {
    cp::PoolSettings settings;
    settings.admission = cp::FixedLimit{limit};
    return settings;
  }
  bool takes(const std::string& client) {
    auto lease = world.pool.acquire(of(client));
    if (!lease) return false;
    leases[client].push_back(std::move(*lease));
    return true;
  }
  std::size_t holds(const std::string& client) { return leases[client].size(); }

  cp::ManualClock clock{start};
  TestPool<> world;
  std::map<std::string, std::vector<cp::Lease>> leases;
};

}  // namespace

TEST_CASE("pool/fair_share: one client alone gets everything, and so does one of two that wants") {
  Shared pool{5};
  REQUIRE(pool.takes("quiet"));
  for (int i = 0; i < 9; ++i) REQUIRE(pool.takes("busy"));
  CHECK_FALSE(pool.takes("busy"));  // above its share: nobody has to give way to it
  pool.leases["busy"].pop_back();
  CHECK(pool.takes("busy"));
}

TEST_CASE(
    "pool/fair_share: once somebody goes short, who has its share leaves the rest to others") {
  Shared pool{5};
  for (int i = 0; i < 10; ++i) REQUIRE(pool.takes("greedy"));
  REQUIRE_FALSE(pool.takes("late"));
  for (int i = 0; i < 5; ++i) {
    pool.leases["greedy"].pop_back();
    const auto refused = pool.world.pool.acquire(of("greedy"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().hint.find("over_fair_share") != std::string::npos);
    CHECK(refused.error().retry_at == pool.clock.now());
    CHECK_FALSE(pool.world.pool.explain(of("greedy")).chosen);
    const auto free = pool.world.report("0", of("greedy")).verdict;
    const bool told =
        free == cp::Eligibility::over_fair_share || free == cp::Eligibility::at_concurrency_limit;
    CHECK(told);
    CHECK(pool.takes("late"));
  }
  CHECK(pool.holds("greedy") == 5);
  CHECK(pool.holds("late") == 5);
  // A third one: a third of ten, rounded up, for each.
  REQUIRE_FALSE(pool.takes("third"));
  pool.leases["greedy"].pop_back();
  pool.leases["late"].pop_back();
  CHECK_FALSE(pool.takes("greedy"));
  CHECK(pool.takes("third"));
  CHECK(pool.takes("third"));
  // Who gives no name is bound to nothing.
  pool.leases["third"].pop_back();
  CHECK(pool.world.pool.acquire({.provider = "acme"}));
}

TEST_CASE("pool/fair_share: ten seconds after the last one went short everybody may take all") {
  Shared pool{2};
  for (int i = 0; i < 4; ++i) REQUIRE(pool.takes("greedy"));
  REQUIRE_FALSE(pool.takes("late"));
  pool.leases["greedy"].pop_back();
  pool.clock.advance(9999ms);
  CHECK_FALSE(pool.takes("greedy"));
  pool.clock.advance(1ms);
  CHECK(pool.takes("greedy"));
}

TEST_CASE("pool/fair_share: a rest makes the shares smaller, and without a limit there are none") {
  Shared pool{4};
  for (int i = 0; i < 8; ++i) REQUIRE(pool.takes("greedy"));
  REQUIRE_FALSE(pool.takes("late"));
  pool.leases["greedy"].front().report(cp::Outcome::rate_limited(start + 1h));
  pool.leases["greedy"].erase(pool.leases["greedy"].begin());
  // One key is left, of four leases: two for each, and of these "greedy" has more.
  while (pool.holds("greedy") > 2) {
    pool.leases["greedy"].pop_back();
    REQUIRE_FALSE(pool.takes("greedy"));
  }

  const cp::ManualClock clock{start};
  TestPool<> unlimited{clock, keys(1)};
  std::vector<cp::Lease> leases;
  for (int i = 0; i < 100; ++i)
    leases.push_back(unlimited.pool.acquire(of(i == 0 ? "late" : "greedy")).value());
}
