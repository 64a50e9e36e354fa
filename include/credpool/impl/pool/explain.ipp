#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/explain.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(Eligibility verdict) noexcept {
  switch (verdict) {
    case Eligibility::eligible:
      return "eligible";
    case Eligibility::disabled:
      return "disabled";
    case Eligibility::not_imported:
      return "not_imported";
    case Eligibility::wrong_provider:
      return "wrong_provider";
    case Eligibility::wrong_model:
      return "wrong_model";
    case Eligibility::missing_scope:
      return "missing_scope";
    case Eligibility::unusable:
      return "unusable";
    case Eligibility::expired:
      return "expired";
    case Eligibility::expired_unrefreshable:
      return "expired_unrefreshable";
    case Eligibility::unverified:
      return "unverified";
    case Eligibility::revoked:
      return "revoked";
    case Eligibility::needs_login:
      return "needs_login";
    case Eligibility::cooling_down:
      return "cooling_down";
    case Eligibility::quota_exhausted:
      return "quota_exhausted";
    case Eligibility::excluded_by_order:
      return "excluded_by_order";
    case Eligibility::policy_forbidden:
      return "policy_forbidden";
    case Eligibility::pinned_elsewhere:
      return "pinned_elsewhere";
    case Eligibility::at_concurrency_limit:
      return "at_concurrency_limit";
    case Eligibility::over_fair_share:
      return "over_fair_share";
    case Eligibility::already_tried:
      return "already_tried";
  }
  return "unknown";
}

}  // namespace credpool::inline CREDPOOL_ABI
