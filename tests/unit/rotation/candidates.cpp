// SPDX-License-Identifier: MIT
#include <credpool/rotation/candidates.hpp>

#include <contract/rotation_policy.hpp>

#include <credpool/rotation/least_used.hpp>

#include <doctest/doctest.h>

#include <map>

namespace cp = credpool;

TEST_CASE("rotation/candidates: lowest agrees with a plain search after any change") {
  PolicyBench<cp::LeastUsed> bench;
  std::uint64_t state = 7;
  const auto random = [&](std::uint64_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<std::uint32_t>((state >> 33) % below);
  };
  for (std::uint32_t i = 0; i < 77; ++i) bench.add(i);
  for (int step = 0; step < 2000; ++step) {
    const auto number = random(77);
    bench.facts(number).use = random(10);
    bench.facts(number).turn = static_cast<std::uint64_t>(step) + 1;
    bench.set_eligible(number, random(3) != 0);
    std::optional<std::size_t> plain;
    const auto& all = bench.candidates;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!all.eligible(i)) continue;
      if (!plain ||
          std::pair{all[i].use, all[i].turn} < std::pair{all[*plain].use, all[*plain].turn})
        plain = i;
    }
    REQUIRE(all.lowest().has_value() == plain.has_value());
    if (plain) CHECK(all[*all.lowest()].id == all[*plain].id);
  }
}

TEST_CASE("rotation/candidates: next, nth and random find the eligible ones only") {
  PolicyBench<cp::LeastUsed> bench;
  for (std::uint32_t i = 0; i < 300; ++i) bench.add(i);
  for (std::uint32_t i = 0; i < 300; ++i) bench.set_eligible(i, i % 37 == 5);
  auto& all = bench.candidates;
  CHECK(all.eligible_count() == 8);
  std::map<std::size_t, int> hits;
  for (std::size_t n = 0; n < 8; ++n) {
    CHECK(all.eligible(all.nth_eligible(n)));
    if (n > 0) CHECK(all.nth_eligible(n) == all.next_eligible(all.nth_eligible(n - 1) + 1));
  }
  CHECK(all.next_eligible(all.nth_eligible(7) + 1) == all.nth_eligible(0));
  for (std::uint64_t random = 1; random < 8000; ++random)
    ++hits[all.random_eligible(random * 0x9e3779b97f4a7c15)];
  CHECK(hits.size() == 8);
  for (const auto& [position, times] : hits) {
    CHECK(all.eligible(position));
    CHECK(times > 850);
    CHECK(times < 1150);
  }
}

TEST_CASE("rotation/candidates: a new list keeps notes, eligibility and the cursor of who stays") {
  PolicyBench<cp::LeastUsed> bench;
  for (std::uint32_t i = 0; i < 5; ++i) bench.add(i);
  auto& all = bench.candidates;
  const auto at = [&](std::uint32_t number) { return all.position_of(bench.id(number)).value(); };
  all.note(at(3)) = 9;
  bench.set_eligible(1, false);
  all.set_last(at(2));
  bench.remove(2);
  CHECK(all.note(at(3)) == 9);
  CHECK_FALSE(all.eligible(at(1)));
  CHECK(all.after_last() <= all.size());
  if (all.after_last() > 0) CHECK(all[all.after_last() - 1].id < bench.id(2));
  if (all.after_last() < all.size()) CHECK(bench.id(2) < all[all.after_last()].id);
}
