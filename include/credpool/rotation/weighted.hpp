#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

#include <algorithm>
#include <cmath>

namespace credpool::inline CREDPOOL_ABI {

/// Each its share by weight, spread evenly: no bursts, and the same sequence every time.
///
/// Stride scheduling: everybody is due at a virtual time that moves on by 1/weight with each
/// selection, and the earliest goes next. Who joins, or was away, is due within its first stride
/// from the present: without a backlog, and not all at once.
/// @source C. Waldspurger, W. Weihl, "Stride Scheduling", MIT/LCS/TM-528, 1995
class Weighted {
 public:
  static constexpr std::string_view name = "weighted";

  Rank rank(const Candidates& candidates, std::size_t i) const noexcept {
    auto& due = candidates.note(i);
    if (due == 0 || due < present_) {
      constexpr double golden_ratio = 0.6180339887498949;
      double whole = 0;
      const double phase = 1 - std::modf(candidates[i].order * golden_ratio, &whole);
      due = present_ + phase * stride(candidates[i]);
    }
    return {.value = due};
  }
  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest&,
                                  TimePoint) noexcept {
    const auto earliest = candidates.lowest();
    if (earliest) present_ = std::max(present_, candidates.note(*earliest));
    return earliest;
  }
  void on_selected(const Candidates& candidates, std::size_t i, TimePoint) noexcept {
    candidates.note(i) += stride(candidates[i]);
  }

 private:
  static double stride(const CandidateFacts& facts) noexcept {
    return 1.0 / std::max<std::uint32_t>(facts.weight, 1);
  }

  double present_ = 0;
};
static_assert(RanksCandidates<Weighted> && HearsSelections<Weighted>);

}  // namespace credpool::inline CREDPOOL_ABI
