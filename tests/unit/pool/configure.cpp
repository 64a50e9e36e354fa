// SPDX-License-Identifier: MIT
#include <credpool/pool/pool.hpp>

#include "pool_world.hpp"

#include <credpool/pool/default_pool.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace pool_world;

namespace {

using AnyPool = TestPool<cp::AnyRotation>;

cp::AnyRotation policy(std::string_view name) {
  auto made = cp::AnyRotation::by_name(name);
  REQUIRE(made);
  return *made;
}

}  // namespace

TEST_CASE("pool/configure: another policy chooses from now on, and leases stay good") {
  const cp::ManualClock clock{start};
  AnyPool world{clock, {key("a", 1), key("b", 2)}, policy("round-robin")};
  auto held = world.pool.acquire({.provider = "acme"});
  REQUIRE(held);
  CHECK(world.use() != world.use());
  CHECK(world.pool.policy() == "round-robin");

  world.pool.configure(policy("priority"), {});
  CHECK(world.pool.policy() == "priority");
  CHECK(world.pool.explain({.provider = "acme"}).policy == "priority");
  for (int i = 0; i < 4; ++i) CHECK(world.use() == "a");
  CHECK(world.report(AnyPool::label(held->credential())).in_flight == 1);
  held->report(cp::Outcome::ok());
  CHECK(world.report("a").in_flight + world.report("b").in_flight == 0);
  CHECK(world.pool.states()[0].total_uses + world.pool.states()[1].total_uses == 7);
}

TEST_CASE("pool/configure: rests, uses and what was switched off outlive the change") {
  const cp::ManualClock clock{start};
  AnyPool world{clock, {key("a"), key("b"), key("c")}, policy("least-used")};
  REQUIRE(world.pool.set_disabled("acme:c", true));
  auto lease = world.pool.acquire({.provider = "acme", .pin = "acme:a"});
  REQUIRE(lease);
  lease->report({.kind = cp::OutcomeKind::rate_limited, .until = start + 1h});
  world.pool.configure(policy("fill-first"), {});
  CHECK(world.verdict("a") == cp::Eligibility::cooling_down);
  CHECK(world.verdict("c") == cp::Eligibility::disabled);
  CHECK(world.pool.cooldowns().size() == 1);
  CHECK(world.use() == "b");
}

TEST_CASE("pool/configure: rules, order and auto-import count at once") {
  const cp::ManualClock clock{start};
  AnyPool world{clock, {key("a"), key("b"), key("c")}, policy("priority")};
  cp::PoolSettings settings;
  settings.rules["acme:a"].forbidden = true;
  settings.rules["acme:b"].priority = 5;
  world.pool.configure(settings);
  CHECK(world.verdict("a") == cp::Eligibility::policy_forbidden);
  CHECK(world.use() == "c");

  settings.rules.clear();
  settings.order["acme"] = {"acme:b", "acme:a"};
  world.pool.configure(settings);
  CHECK(world.verdict("c") == cp::Eligibility::excluded_by_order);
  CHECK(world.use() == "b");
  CHECK(AnyPool::label(*world.pool.credentials().front()) == "b");

  settings.order.clear();
  settings.auto_import = false;
  world.pool.configure(settings);
  CHECK(world.verdict("c") == cp::Eligibility::not_imported);
  world.pool.configure({});
  CHECK(world.verdict("c") == cp::Eligibility::eligible);
}

TEST_CASE("pool/configure: admission changes both ways") {
  const cp::ManualClock clock{start};
  AnyPool world{clock, {key("a")}, policy("least-used")};
  cp::PoolSettings settings;
  settings.admission = cp::FixedLimit{1};
  world.pool.configure(settings);
  {
    const auto held = world.pool.acquire({.provider = "acme"});
    REQUIRE(held);
    CHECK_FALSE(world.pool.acquire({.provider = "acme"}));
    world.pool.configure({});
    CHECK(world.report("a").limit == 0);
    CHECK(world.use() == "a");
    settings.admission = cp::Aimd{};
    world.pool.configure(settings);
    CHECK(world.use() == "a");
    CHECK(world.report("a").limit == 2);
  }
  world.pool.configure({});
  CHECK(world.report("a").limit == 0);
}

TEST_CASE("pool/configure: while others lend") {
  const cp::ManualClock clock{start};
  AnyPool world{clock, keys(20), policy("round-robin")};
  std::atomic<bool> stop{false};
  std::atomic<int> lent{0};
  std::vector<std::thread> borrowers;
  for (int i = 0; i < 2; ++i)
    borrowers.emplace_back([&] {
      while (!stop) {
        auto lease = world.pool.acquire({.provider = "acme"});
        if (!lease) continue;
        lease->report(cp::Outcome::ok());
        ++lent;
      }
    });
  while (lent < 100) std::this_thread::yield();
  for (int i = 0; i < 50; ++i)
    for (const auto name : cp::AnyRotation::names)
      if (name != "pinned") world.pool.configure(policy(name), world.pool.settings());
  const auto before = lent.load();
  while (lent < before + 100) std::this_thread::yield();
  stop = true;
  for (auto& borrower : borrowers) borrower.join();
  std::uint64_t uses = 0;
  for (const auto& state : world.pool.states()) uses += state.total_uses;
  CHECK(uses == static_cast<std::uint64_t>(lent.load()));
  for (const auto& candidate : world.pool.explain({.provider = "acme"}).candidates)
    CHECK(candidate.in_flight == 0);
}
