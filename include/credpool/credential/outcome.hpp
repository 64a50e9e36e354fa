#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// How one use of a credential went: what the pool learns from an answer.
enum class OutcomeKind {
  ok,               ///< 2xx (for a stream: after its end)
  rate_limited,     ///< too many requests for now
  quota_exhausted,  ///< a window's allowance is used up until it resets
  auth_failed,      ///< the credential is not accepted: refresh once, then a new login
  billing,          ///< nothing is paid for: no money, no seat, no membership, service ended
  overloaded,       ///< the provider cannot serve right now
  transport,        ///< no answer of the provider: connection, TLS, time-out, a gateway's page
  request_fault,    ///< the request itself is at fault, another credential would not help
  unknown,          ///< dropped without a report, or an answer that says nothing
};

/// The outcome's name as it stands in JSON output ("rate_limited").
std::string_view to_string(OutcomeKind outcome) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/credential/outcome.ipp>
#endif
