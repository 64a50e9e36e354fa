#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// The power of two choices: of two random candidates, the one with fewer leases out; among equals
/// the one that was selected longer ago.
///
/// @source M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001
class PowerOfTwoChoices {
 public:
  static constexpr std::string_view name = "p2c";

  PowerOfTwoChoices() = default;
  explicit PowerOfTwoChoices(std::uint64_t seed) noexcept : state_{seed} {}

  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest&,
                                  TimePoint) noexcept {
    if (candidates.eligible_count() == 0) return std::nullopt;
    const auto a = candidates.random_eligible(next() ^ candidates.salt());
    const auto b = candidates.random_eligible(next() ^ candidates.salt());
    const auto& left = candidates[a];
    const auto& right = candidates[b];
    if (left.in_flight != right.in_flight) return left.in_flight < right.in_flight ? a : b;
    return left.turn <= right.turn ? a : b;
  }

 private:
  /// SplitMix64 (Steele, Lea, Flood 2014).
  std::uint64_t next() noexcept {
    auto z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_ = 0;
};
static_assert(RotationPolicy<PowerOfTwoChoices>);

}  // namespace credpool::inline CREDPOOL_ABI
