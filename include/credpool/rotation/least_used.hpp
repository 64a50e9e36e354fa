#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// The one with the fewest recent uses, leases that are out counted on top.
///
/// Uses decay, and the pool lets a newcomer begin with the fewest uses of the others: so it gets
/// its share from now on, and is not flooded until it has caught up with the past.
struct LeastUsed {
  static constexpr std::string_view name = "least-used";

  Rank rank(const Candidates& candidates, std::size_t i) const noexcept {
    const auto& facts = candidates[i];
    return {.value = facts.use + facts.in_flight * candidates.one_use()};
  }
  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest&,
                                  TimePoint) noexcept {
    return candidates.lowest();
  }
};
static_assert(RanksCandidates<LeastUsed>);

}  // namespace credpool::inline CREDPOOL_ABI
