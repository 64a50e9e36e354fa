#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rotation/concept.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {

/// Spends the allowance that would expire first: what is left of a window, divided by the time to
/// its reset.
///
/// Moves only when the present credential's window rolls over or it cannot serve, and then only
/// when another one is better by more than the tolerance: every move costs a prompt cache.
class QuotaAware {
 public:
  static constexpr std::string_view name = "quota-aware";

  QuotaAware() = default;
  /// @param tolerance how much better another one must be, as a fraction; 0.1 is ten per cent
  explicit QuotaAware(double tolerance) noexcept : tolerance_{tolerance} {}

  std::optional<std::size_t> pick(const Candidates& candidates, const PickRequest&,
                                  TimePoint now) noexcept {
    const auto present = candidates.position_of(present_);
    if (present && candidates.eligible(*present) && now < decide_again_at_) return present;
    if (present && candidates.away_briefly(*present))
      return candidates.next_eligible(candidates.after_last());  // helps out, no move
    const auto best = most_urgent(candidates, now);
    if (!best) return best;
    const bool stay =
        present && candidates.eligible(*present) &&
        urgency(candidates[*present], now) * (1 + tolerance_) >= urgency(candidates[*best], now);
    const auto chosen = stay ? *present : *best;
    present_ = candidates[chosen].id;
    const auto resets_at = candidates[chosen].quota_resets_at;
    decide_again_at_ = resets_at > now ? resets_at : now + unknown_window;
    return chosen;
  }

 private:
  /// Where nothing is known of a window: the length of the common five-hour ones.
  static constexpr std::chrono::hours unknown_window{5};

  /// The share of a window to spend per second, so that nothing is left at its end.
  static double urgency(const CandidateFacts& facts, TimePoint now) noexcept {
    const bool known = facts.quota_headroom >= 0 && facts.quota_resets_at > now;
    const double headroom = known ? facts.quota_headroom : 1;
    const auto left = known ? facts.quota_resets_at - now : Duration{unknown_window};
    return headroom / std::max(1.0, std::chrono::duration<double>(left).count());
  }
  static std::optional<std::size_t> most_urgent(const Candidates& candidates,
                                                TimePoint now) noexcept {
    std::optional<std::size_t> best;
    double most = -1;
    auto i = candidates.next_eligible(0);
    for (auto left = candidates.eligible_count(); left > 0; --left) {
      const auto here = urgency(candidates[*i], now);
      if (here > most || (here == most && candidates[*i].turn < candidates[*best].turn)) {
        best = i;
        most = here;
      }
      i = candidates.next_eligible(*i + 1);
    }
    return best;
  }

  double tolerance_ = 0.1;
  CredentialId present_;
  TimePoint decide_again_at_{};
};
static_assert(RotationPolicy<QuotaAware>);

}  // namespace credpool::inline CREDPOOL_ABI
