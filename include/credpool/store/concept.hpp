#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/credential/credential.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What the pool remembers about one credential. Never a token: hashes only.
struct CredentialState {
  CredentialId id;
  bool imported = false;  ///< may be lent, although `auto_import` is off
  bool disabled = false;  ///< switched off by the user

  double use = 0;  ///< uses, each worth half as much after one half-life; as of `use_at`
  TimePoint use_at{};
  std::uint64_t total_uses = 0;
  TimePoint last_selected{};  ///< the epoch: never
  TimePoint last_used{};      ///< last answer that was ok; the epoch: never
  std::uint32_t consecutive_failures = 0;
  std::uint32_t success_streak = 0;
  double latency_ms = 0;  ///< peak EWMA of the time to the first byte, normalised; 0: unknown
  TimePoint latency_at{};
  double limit = 0;  ///< concurrent leases that admission has found to be good; 0: not learnt

  /// token_hash() of the token that the provider refused; that token is not lent again.
  std::string rejected_token;
  /// token_hash() of the token that passed validation last.
  std::string verified_token;

  friend bool operator==(const CredentialState&, const CredentialState&) = default;
};

/// Why a credential rests. `none` takes a cooldown back: it stays as a record, so that other
/// processes learn of it.
enum class CooldownReason { none, rate_limit, quota, billing, overload };

/// The reason's name as it stands in state files and JSON output ("rate_limit").
std::string_view to_string(CooldownReason reason) noexcept;
/// The reverse; none when there is no such name.
std::optional<CooldownReason> cooldown_reason_from(std::string_view name) noexcept;

/// A credential's rest, for one model or for the whole account.
///
/// It ends with a success: from `next_trial` on one request at a time is let through (half-open).
/// `next_trial` is `until`, or earlier when `until` is far away, and moves while a trial runs.
struct Cooldown {
  CredentialId id;
  std::string model;  ///< empty: the whole account
  CooldownReason reason = CooldownReason::none;
  TimePoint since{};
  TimePoint until{};  ///< as the provider said, never shortened
  TimePoint next_trial{};
  std::uint32_t level = 0;   ///< step of the ladder of its reason, from 0
  std::uint32_t trials = 0;  ///< trials that failed since `since`
  TimePoint noted_at{};      ///< when this record was written: newer evidence replaces older

  friend bool operator==(const Cooldown&, const Cooldown&) = default;
};

/// The credential that a rotation chose last. A lane is "<provider>/<model>".
struct Cursor {
  std::string lane;
  CredentialId last;
  TimePoint noted_at{};

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

/// Everything a store holds, or the part of it that changed. One record for each id, for each pair
/// of id and model, and for each lane.
struct PoolState {
  std::vector<CredentialState> credentials = {};
  std::vector<Cooldown> cooldowns = {};
  std::vector<Cursor> cursors = {};

  bool empty() const noexcept {
    return credentials.empty() && cooldowns.empty() && cursors.empty();
  }
  friend bool operator==(const PoolState&, const PoolState&) = default;
};

/// What one process has to say about a credential since it last spoke. Uses are added to the
/// stored ones, times move forward only, members without a value leave the stored ones alone.
struct CredentialDelta {
  CredentialId id;
  std::optional<bool> imported = {};
  std::optional<bool> disabled = {};
  double use = 0;  ///< decayed uses to add, as of `use_at`
  TimePoint use_at{};
  std::uint64_t uses = 0;
  TimePoint last_selected{};
  TimePoint last_used{};
  std::optional<std::uint32_t> consecutive_failures = {};
  std::optional<std::uint32_t> success_streak = {};
  std::optional<double> latency_ms = {};
  TimePoint latency_at{};
  std::optional<double> limit = {};
  std::optional<std::string> rejected_token = {};
  std::optional<std::string> verified_token = {};
};

/// The changes that one process hands in together.
struct PoolDelta {
  Duration half_life = std::chrono::hours{1};  ///< of uses
  std::vector<CredentialDelta> credentials = {};
  std::vector<Cooldown> cooldowns = {};
  std::vector<Cursor> cursors = {};

  bool empty() const noexcept {
    return credentials.empty() && cooldowns.empty() && cursors.empty();
  }
};

/// `use` at another time: it halves with every half-life that passes.
double decayed(double use, TimePoint from, TimePoint to, Duration half_life) noexcept;

/// The rules by which every store joins what it holds with what a process hands in.
/// @pre the ids (for cooldowns: and models, for cursors: lanes) are equal
/// @return whether `stored` changed
bool merge(CredentialState& stored, const CredentialDelta& delta, Duration half_life);
bool merge(Cooldown& stored, const Cooldown& newer);
bool merge(Cursor& stored, const Cursor& newer);

/// Counts the changes of a store; 0 before the first one.
using Generation = std::uint64_t;

/// Called once inside a store's transaction with what changed since the caller last looked; returns
/// what the caller has to add. It must not call the store.
using StateExchange = std::function<PoolDelta(const PoolState& changed)>;

/// Keeps the pool's state over restarts, and shares it between processes.
///
/// `generation()` is cheap (no lock, no write): it tells whether somebody wrote.
/// `transact(seen, exchange)` opens one write transaction, calls `exchange` with every record that
/// changed after generation `seen` (0: all of them), joins the answer by merge(), commits, and
/// returns the generation of the commit. An empty delta writes nothing and makes no generation.
/// Either all of it is kept or (on an error) nothing.
///
/// @see docs/concepts/PoolStateStore.md for the table of valid expressions
template <class S>
concept PoolStateStore = std::movable<S> &&
    requires(S& store, Generation seen, const StateExchange& exchange) {
  { store.generation() } -> std::same_as<Result<Generation>>;
  { store.transact(seen, exchange) } -> std::same_as<Result<Generation>>;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/concept.ipp>
#endif
