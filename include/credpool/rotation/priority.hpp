#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// The lowest priority number that can serve; equal numbers take turns.
///
/// Falls back in order while the first ones rest, and comes back with the first that recovers.
struct Priority {
  static constexpr std::string_view name = "priority";

  Rank rank(const Candidates& candidates, std::size_t i) const noexcept {
    return {.tier = candidates[i].priority};
  }
  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest&,
                                  TimePoint) noexcept {
    return candidates.lowest();
  }
};
static_assert(RanksCandidates<Priority>);

}  // namespace credpool::inline CREDPOOL_ABI
