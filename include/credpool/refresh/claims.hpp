#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/core/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// The right to spend the refresh token of one family once, given by a store that several hosts
/// share.
struct RefreshClaim {
  std::string family;            ///< a hash that names the login on every host
  std::uint64_t generation = 0;  ///< how often its token was exchanged so far
  std::uint64_t fence = 0;       ///< grows with every claim; a finish with an old one is refused
  TimePoint deadline{};          ///< after it nothing may be sent under this claim
  /// An earlier claim of the same generation was never finished: whether its token was spent is
  /// not known.
  bool after_unknown = false;
};

/// Gives at most one host at a time the right to spend a generation of a family's token.
///
/// The row is the write-ahead intent: take() is durable before it returns, and no transaction is
/// open between the calls.
class RefreshClaims {
 public:
  RefreshClaims() = default;
  RefreshClaims(const RefreshClaims&) = delete;
  RefreshClaims& operator=(const RefreshClaims&) = delete;
  virtual ~RefreshClaims() = default;

  /// Claims the next spend.
  /// @param token_hash token_hash() of the refresh token that is to be spent
  /// @param length     for how long; it must cover the request's time-outs
  /// @errors busy (with retry_at) while another host's claim runs; conflict when the family is past
  ///         that token: another host has exchanged it
  virtual Result<RefreshClaim> take(std::string_view family, std::string_view token_hash,
                                    std::string_view holder, Duration length) = 0;

  /// Ends a claim after the new token was stored: the generation grows.
  /// @errors conflict when the claim is not the current one any more
  virtual Result<void> finish(const RefreshClaim& claim, std::string_view new_token_hash) = 0;

  /// Gives a claim back under which nothing was sent.
  virtual Result<void> abandon(const RefreshClaim& claim) = 0;
};

}  // namespace credpool::inline CREDPOOL_ABI
