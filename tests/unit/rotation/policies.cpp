// SPDX-License-Identifier: MIT
#include <credpool/pool/default_pool.hpp>

#include <contract/rotation_policy.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

/// How often each was chosen.
template <class Bench> std::map<int, int> counts(Bench& bench, int picks) {
  std::map<int, int> count;
  for (int i = 0; i < picks; ++i) ++count[bench.pick()];
  return count;
}

}  // namespace

TEST_CASE("rotation/round_robin: after any number of picks nobody is ahead by more than one") {
  PolicyBench<cp::RoundRobin> bench;
  for (std::uint32_t i = 0; i < 130; ++i) bench.add(i);
  std::map<int, int> count;
  for (int i = 0; i < 1000; ++i) {
    ++count[bench.pick()];
    if (i >= 129) CHECK(std::abs(count.begin()->second - (i + 1) / 130) <= 1);
  }
  for (const auto& [number, times] : count) CHECK(std::abs(times - 1000 / 130) <= 1);
}

TEST_CASE("rotation/round_robin: a list that changes neither skips nor repeats") {
  for (std::uint32_t removed = 0; removed < 10; ++removed) {
    PolicyBench<cp::RoundRobin> bench;
    for (std::uint32_t i = 0; i < 10; ++i) bench.add(i);
    std::set<int> cycle;
    for (int i = 0; i < 4; ++i) cycle.insert(bench.pick());
    bench.remove(removed);
    bench.add(100);
    // The rest of this cycle: all that have not been chosen yet and are still there, the newcomer
    // at most once, nobody twice.
    const auto left = 10 - cycle.size() - (cycle.contains(static_cast<int>(removed)) ? 0 : 1);
    for (std::size_t i = 0; i < left; ++i) {
      const auto next = bench.pick();
      CHECK(cycle.insert(next).second);
      if (next == 100) --i;
    }
  }
}

TEST_CASE("rotation/least_used: even, and a lease that is out counts") {
  PolicyBench<cp::LeastUsed> bench;
  for (std::uint32_t i = 0; i < 7; ++i) bench.add(i);
  for (const auto& [number, times] : counts(bench, 700)) CHECK(times == 100);
  bench.facts(3).in_flight = 5;
  bench.changed(3);
  const auto after = counts(bench, 30);
  CHECK_FALSE(after.contains(3));
}

TEST_CASE("rotation/priority: the lowest number, ties in turn, back when the first recovers") {
  PolicyBench<cp::Priority> bench;
  for (std::uint32_t i = 0; i < 4; ++i) {
    bench.add(i).priority = i < 2 ? 1 : 2;
    bench.changed(i);
  }
  auto count = counts(bench, 10);
  CHECK(count[0] == 5);
  CHECK(count[1] == 5);
  bench.set_eligible(0, false);
  bench.set_eligible(1, false);
  count = counts(bench, 10);
  CHECK(count[2] == 5);
  CHECK(count[3] == 5);
  bench.set_eligible(1, true);
  CHECK(counts(bench, 10)[1] == 10);
}

TEST_CASE("rotation/health_based: recent failures come last, a trial gets its chance") {
  PolicyBench<cp::HealthBased> bench;
  for (std::uint32_t i = 0; i < 3; ++i) bench.add(i);
  const auto i = bench.candidates.position_of(bench.id(1)).value();
  bench.candidates.set_standing(i, false, true, true);
  bench.changed(1);
  CHECK_FALSE(counts(bench, 20).contains(1));
  bench.candidates.set_standing(i, true, true, true);
  bench.changed(1);
  CHECK(bench.pick() == 1);
}

TEST_CASE("rotation/weighted: shares by weight at every moment, without bursts") {
  const std::map<std::uint32_t, std::uint32_t> weights{{0, 10}, {1, 1}, {2, 1}, {3, 1}, {4, 1},
                                                       {5, 1},  {6, 1}, {7, 1}, {8, 1}, {9, 2}};
  double total = 0;
  PolicyBench<cp::Weighted> bench;
  for (const auto& [number, weight] : weights) {
    total += weight;
    bench.all.emplace_back();
    auto& facts = bench.all.back();
    facts.id = bench.id(number);
    facts.order = number;
    facts.weight = weight;
    bench.numbers[facts.id] = number;
    bench.present.push_back(&facts);
  }
  bench.candidates.assign(bench.present);
  bench.candidates.keep_ranks(true);
  for (const auto& [number, weight] : weights) bench.set_eligible(number, true);
  std::map<int, int> count;
  int burst = 0;
  int longest = 0;
  int before = -1;
  for (int n = 1; n <= 1900; ++n) {
    const auto chosen = bench.pick();
    ++count[chosen];
    burst = chosen == before ? burst + 1 : 1;
    longest = std::max(longest, burst);
    before = chosen;
    for (const auto& [number, weight] : weights)
      CHECK(std::abs(count[static_cast<int>(number)] - n * weight / total) <= 2.0);
  }
  CHECK(longest <= 3);  // its share is 10 of 19; all at once would be 10
}

