// SPDX-License-Identifier: MIT
// The smallest rotation policies, and what is none. docs/concepts/RotationPolicy.md shows them.
#include <credpool/rotation/concept.hpp>

#include <contract/rotation_policy.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

// [example]
/// Always the one that was found first, as long as it can serve.
struct FirstFound {
  static constexpr std::string_view name = "first-found";

  cp::Rank rank(const cp::Candidates& candidates, std::size_t i) const noexcept {
    return {.tier = candidates[i].order};
  }
  std::optional<std::size_t> pick(const cp::Candidates& candidates, const cp::PickRequest&,
                                  cp::TimePoint) noexcept {
    return candidates.lowest();
  }
};
static_assert(cp::RanksCandidates<FirstFound>);
// [example]

/// Exactly what the concept asks for, and nothing more.
struct Archetype {
  static constexpr std::string_view name = "archetype";
  std::optional<std::size_t> pick(const cp::Candidates& candidates, const cp::PickRequest&,
                                  cp::TimePoint) noexcept {
    return candidates.next_eligible(0);
  }
};
static_assert(cp::RotationPolicy<Archetype>);
static_assert(!cp::RanksCandidates<Archetype>);
static_assert(!cp::HearsSelections<Archetype>);
static_assert(!cp::HearsOutcomes<Archetype>);

struct Nameless : Archetype {
 private:
  using Archetype::name;
};
static_assert(!cp::RotationPolicy<Nameless>);

struct MayThrow {
  static constexpr std::string_view name = "may-throw";
  std::optional<std::size_t> pick(const cp::Candidates&, const cp::PickRequest&, cp::TimePoint);
};
static_assert(!cp::RotationPolicy<MayThrow>);

struct AlwaysAnswers {
  static constexpr std::string_view name = "always-answers";
  std::size_t pick(const cp::Candidates&, const cp::PickRequest&, cp::TimePoint) noexcept;
};
static_assert(!cp::RotationPolicy<AlwaysAnswers>);

struct MoveOnly : Archetype {
  MoveOnly(MoveOnly&&) = default;
  MoveOnly& operator=(MoveOnly&&) = default;
};
static_assert(!cp::RotationPolicy<MoveOnly>);

}  // namespace

TEST_CASE("concepts/RotationPolicy: the archetypes pass the contract") {
  rotation_policy_contract<Archetype>();
  rotation_policy_contract<FirstFound>();
}
