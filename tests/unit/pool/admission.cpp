// SPDX-License-Identifier: MIT
#include <credpool/pool/admission.hpp>

#include "pool_world.hpp"

#include <credpool/rotation/fill_first.hpp>

#include <doctest/doctest.h>

using namespace pool_world;

TEST_CASE(
    "pool/admission: aimd grows by one a round, halves on a refusal, starts slowly after it") {
  const cp::Aimd rule;
  cp::AimdState state;
  cp::on_idle(rule, state);
  CHECK(state.limit == 2);
  for (int i = 0; i < 200; ++i) cp::on_success(rule, state);
  const double high = state.limit;
  CHECK(high > 15);
  CHECK(high < 25);
  cp::on_refusal(rule, state);
  CHECK(state.limit == doctest::Approx(high / 2));
  const double half = state.limit;
  cp::on_idle(rule, state);
  CHECK(state.limit == 2);
  for (int i = 0; state.limit < half; ++i) {
    REQUIRE(i < 20);
    cp::on_success(rule, state);  // slow start: one more for each success
  }
  for (int i = 0; i < 100'000; ++i) cp::on_success(rule, state);
  CHECK(state.limit == rule.most);
  for (int i = 0; i < 20; ++i) cp::on_refusal(rule, state);
  CHECK(state.limit == rule.least);
}

TEST_CASE("pool/admission: a fixed limit is kept, and told") {
  const cp::ManualClock clock{start};
  cp::PoolSettings settings;
  settings.admission = cp::FixedLimit{2};
  settings.rules["acme:b"].limit = 1;
  TestPool<> world{clock, {key("a"), key("b")}, {}, settings};
  std::vector<cp::Lease> leases;
  for (int i = 0; i < 3; ++i) leases.push_back(world.pool.acquire({.provider = "acme"}).value());
  const auto refused = world.pool.acquire({.provider = "acme"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().hint.find("at_concurrency_limit") != std::string::npos);
  CHECK(refused.error().retry_at == start);  // a lease may end at any time
  CHECK(world.report("a").limit == 2);
  CHECK(world.report("b").limit == 1);
  leases.pop_back();
  CHECK(world.pool.acquire({.provider = "acme"}));
}

TEST_CASE("pool/admission: aimd finds an account's hidden limit") {
  cp::ManualClock clock{start};
  cp::PoolSettings settings;
  settings.admission = cp::Aimd{};
  TestPool<> world{clock, {key("a")}, {}, settings};
  constexpr std::size_t hidden = 6;
  std::size_t refusals = 0;
  std::size_t served = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<cp::Lease> leases;
    while (auto lease = world.pool.acquire({.provider = "acme"}))
      leases.push_back(std::move(*lease));
    clock.advance(1s);
    for (std::size_t i = 0; i < leases.size(); ++i) {
      const bool over = i >= hidden;
      refusals += over;
      served += !over;
      leases[i].report(over ? cp::Outcome::rate_limited(clock.now() + 1s) : cp::Outcome::ok());
    }
    clock.advance(1s);
  }
  CHECK(refusals * 10 < served);  // it keeps close below, and tries again now and then
  CHECK(served > 300 * 3);
}

TEST_CASE(
    "pool/admission: fill-first helps itself elsewhere while the present one is merely busy") {
  const cp::ManualClock clock{start};
  cp::PoolSettings settings;
  settings.admission = cp::FixedLimit{1};
  TestPool<cp::FillFirst> world{clock, keys(3), {}, settings};
  auto present = world.pool.acquire({.provider = "acme"});
  REQUIRE(present);
  CHECK(world.use() == "1");
  present->report(cp::Outcome::ok());
  CHECK(world.use() == "0");
}
