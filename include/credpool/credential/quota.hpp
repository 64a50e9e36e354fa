#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>

#include <optional>
#include <string>

namespace credpool::inline CREDPOOL_ABI {

/// One allowance of an account, as its provider reports it.
struct QuotaWindow {
  std::string name;                            ///< the provider's name ("five_hour", "primary")
  std::optional<double> used_percent;          ///< 0 to 100, or above when overdrawn
  std::optional<double> used;                  ///< in the provider's own unit
  std::optional<double> limit;                 ///< in the same unit
  std::optional<TimePoint> resets_at;          ///< when the allowance is whole again
  std::optional<std::chrono::seconds> length;  ///< how long the window is
  bool partial = false;  ///< covers only a part of the service (one model): the rest goes on

  /// The share used up in percent, told or computed; none when neither is possible.
  std::optional<double> percent() const noexcept {
    if (used_percent) return used_percent;
    if (used && limit && *limit > 0) return *used / *limit * 100.0;
    return std::nullopt;
  }
};

}  // namespace credpool::inline CREDPOOL_ABI
