#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>
#include <credpool/credential/outcome.hpp>
#include <credpool/credential/quota.hpp>

#include <optional>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What the provider told about an allowance: how much of a window is left, and when it ends.
struct QuotaHeadroom {
  double headroom = 1;    ///< 0 (used up) to 1 (untouched)
  TimePoint resets_at{};  ///< the epoch: not told

  friend bool operator==(const QuotaHeadroom&, const QuotaHeadroom&) = default;
};

/// The window of which least is left: the one that will stop the account first.
///
/// Windows that cover only a part of the service, or do not tell how much is used, are passed over.
/// Of two that have equally much left, the one that resets later.
std::optional<QuotaHeadroom> tightest(const std::vector<QuotaWindow>& windows) noexcept;

/// What happened to a request, with the evidence that the provider gave.
struct Outcome {
  OutcomeKind kind = OutcomeKind::unknown;
  /// When the limit or quota is over, by the provider's word (Retry-After, reset headers, body).
  std::optional<TimePoint> until = {};
  /// Whether the limit is that of the account, not of the model. Not told: quota and billing are
  /// the account's, rate limits and overload the model's.
  std::optional<bool> whole_account = {};
  std::optional<Duration> first_byte_after = {};
  std::optional<QuotaHeadroom> quota = {};  ///< the tightest window, when the answer told

  static Outcome ok() { return {.kind = OutcomeKind::ok}; }
  static Outcome ok(Duration first_byte_after) {
    return {.kind = OutcomeKind::ok, .first_byte_after = first_byte_after};
  }
  static Outcome rate_limited(std::optional<TimePoint> until = {}) {
    return {.kind = OutcomeKind::rate_limited, .until = until};
  }
  static Outcome quota_exhausted(std::optional<TimePoint> until = {}) {
    return {.kind = OutcomeKind::quota_exhausted, .until = until};
  }
  static Outcome auth_failed() { return {.kind = OutcomeKind::auth_failed}; }
  static Outcome billing() { return {.kind = OutcomeKind::billing}; }
  static Outcome overloaded() { return {.kind = OutcomeKind::overloaded}; }
  static Outcome transport() { return {.kind = OutcomeKind::transport}; }
  static Outcome request_fault() { return {.kind = OutcomeKind::request_fault}; }

  /// Whether another credential may serve the same request (as long as no byte of an answer has
  /// reached the client).
  bool another_may_serve() const noexcept {
    return kind != OutcomeKind::unknown && kind != OutcomeKind::ok &&
           kind != OutcomeKind::request_fault;
  }
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/pool/outcome.ipp>
#endif
