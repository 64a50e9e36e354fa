#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs libpq. Not under the umbrella header.

#include <credpool/core/secret.hpp>
#include <credpool/refresh/claims.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// How to reach the PostgreSQL server that several hosts share.
struct PostgresPlace {
  /// `postgresql://...` or `key=value ...`; PGPASSFILE, PGSERVICE and the like work as with any
  /// program that uses libpq.
  Secret connection;
  std::function<TimePoint()> now;  ///< this host's wall clock
  Duration patience{5'000};  ///< longest wait for a connection (at least 2 s), and for an answer
  /// How long after its deadline a claim is still waited for: time to store the answer and to say
  /// so.
  Duration margin{10'000};
};

/// The access token that a family's owner shares with the other hosts.
struct SharedToken {
  std::string sealed;  ///< text of TokenSeal
  TimePoint expires_at{};
  std::string owner;  ///< the host that refreshes it
};

/// Refresh claims in PostgreSQL: one row for each family, and one for each exchange.
///
/// A claim is one UPDATE that names everything it was decided on, committed with
/// synchronous_commit before take() returns; the server's clock decides when it ends. Nothing is
/// sealed or sent by this class, and no refresh token ever reaches it, only hashes. What each
/// statement guarantees, and what PostgreSQL must be set to, stands in docs/multi-host.md.
///
/// The family's owner is the host that exchanged last. A token that the store has not seen yet
/// (its CLI exchanged it, or somebody logged in anew) is believed of the owner only: another host's
/// may be an old copy.
///
/// @thread_safety safe; calls take turns. Not to be used on both sides of a fork()
class PostgresClaims final : public RefreshClaims {
 public:
  /// Connects, and makes or updates the tables (those called `credpool_...`, in the first schema
  /// of the search path).
  ///
  /// @errors configuration for a connection string that cannot be read, a refused password or a
  ///         server that may lose a commit (fsync off); unsupported for tables of a newer version;
  ///         permission_denied; store_unwritable for a read-only server; network, timeout, busy
  static Result<std::unique_ptr<PostgresClaims>> open(PostgresPlace place);
  ~PostgresClaims() override;

  /// @param family     any text of 1 to 200 bytes without NUL; the same on every host
  /// @param token_hash token_hash() of the refresh token; anything else is invalid_argument
  /// @param holder     names this host; 1 to 200 bytes
  /// @return with a deadline on this host's clock that is never later than the server's
  /// @errors also network, timeout and the like: nothing may be sent then. A claim whose answer was
  ///         lost ends by itself, as one whose outcome is not known
  Result<RefreshClaim> take(std::string_view family, std::string_view token_hash,
                            std::string_view holder, Duration length) override;

  /// Says twice what it said once: may be repeated after an error.
  Result<void> finish(const RefreshClaim& claim, std::string_view new_token_hash) override;

  /// May be repeated after an error. A claim that came after an unknown one leaves that unknown.
  Result<void> abandon(const RefreshClaim& claim) override;

  /// Makes that host the owner with the token it has now: after a new login there.
  /// @errors busy while a claim runs; conflict for a token that was exchanged already
  Result<void> hand_over(std::string_view family, std::string_view token_hash,
                         std::string_view holder);

  /// Shares the access token that came with that refresh token.
  ///
  /// @param token_hash token_hash() of the refresh token beside it: an access token that came
  ///                   before the last exchange does not replace a newer one
  /// @param sealed     text of TokenSeal; anything else is refused
  /// @errors conflict when the family is past that refresh token, or another host owns it; busy
  Result<void> publish(std::string_view family, std::string_view token_hash,
                       std::string_view holder, std::string_view sealed, TimePoint expires_at);

  /// The access token that the owner shared last; none when there is none.
  Result<std::optional<SharedToken>> fetch(std::string_view family);

 private:
  struct Session;
  explicit PostgresClaims(std::unique_ptr<Session> session) noexcept;

  std::unique_ptr<Session> session_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/postgres_claims.ipp>
#endif
