#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>
#include <credpool/rotation/concept.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Whether a credential may serve a request, and if not, why. docs/concepts/pool.md has a row each.
enum class Eligibility {
  eligible,
  disabled,      ///< switched off by the user
  not_imported,  ///< found, but auto-import is off and nobody has imported it
  wrong_provider,
  wrong_model,  ///< a rule allows it for other models only
  missing_scope,
  unusable,               ///< its store holds nothing to lend; Credential::reason says why
  expired,                ///< its token has ended; a refresh will bring it back
  expired_unrefreshable,  ///< its token has ended, for good
  unverified,             ///< validation is on, and this token has not passed it
  revoked,                ///< the provider took it back
  needs_login,            ///< the provider refused its token: somebody has to log in again
  cooling_down,           ///< rests after a rate limit, overload or host failure
  quota_exhausted,        ///< rests until its window or bill is renewed
  excluded_by_order,      ///< an explicit order for its provider leaves it out
  policy_forbidden,       ///< a rule forbids to lend it
  pinned_elsewhere,       ///< the request is pinned to another one
  at_concurrency_limit,   ///< as many leases are out as admission allows
  over_fair_share,        ///< leases are scarce, and the client holds its share of them
  already_tried,          ///< has failed this very request
};

/// The verdict's name as it stands in JSON output ("cooling_down").
std::string_view to_string(Eligibility verdict) noexcept;

/// How one credential stands towards one request.
struct CandidateReport {
  std::shared_ptr<const Credential> credential;
  Eligibility verdict = Eligibility::eligible;
  /// When that may change by itself; none: never, or nothing to change.
  std::optional<TimePoint> until = {};
  std::string model = {};  ///< the model that rests; empty: the whole account
  bool on_trial = false;   ///< eligible for a single request, to find out whether its rest is over
  bool chosen = false;     ///< the one that acquire() would lend now
  Rank rank = {};          ///< the policy's, when it ranks
  double use = 0;          ///< decayed uses
  std::uint32_t in_flight = 0;
  std::uint32_t limit = 0;  ///< leases at once that admission allows; 0: any number
};

/// Every credential of the pool, as it stands towards one request.
struct Explanation {
  std::string policy;
  std::vector<CandidateReport> candidates;  ///< in the user's order
  std::optional<CredentialId> chosen = {};
  /// The earliest time at which trying again makes sense, when nothing is chosen.
  std::optional<TimePoint> retry_at = {};
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/pool/explain.ipp>
#endif
