#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/clock.hpp>
#include <credpool/core/result.hpp>
#include <credpool/credential/login_store.hpp>
#include <credpool/refresh/claims.hpp>
#include <credpool/refresh/token_endpoint.hpp>
#include <credpool/transport/concept.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What an exchange came to.
enum class ExchangeOutcome {
  still_fresh,  ///< nothing to do: the stored token is good for longer than the window
  adopted,      ///< somebody else refreshed it; the store's tokens are the new ones
  exchanged,    ///< we spent the refresh token and stored what came
  recovered,    ///< an earlier exchange of ours had been cut off; its answer is stored now
  kept,         ///< could not be refreshed now, and the old access token still works
};

std::string_view to_string(ExchangeOutcome outcome) noexcept;

/// A login after an exchange.
struct ExchangeReport {
  ExchangeOutcome outcome = ExchangeOutcome::still_fresh;
  StoredTokens tokens;                ///< as they stand in the store now
  std::optional<TimePoint> retry_at;  ///< with `kept`: when to try again
  std::string note;                   ///< for a person: why it was kept; may be empty
};

/// What the caller of an exchange wants.
struct ExchangeRequest {
  /// token_hash() of an access token that the provider refused: when the store still has that one
  /// it is refreshed, however long it should live. Empty: only when it is due.
  std::string refused_token = {};
  bool force = false;  ///< refresh, however long the access token will live
  Duration patience{
      30'000};  ///< longest wait for locks; callers whose token still works never wait
};

/// Sends a request at most once; see Transport.
using SendOnce = std::function<Result<Response>(const Request&)>;

/// What an exchange works with, besides the store. Everything must outlive the call.
struct ExchangeWorld {
  SendOnce send;
  std::function<TimePoint()> now;
  std::function<std::chrono::nanoseconds()> steady;  ///< monotonic, for deadlines
  std::function<void(Duration)> sleep;               ///< waits for other processes
  std::string host_id;                               ///< names this machine in the shared claim
  RefreshClaims* claims = nullptr;                   ///< null: this machine only
};

/// Spends the refresh token of a login exactly once, whoever else tries, and never loses the
/// answer: steps and crash table in docs/refresh.md.
///
/// @return the tokens as the store has them on return; they were stored before they are returned
/// @errors busy when a lock was not to be had; rate_limited, overloaded, network with `retry_at`
///         when it should be tried later; outcome_unknown when the token may have been spent and
///         the answer is gone; login_needed when the server says that it is dead; account_changed;
///         store_unwritable when the result could not have been kept (nothing was spent);
///         configuration when the server does not accept our client or request
/// @effects the login's file, its lock, our lock, journal and state beside it; one request
/// @thread_safety safe: calls for one file take turns, in this process and over all of them
Result<ExchangeReport> exchange(LoginStore& store, const TokenEndpoint& endpoint,
                                const ExchangeRequest& request, const ExchangeWorld& world);

/// What that login is called where several hosts share it (RefreshClaims).
/// @errors those of reading the store and our own files
Result<std::string> exchange_family(const LoginStore& store);

/// What is left of exchanges of that file that were cut off or refused, for status and doctor.
struct ExchangeTrace {
  bool journal = false;                 ///< an exchange was cut off; the next one finishes it
  bool outcome_unknown = false;         ///< ... and it is not known whether the token was spent
  bool dead = false;                    ///< the server refused the refresh token that is stored now
  std::optional<TimePoint> not_before;  ///< no request goes out before that
  std::uint32_t failures = 0;           ///< in a row
};

/// Looks at the traces; takes no lock and changes nothing.
/// @errors those of reading the store and our own files
Result<ExchangeTrace> exchange_trace(const LoginStore& store);

/// What an exchange has left of a login whose file is gone by now: no refresh of a login that is
/// there ever comes to it.
struct StrandedExchange {
  std::filesystem::path file;  ///< of the login, which is gone
  std::filesystem::path left;  ///< the journal, or the answer that was put aside
  bool parked = false;         ///< it was put aside: a refresh does not store it
  /// Whether the server's answer is in it: a login that may stand nowhere else.
  /// @errors those of reading it; unsupported when a later version wrote it
  Result<bool> has_answer;
};

/// Looks for these in a directory of logins, sorted by name; takes no lock and changes nothing.
/// @errors permission_denied, io when the directory cannot be listed; one that is not there is
///         empty
Result<std::vector<StrandedExchange>> stranded_exchanges(const std::filesystem::path& directory);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/exchange.ipp>
#endif
