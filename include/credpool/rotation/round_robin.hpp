#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// One after the other, in a cycle.
///
/// The cursor is the id that was selected last, not an index: a list that changes neither skips nor
/// repeats anybody, and the pool keeps it over restarts.
struct RoundRobin {
  static constexpr std::string_view name = "round-robin";

  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest&,
                                  TimePoint) noexcept {
    return candidates.next_eligible(candidates.after_last());
  }
};
static_assert(RotationPolicy<RoundRobin>);

}  // namespace credpool::inline CREDPOOL_ABI
