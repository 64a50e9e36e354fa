#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>
#include <credpool/credential/outcome.hpp>
#include <credpool/credential/quota.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What an answer of the provider says about a credential.
enum class Finding {
  valid,
  expired,             ///< refresh it; if that does not help, a new login is needed
  rejected,            ///< the provider says that it is not good
  client_not_allowed,  ///< good, but the provider does not serve this client
  missing_scope,       ///< good, but not for this use
  no_subscription,     ///< good, but no seat or membership is paid for
  out_of_quota,        ///< good, but its allowance or balance is used up
  rate_limited,        ///< good, too many requests for now
  not_eligible,        ///< good, but the service ended for this account
  request_error,       ///< the request was at fault: it says nothing about the credential
  transient,           ///< the provider could not be reached or cannot serve now
  could_not_tell,      ///< not asked, or an answer that proves nothing
};

/// The finding's name as it stands in JSON output ("out_of_quota").
std::string_view to_string(Finding finding) noexcept;

/// Whether the credential itself is proven to be good, whatever else stands in its way.
bool proves_good(Finding finding) noexcept;

/// The result of checking one credential.
struct Verdict {
  Finding finding = Finding::could_not_tell;
  OutcomeKind outcome = OutcomeKind::unknown;  ///< the same answer, as the pool counts it
  bool probed = false;                         ///< whether the provider was asked at all
  std::string detail;                          ///< one line for a person: sanitised, never a secret
  std::optional<int> http_status;              ///< of the answer that decided
  std::optional<TimePoint> retry_at;           ///< when trying again makes sense, where it was told
  std::vector<QuotaWindow> quotas;             ///< what the probe reported; often empty
  std::string plan;      ///< subscription as the provider names it; often empty
  std::string base_url;  ///< the address that accepted it, where several were tried
};

struct Credential;

/// Writes a verdict into the credential: status, reason, detail, quotas, plan, base URL.
///
/// A credential that cannot be used because of its store (malformed, in a keyring, disabled ...)
/// keeps that standing word, and so does one that was not probed. "Could not tell" and "transient"
/// never take a working credential out of use.
/// @effects changes `credential` only
void apply(const Verdict& verdict, Credential& credential);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/validation/verdict.ipp>
#endif
