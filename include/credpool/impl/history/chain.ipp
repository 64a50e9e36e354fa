#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/history/chain.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(HistoryVerdict::Fault fault) noexcept {
  switch (fault) {
    case HistoryVerdict::Fault::none:
      return "none";
    case HistoryVerdict::Fault::edited:
      return "edited";
    case HistoryVerdict::Fault::removed:
      return "removed";
    case HistoryVerdict::Fault::reordered:
      return "reordered";
    case HistoryVerdict::Fault::replaced:
      return "replaced";
    case HistoryVerdict::Fault::truncated:
      return "truncated";
    case HistoryVerdict::Fault::entry_changed:
      return "entry_changed";
  }
  return "unknown";
}

}  // namespace credpool::inline CREDPOOL_ABI