TEST_CASE("rotation/weighted: who was away has no backlog") {
  PolicyBench<cp::Weighted> bench;
  for (std::uint32_t i = 0; i < 4; ++i) bench.add(i);
  bench.set_eligible(0, false);
  counts(bench, 300);
  bench.set_eligible(0, true);
  CHECK(counts(bench, 40)[0] <= 11);
}

TEST_CASE("rotation/fill_first: stays until it is exhausted, does not go back before it must") {
  PolicyBench<cp::FillFirst> bench;
  for (std::uint32_t i = 0; i < 4; ++i) bench.add(i);
  CHECK(counts(bench, 50) == std::map<int, int>{{0, 50}});
  const auto exhaust = [&](std::uint32_t number) {
    bench.candidates.set_standing(bench.candidates.position_of(bench.id(number)).value(), false,
                                  false, false);
    bench.set_eligible(number, false);
  };
  exhaust(0);
  CHECK(counts(bench, 50) == std::map<int, int>{{1, 50}});
  bench.set_eligible(0, true);  // its reset has come
  CHECK(counts(bench, 50) == std::map<int, int>{{1, 50}});
  exhaust(1);
  CHECK(counts(bench, 50) == std::map<int, int>{{0, 50}});
  // One whose reset is still ahead is on trial: only when nobody else is left.
  bench.candidates.set_standing(bench.candidates.position_of(bench.id(1)).value(), true, true,
                                true);
  bench.set_eligible(1, true);
  exhaust(0);
  CHECK(bench.pick() == 2);
}

TEST_CASE("rotation/p2c: spreads, and prefers fewer leases") {
  PolicyBench<cp::PowerOfTwoChoices> bench;
  for (std::uint32_t i = 0; i < 10; ++i) bench.add(i);
  const auto count = counts(bench, 10'000);
  CHECK(count.size() == 10);
  for (const auto& [number, times] : count) CHECK(std::abs(times - 1000) < 150);
  bench.facts(4).in_flight = 100;
  bench.changed(4);
  CHECK(counts(bench, 10'000)[4] < 200);  // only when both choices are it: 1 in 100
}

TEST_CASE("rotation/latency: the fastest, weighed by what is out; the unknown is tried once") {
  PolicyBench<cp::Latency> bench;
  for (std::uint32_t i = 0; i < 3; ++i) {
    bench.add(i).latency = 100.0 * (i + 1);
    bench.changed(i);
  }
  CHECK(bench.pick() == 0);
  bench.facts(0).in_flight = 2;  // 300 now
  bench.changed(0);
  CHECK(bench.pick() == 1);
  bench.add(3);
  CHECK(bench.pick() == 3);
  bench.facts(3).in_flight = 1;
  bench.changed(3);
  CHECK(bench.pick() == 1);
}

TEST_CASE("rotation/quota_aware: spends what expires first and moves only at roll-over") {
  PolicyBench<cp::QuotaAware> bench;
  for (std::uint32_t i = 0; i < 3; ++i) bench.add(i).quota_headroom = 0.5f;
  bench.facts(0).quota_resets_at = bench.now + 4h;
  bench.facts(1).quota_resets_at = bench.now + 1h;
  bench.facts(2).quota_resets_at = bench.now + 3h;
  CHECK(bench.pick() == 1);
  bench.facts(1).quota_headroom = 0.01f;  // the others are more urgent now: no move yet
  bench.now += 30min;
  CHECK(bench.pick() == 1);
  bench.now += 30min;  // roll-over
  bench.facts(1).quota_headroom = 1;
  bench.facts(1).quota_resets_at = bench.now + 5h;
  CHECK(bench.pick() == 2);
  // Within the tolerance nothing moves, at a roll-over either.
  bench.now += 2h;
  for (std::uint32_t i = 0; i < 3; ++i) {
    bench.facts(i).quota_headroom = i == 2 ? 0.95f : 1.0f;
    bench.facts(i).quota_resets_at = bench.now + 5h;
  }
  CHECK(bench.pick() == 2);
  // It cannot serve for a while: now it must move.
  bench.candidates.set_standing(bench.candidates.position_of(bench.id(2)).value(), false, false,
                                false);
  bench.set_eligible(2, false);
  const auto other = bench.pick();
  CHECK(other != 2);
  bench.set_eligible(2, true);
  CHECK(bench.pick() == other);
}

TEST_CASE("rotation/pinned: one or none") {
  PolicyBench<cp::Pinned> bench{cp::Pinned{PolicyBench<cp::Pinned>::id(2)}};
  for (std::uint32_t i = 0; i < 4; ++i) bench.add(i);
  CHECK(counts(bench, 10) == std::map<int, int>{{2, 10}});
  bench.set_eligible(2, false);
  CHECK(bench.pick() == -1);
  bench.remove(2);
  CHECK(bench.pick() == -1);
  PolicyBench<cp::Pinned> first;
  for (std::uint32_t i = 0; i < 4; ++i) first.add(i);
  CHECK(first.pick() == 0);
}
