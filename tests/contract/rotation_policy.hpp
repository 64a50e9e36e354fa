#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

/// The candidates of one lane in a test's hand, kept as the pool keeps them.
template <class Policy> class PolicyBench {
 public:
  explicit PolicyBench(Policy wanted = {}) : policy{std::move(wanted)} {}

  static credpool::CredentialId id(std::uint32_t number) {
    credpool::Digest digest{};
    // Scattered, so that the order of ids is not the order of numbers.
    const std::uint32_t mixed = number * 2654435761u;
    for (int i = 0; i < 4; ++i)
      digest[static_cast<std::size_t>(i)] = static_cast<unsigned char>(mixed >> (8 * i));
    digest[31] = static_cast<unsigned char>(number);
    return credpool::CredentialId{digest};
  }

  credpool::CandidateFacts& add(std::uint32_t number) {
    auto& facts = all.emplace_back();
    facts.id = id(number);
    facts.order = number;
    numbers[facts.id] = number;
    present.push_back(&facts);
    renew();
    set_eligible(number, true);
    return facts;
  }
  void remove(std::uint32_t number) {
    std::erase_if(present, [&](const auto* facts) { return facts->id == id(number); });
    renew();
  }
  void set_eligible(std::uint32_t number, bool eligible) {
    const auto i = candidates.position_of(id(number)).value();
    candidates.update(i, eligible, rank(i));
  }
  credpool::CandidateFacts& facts(std::uint32_t number) {
    return candidates.facts(candidates.position_of(id(number)).value());
  }
  /// The facts of that one were changed by hand.
  void changed(std::uint32_t number) {
    const auto i = candidates.position_of(id(number)).value();
    candidates.update(i, candidates.eligible(i), rank(i));
  }

  /// One selection as the pool makes it; the lease is over at once.
  /// @return the number of the chosen one, or -1
  int pick() {
    const auto chosen = policy.pick(candidates, {}, now);
    if (!chosen) return -1;
    REQUIRE(*chosen < candidates.size());
    REQUIRE(candidates.eligible(*chosen));
    auto& facts = candidates.facts(*chosen);
    facts.turn = ++turn;
    facts.use += 1;
    candidates.set_last(*chosen);
    if constexpr (credpool::HearsSelections<Policy>) policy.on_selected(candidates, *chosen, now);
    candidates.update(*chosen, candidates.eligible(*chosen), rank(*chosen));
    return static_cast<int>(numbers.at(facts.id));
  }

  Policy policy;
  credpool::Candidates candidates;
  std::deque<credpool::CandidateFacts> all;
  std::vector<credpool::CandidateFacts*> present;
  std::map<credpool::CredentialId, std::uint32_t> numbers;
  credpool::TimePoint now{std::chrono::milliseconds{1795000000000}};
  std::uint64_t turn = 0;

 private:
  credpool::Rank rank(std::size_t i) const {
    if constexpr (credpool::RanksCandidates<Policy>) return policy.rank(candidates, i);
    return {};
  }
  void renew() {
    candidates.assign(present);
    candidates.keep_ranks(credpool::RanksCandidates<Policy>);
    for (std::size_t i = 0; i < candidates.size(); ++i)
      candidates.update(i, candidates.eligible(i), rank(i));
  }
};

/// What every rotation policy must do, whatever its rule: with a seeded generator as the adversary.
template <class Policy> void rotation_policy_contract(Policy policy = {}) {
  static_assert(credpool::RotationPolicy<Policy>);
  CHECK_FALSE(std::string_view{policy.name}.empty());

  // Nobody there, nobody eligible: nobody chosen.
  PolicyBench<Policy> empty{policy};
  CHECK(empty.pick() == -1);
  for (std::uint32_t i = 0; i < 3; ++i) empty.add(i);
  for (std::uint32_t i = 0; i < 3; ++i) empty.set_eligible(i, false);
  CHECK(empty.pick() == -1);

  // One that may serve among many that may not is found by all but `pinned`.
  const bool pins = std::string_view{policy.name} == "pinned";
  PolicyBench<Policy> needle{policy};
  for (std::uint32_t i = 0; i < 200; ++i) needle.add(i);
  for (std::uint32_t i = 0; i < 200; ++i) needle.set_eligible(i, i == 137);
  CHECK(needle.pick() == (pins ? -1 : 137));

  // Random coming, going, resting, lending: never an ineligible one (PolicyBench::pick checks it),
  // somebody whenever there is somebody, and the same again from the same start.
  const auto run = [&] {
    PolicyBench<Policy> bench{policy};
    std::uint64_t state = 42;
    const auto random = [&](std::uint64_t below) {
      state = state * 6364136223846793005 + 1442695040888963407;
      return static_cast<std::uint32_t>((state >> 33) % below);
    };
    std::vector<int> sequence;
    std::uint32_t added = 0;
    for (int step = 0; step < 3000; ++step) {
      const auto what = random(20);
      if (bench.present.empty() || (what == 0 && bench.present.size() < 150)) {
        bench.add(added++);
      } else {
        auto& facts = *bench.present[random(bench.present.size())];
        const auto number = bench.numbers.at(facts.id);
        if (what == 1 && bench.present.size() > 1) bench.remove(number);
        if (what == 2 || what == 3) bench.set_eligible(number, false);
        if (what >= 4 && what <= 6) bench.set_eligible(number, true);
        if (what == 7) {
          facts.in_flight = random(5);
          facts.latency = random(100);
          facts.priority = static_cast<int>(random(3));
          bench.changed(number);
        }
      }
      bench.now += std::chrono::seconds{random(30)};
      const auto chosen = bench.pick();
      if (!pins) CHECK((chosen >= 0) == (bench.candidates.eligible_count() > 0));
      sequence.push_back(chosen);
    }
    return sequence;
  };
  CHECK(run() == run());
}
