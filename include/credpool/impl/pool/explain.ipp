#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/explain.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::eligible: return "eligible";
    case Verdict::disabled: return "disabled";
    case Verdict::not_imported: return "not_imported";
    case Verdict::wrong_provider: return "wrong_provider";
    case Verdict::wrong_model: return "wrong_model";
    case Verdict::missing_scope: return "missing_scope";
    case Verdict::unusable: return "unusable";
    case Verdict::expired: return "expired";
    case Verdict::expired_unrefreshable: return "expired_unrefreshable";
    case Verdict::unverified: return "unverified";
    case Verdict::revoked: return "revoked";
    case Verdict::needs_login: return "needs_login";
    case Verdict::cooling_down: return "cooling_down";
    case Verdict::quota_exhausted: return "quota_exhausted";
    case Verdict::excluded_by_order: return "excluded_by_order";
    case Verdict::policy_forbidden: return "policy_forbidden";
    case Verdict::pinned_elsewhere: return "pinned_elsewhere";
    case Verdict::at_concurrency_limit: return "at_concurrency_limit";
    case Verdict::already_tried: return "already_tried";
  }
  return "unknown";
}

}  // namespace credpool::inline CREDPOOL_ABI
