#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/outcome.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::ok: return "ok";
    case Outcome::rate_limited: return "rate_limited";
    case Outcome::quota_exhausted: return "quota_exhausted";
    case Outcome::auth_failed: return "auth_failed";
    case Outcome::billing: return "billing";
    case Outcome::overloaded: return "overloaded";
    case Outcome::transport: return "transport";
    case Outcome::request_fault: return "request_fault";
    case Outcome::unknown: return "unknown";
  }
  return "unknown";
}

}  // namespace credpool::inline CREDPOOL_ABI
