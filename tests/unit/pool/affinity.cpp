// SPDX-License-Identifier: MIT
#include <credpool/pool/request.hpp>

#include "pool_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using namespace pool_world;
using cp::Outcome;

namespace {

cp::LeaseRequest session(int number, cp::Affinity affinity = cp::Affinity::soft) {
  return {.provider = "acme", .session = "session-" + std::to_string(number), .affinity = affinity};
}

}  // namespace

TEST_CASE("pool/affinity: a session stays with its credential, on every host") {
  const cp::ManualClock clock{start};
  TestPool<> one{clock, keys(7)};
  TestPool<> two{clock, keys(7), {}, {}, {}, "otherhost"};
  std::map<std::string, int> sessions;
  for (int number = 0; number < 70; ++number) {
    const auto own = one.use(session(number));
    ++sessions[own];
    for (int turn = 0; turn < 3; ++turn) CHECK(one.use(session(number)) == own);
    CHECK(two.use(session(number)) == own);
  }
  CHECK(sessions.size() == 7);
}

TEST_CASE("pool/affinity: a credential that goes for good moves only its own sessions") {
  const cp::ManualClock clock{start};
  TestPool<> world{clock, keys(5)};
  std::map<int, std::string> before;
  for (int number = 0; number < 50; ++number) before[number] = world.use(session(number));
  REQUIRE(world.pool.set_disabled("acme:2", true));
  for (const auto& [number, own] : before) {
    if (own == "2")
      CHECK(world.use(session(number)) != "2");
    else
      CHECK(world.use(session(number)) == own);
  }
}

TEST_CASE(
    "pool/affinity: neither the order of the list nor who leaves it moves another's sessions") {
  const cp::ManualClock clock{start};
  auto all = keys(6);
  TestPool<> world{clock, all};
  std::map<int, std::string> before;
  for (int number = 0; number < 60; ++number) before[number] = world.use(session(number));
  std::reverse(all.begin(), all.end());
  REQUIRE(world.pool.replace_credentials(all));
  for (const auto& [number, own] : before) CHECK(world.use(session(number)) == own);
  // Whoever stands first in the pool's own order (by id) leaves: all places move.
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  const auto gone = TestPool<>::label(all.front());
  all.erase(all.begin());
  REQUIRE(world.pool.replace_credentials(all));
  for (const auto& [number, own] : before)
    if (own != gone) CHECK(world.use(session(number)) == own);
}

TEST_CASE("pool/affinity: soft escapes while its own rests and comes back; hard fails closed") {
  cp::ManualClock clock{start};
  TestPool<> world{clock, keys(3)};
  const auto own = world.use(session(1), Outcome::rate_limited(start + 5min));
  CHECK(world.use(session(1)) != own);
  CHECK(world.use(session(1)) != "");
  CHECK(world.use(session(1, cp::Affinity::hard)) == "");
  CHECK(world.pool.acquire(session(1, cp::Affinity::hard)).error().retry_at == start + 5min);
  clock.advance(5min);
  CHECK(world.use(session(1)) == own);
  CHECK(world.use(session(1, cp::Affinity::hard)) == own);
}

TEST_CASE("pool/affinity: no credential is crowded by sessions beyond the load factor") {
  const cp::ManualClock clock{start};
  TestPool<> world{clock, keys(4)};
  std::vector<cp::Lease> leases;
  std::map<std::string, int> out;
  for (int number = 0; number < 200; ++number) {
    leases.push_back(world.pool.acquire(session(1)).value());
    ++out[leases.back().credential().profile_id];
  }
  for (const auto& [name, count] : out) CHECK(count <= 1.5 * 200 / 4 + 1);
  CHECK(out.size() >= 3);
}
