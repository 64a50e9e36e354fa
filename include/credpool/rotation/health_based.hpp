#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// Those without a recent failure first, among them the least used.
///
/// One that comes back from a rest counts as healthy for its single trial, or it would never get a
/// chance to prove it.
struct HealthBased {
  static constexpr std::string_view name = "health-based";

  Rank rank(const Candidates& candidates, std::size_t i) const noexcept {
    const auto& facts = candidates[i];
    const bool shaky = candidates.recently_failed(i) && !candidates.on_trial(i);
    return {.tier = shaky ? 1 : 0, .value = facts.use + facts.in_flight * candidates.one_use()};
  }
  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest&,
                                  TimePoint) noexcept {
    return candidates.lowest();
  }
};
static_assert(RanksCandidates<HealthBased>);

}  // namespace credpool::inline CREDPOOL_ABI
