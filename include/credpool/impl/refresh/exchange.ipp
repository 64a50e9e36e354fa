#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/exchange.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(ExchangeOutcome outcome) noexcept {
  switch (outcome) {
    case ExchangeOutcome::still_fresh:
      return "still_fresh";
    case ExchangeOutcome::adopted:
      return "adopted";
    case ExchangeOutcome::exchanged:
      return "exchanged";
    case ExchangeOutcome::recovered:
      return "recovered";
    case ExchangeOutcome::kept:
      return "kept";
  }
  return "";
}

}  // namespace credpool::inline CREDPOOL_ABI
