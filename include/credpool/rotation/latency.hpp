#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// The lowest expected time to the first byte: the peak EWMA, normalised by prompt size, times the
/// leases that are out and the one to come.
///
/// One that was never measured goes first, with one request at a time until its first answer.
struct Latency {
  static constexpr std::string_view name = "latency";

  Rank rank(const Candidates& candidates, std::size_t i) const noexcept {
    const auto& facts = candidates[i];
    const bool unmeasured_and_out = facts.latency <= 0 && facts.in_flight > 0;
    return {.tier = unmeasured_and_out ? 1 : 0, .value = facts.latency * (facts.in_flight + 1.0)};
  }
  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest&,
                                  TimePoint) noexcept {
    return candidates.lowest();
  }
};
static_assert(RanksCandidates<Latency>);

}  // namespace credpool::inline CREDPOOL_ABI
