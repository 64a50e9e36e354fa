#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/outcome.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(OutcomeKind outcome) noexcept {
  switch (outcome) {
    case OutcomeKind::ok:
      return "ok";
    case OutcomeKind::rate_limited:
      return "rate_limited";
    case OutcomeKind::quota_exhausted:
      return "quota_exhausted";
    case OutcomeKind::auth_failed:
      return "auth_failed";
    case OutcomeKind::billing:
      return "billing";
    case OutcomeKind::overloaded:
      return "overloaded";
    case OutcomeKind::transport:
      return "transport";
    case OutcomeKind::request_fault:
      return "request_fault";
    case OutcomeKind::unknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace credpool::inline CREDPOOL_ABI
