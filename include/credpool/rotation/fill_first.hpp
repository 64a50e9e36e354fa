#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

#include <cstdint>

namespace credpool::inline CREDPOOL_ABI {

/// Stays on one credential until it is exhausted, then goes to the next in the user's order: keeps
/// prompt caches warm.
///
/// Does not go back when the former one's rest ends, only when the present one is exhausted too,
/// and never to one whose reset is still ahead while another can serve. While the present one is
/// merely busy, others help out without becoming the present one.
class FillFirst {
 public:
  static constexpr std::string_view name = "fill-first";

  Rank rank(const Candidates& candidates, std::size_t i) const noexcept {
    constexpr std::int64_t last_resort = std::int64_t{1} << 32;
    return {.tier = candidates[i].order + (candidates.on_trial(i) ? last_resort : 0)};
  }
  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest&,
                                  TimePoint) noexcept {
    const auto lowest = candidates.lowest();
    if (!lowest) return lowest;
    const auto present = candidates.position_of(present_);
    if (present && !candidates.on_trial(*present)) {
      if (candidates.eligible(*present)) return present;
      if (candidates.away_briefly(*present)) return lowest;
    }
    present_ = candidates[*lowest].id;
    return lowest;
  }

 private:
  CredentialId present_;
};
static_assert(RanksCandidates<FillFirst>);

}  // namespace credpool::inline CREDPOOL_ABI
