#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/outcome.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::optional<QuotaHeadroom> tightest(
    const std::vector<QuotaWindow>& windows) noexcept {
  std::optional<QuotaHeadroom> least;
  for (const auto& window : windows) {
    const auto percent = window.percent();
    if (window.partial || !percent) continue;
    const QuotaHeadroom here{.headroom = std::clamp(1 - *percent / 100, 0.0, 1.0),
                             .resets_at = window.resets_at.value_or(TimePoint{})};
    if (!least || here.headroom < least->headroom ||
        (here.headroom == least->headroom && here.resets_at > least->resets_at))
      least = here;
  }
  return least;
}

}  // namespace credpool::inline CREDPOOL_ABI
