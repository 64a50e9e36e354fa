#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/postgres_claims.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/impl/store/postgres_schema.hpp>
#include <credpool/impl/store/sealed_token.hpp>

#include <openssl/rand.h>

#include <array>
#include <mutex>
#include <type_traits>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

// Every change names what it was decided on (family, generation, fence, state): when the row is
// another by then, nothing happens, and the caller looks again. So each of these may be sent twice.

inline constexpr const char* claims_read_sql =
    "SELECT generation, fence, state, token_hash, owner, holder, attempt, after_unknown,"
    " state = 'spending' AND clock_timestamp() <= deadline + $3::bigint * interval '1 ms',"
    " coalesce(ceil(extract(epoch FROM deadline - clock_timestamp()) * 1000)::bigint + $3, 0),"
    " extract(epoch FROM clock_timestamp()),"
    " token_hash <> $2 AND EXISTS (SELECT FROM credpool_exchanges AS e"
    "  WHERE e.family = c.family AND e.token_hash = $2)"
    " FROM credpool_claims AS c WHERE family = $1";

inline constexpr const char* claims_add_sql =
    "INSERT INTO credpool_claims(family, token_hash, owner) VALUES ($1, $2, $3)"
    " ON CONFLICT (family) DO NOTHING";

/// $9 is the server's time of the reading, $10 how long the client waits: a server that stood still
/// carries out what its client has given up long ago.
inline constexpr const char* claims_take_sql =
    "UPDATE credpool_claims SET state = 'spending', fence = fence + 1, holder = $5, attempt = $6,"
    " after_unknown = $7, deadline = clock_timestamp() + $8::bigint * interval '1 ms',"
    " updated = clock_timestamp()"
    " WHERE family = $1 AND generation = $2 AND fence = $3 AND state = $4"
    " AND extract(epoch FROM clock_timestamp()) <= $9::numeric + $10::numeric / 1000"
    " RETURNING fence";

/// The token became another one ($5): by a claim that is finished, or outside. An empty owner ($6)
/// is the claim's holder.
inline constexpr const char* claims_advance_sql =
    "WITH moved AS ("
    " UPDATE credpool_claims SET generation = generation + 1, previous_hash = token_hash,"
    "  token_hash = $5, owner = coalesce(nullif($6, ''), holder), state = 'idle', attempt = '',"
    "  after_unknown = false, deadline = NULL, updated = clock_timestamp()"
    "  WHERE family = $1 AND generation = $2 AND fence = $3 AND state = $4"
    "  RETURNING family, generation - 1, fence, previous_hash, token_hash, owner)"
    " INSERT INTO credpool_exchanges(family, generation, fence, token_hash, next_hash, owner)"
    " SELECT * FROM moved RETURNING generation";

inline constexpr const char* claims_finished_sql =
    "SELECT FROM credpool_exchanges WHERE family = $1 AND generation = $2 AND next_hash = $3";

inline constexpr const char* claims_release_sql =
    "UPDATE credpool_claims SET state = CASE WHEN after_unknown THEN 'unknown' ELSE 'idle' END,"
    " attempt = '', deadline = NULL, updated = clock_timestamp()"
    " WHERE family = $1 AND generation = $2 AND fence = $3 AND state = 'spending' RETURNING fence";

inline constexpr const char* claims_released_sql =
    "SELECT FROM credpool_claims"
    " WHERE family = $1 AND generation = $2 AND fence = $3 AND state <> 'spending'";

inline constexpr const char* claims_own_sql =
    "UPDATE credpool_claims SET owner = $3, updated = clock_timestamp()"
    " WHERE family = $1 AND token_hash = $2 RETURNING family";

inline constexpr const char* claims_publish_sql =
    "UPDATE credpool_claims SET sealed_access_token = $3, access_expires_at = $4,"
    " updated = clock_timestamp() WHERE family = $1 AND token_hash = $2 RETURNING family";

inline constexpr const char* claims_fetch_sql =
    "SELECT sealed_access_token, access_expires_at, owner FROM credpool_claims"
    " WHERE family = $1 AND sealed_access_token IS NOT NULL";

/// A family's row as it was read, with what the server's clock and history say to it.
struct ClaimRow {
  std::string generation, fence, state, token_hash, owner, holder, attempt;
  bool after_unknown = false;
  bool running = false;  ///< a claim that is not over yet, the margin included
  Duration left{};       ///< until it is
  std::string server_time;
  bool spent = false;  ///< the token that was asked for has been exchanged

  explicit ClaimRow(const PostgresRows& rows)
      : generation{rows.text(0)},
        fence{rows.text(1)},
        state{rows.text(2)},
        token_hash{rows.text(3)},
        owner{rows.text(4)},
        holder{rows.text(5)},
        attempt{rows.text(6)},
        after_unknown{rows.flag(7)},
        running{rows.flag(8)},
        left{rows.integer(9)},
        server_time{rows.text(10)},
        spent{rows.flag(11)} {}
};

inline std::string claim_number(std::uint64_t number) {
  return std::to_string(number);
}

/// The row changes under our hands only when other hosts are at work: after so often they have it.
inline constexpr int claims_rounds = 16;

inline bool is_claims_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 200 && is_valid_utf8(text);
}

/// A refresh token given by mistake must not reach the server.
inline bool is_token_hash(std::string_view text) noexcept {
  constexpr std::string_view start = "sha256:";
  return text.size() == start.size() + 64 && text.starts_with(start) &&
         text.find_first_not_of("0123456789abcdef", start.size()) == std::string_view::npos;
}

inline Result<void> check_claim_words(const std::string& doing, std::string_view family,
                                      std::string_view token_hash, std::string_view holder) {
  if (!is_claims_name(family) || !is_claims_name(holder))
    return fail(Errc::invalid_argument, doing, {},
                "a family and a host are named by 1 to 200 bytes of text");
  if (!is_token_hash(token_hash))
    return fail(Errc::invalid_argument, doing, {}, "a token is named by its SHA-256 only");
  return {};
}

}  // namespace detail

struct PostgresClaims::Session : detail::PostgresSession {
  explicit Session(PostgresPlace where)
      : PostgresSession{where.connection, where.patience}, place{std::move(where)} {}

  Unexpected conflict(const std::string& doing, const std::string& family,
                      const std::string& hint) const {
    return fail(Errc::conflict, doing, family, hint);
  }
  Unexpected busy(const std::string& doing, const std::string& family,
                  const detail::ClaimRow& row) const {
    auto error = fail(Errc::busy, doing, family,
                      "host '" + detail::postgres_line(row.holder) + "' is refreshing it");
    error.error.retry_at = place.now() + row.left;
    return error;
  }

  /// The family's row, which stands at that token: made, or moved on, when that is due.
  /// @param new_owner whether a token is believed of any host
  /// @errors conflict for a token that was exchanged, or one of a host that does not own the
  ///         family; busy while a claim on another token runs
  Result<detail::ClaimRow> row_at(detail::PostgresConnection& c, const std::string& doing,
                                  const std::string& family, const std::string& token_hash,
                                  const std::string& holder, bool new_owner) {
    for (int round = 0; round < detail::claims_rounds; ++round) {
      auto rows = c.run(doing, detail::claims_read_sql,
                        {family, token_hash, std::to_string(place.margin.count())});
      if (!rows) return fail(rows.error());
      if (rows->empty()) {
        auto added = c.run(doing, detail::claims_add_sql, {family, token_hash, holder});
        if (!added) return fail(added.error());
        continue;
      }
      detail::ClaimRow row{*rows};
      if (row.token_hash == token_hash) return row;
      if (row.spent)
        return conflict(doing, family,
                        "this token was exchanged already: host '" +
                            detail::postgres_line(row.owner) + "' has the newer one");
      if (row.running) return busy(doing, family, row);
      const bool trusted =
          new_owner || row.owner == holder || (row.state != "idle" && row.holder == holder);
      if (!trusted)
        return conflict(doing, family,
                        "host '" + detail::postgres_line(row.owner) +
                            "' owns this login, and the token here is not the one it has");
      auto moved = c.run(doing, detail::claims_advance_sql,
                         {family, row.generation, row.fence, row.state, token_hash, holder});
      if (!moved) return fail(moved.error());
    }
    return fail(Errc::busy, doing, family, "other hosts change it all the time: try again");
  }

  PostgresPlace place;
};

CREDPOOL_INLINE PostgresClaims::PostgresClaims(std::unique_ptr<Session> session) noexcept
    : session_{std::move(session)} {}
CREDPOOL_INLINE PostgresClaims::~PostgresClaims() = default;

CREDPOOL_INLINE Result<std::unique_ptr<PostgresClaims>> PostgresClaims::open(PostgresPlace place) {
  auto session = std::make_unique<Session>(std::move(place));
  if (auto connected = session->connect(); !connected) return fail(connected.error());
  if (auto fit = detail::migrate_postgres(*session->connection, detail::claims_schema()); !fit)
    return fail(fit.error());
  return std::unique_ptr<PostgresClaims>{new PostgresClaims{std::move(session)}};
}

CREDPOOL_INLINE Result<RefreshClaim> PostgresClaims::take(std::string_view family,
                                                          std::string_view token_hash,
                                                          std::string_view holder,
                                                          Duration length) {
  const std::string doing = "claiming the refresh of a login";
  if (auto fit = detail::check_claim_words(doing, family, token_hash, holder); !fit)
    return fail(fit.error());
  if (length <= Duration::zero())
    return fail(Errc::invalid_argument, doing, {}, "a claim lasts longer than no time");
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    return fail(Errc::io, doing, {}, "no random numbers are to be had");
  const auto attempt = to_hex({reinterpret_cast<const char*>(random.data()), random.size()});
  // Before anything is sent: what the server counts from is later.
  const auto deadline = session_->place.now() + length;
  const std::string name{family};

  return session_->with_connection([&](detail::PostgresConnection& c) -> Result<RefreshClaim> {
    for (int round = 0; round < detail::claims_rounds; ++round) {
      auto row =
          session_->row_at(c, doing, name, std::string{token_hash}, std::string{holder}, false);
      if (!row) return fail(row.error());
      // Ours: it was taken a round ago, and the answer or the connection was lost.
      if (row->state == "spending" && row->attempt == attempt)
        return RefreshClaim{name, std::stoull(row->generation), std::stoull(row->fence), deadline,
                            row->after_unknown};
      if (row->running) return session_->busy(doing, name, *row);
      const bool after_unknown = row->state != "idle";
      auto taken = c.run(doing, detail::claims_take_sql,
                         {name, row->generation, row->fence, row->state, std::string{holder},
                          attempt, after_unknown ? "true" : "false", std::to_string(length.count()),
                          row->server_time, std::to_string(session_->place.patience.count())});
      if (!taken) return fail(taken.error());
      if (!taken->empty())
        return RefreshClaim{name, std::stoull(row->generation),
                            static_cast<std::uint64_t>(taken->integer(0)), deadline, after_unknown};
    }
    return fail(Errc::busy, doing, name, "other hosts change it all the time: try again");
  });
}

CREDPOOL_INLINE Result<void> PostgresClaims::finish(const RefreshClaim& claim,
                                                    std::string_view new_token_hash) {
  const std::string doing = "noting the refresh of a login";
  if (auto fit = detail::check_claim_words(doing, claim.family, new_token_hash, "-"); !fit)
    return fit;
  const std::string next{new_token_hash};
  const auto generation = detail::claim_number(claim.generation);
  return session_->with_connection([&](detail::PostgresConnection& c) -> Result<void> {
    auto moved =
        c.run(doing, detail::claims_advance_sql,
              {claim.family, generation, detail::claim_number(claim.fence), "spending", next, ""});
    if (!moved) return fail(moved.error());
    if (!moved->empty()) return {};
    // It may have been noted a moment ago, and the answer was lost.
    auto noted = c.run(doing, detail::claims_finished_sql, {claim.family, generation, next});
    if (!noted) return fail(noted.error());
    if (!noted->empty()) return {};
    return session_->conflict(doing, claim.family,
                              "the claim ran out, and another one was made since");
  });
}

CREDPOOL_INLINE Result<void> PostgresClaims::abandon(const RefreshClaim& claim) {
  const std::string doing = "giving back the claim on a login";
  const std::vector<std::string> words{claim.family, detail::claim_number(claim.generation),
                                       detail::claim_number(claim.fence)};
  return session_->with_connection([&](detail::PostgresConnection& c) -> Result<void> {
    for (const auto* sql : {detail::claims_release_sql, detail::claims_released_sql}) {
      auto rows = c.run(doing, sql, words);
      if (!rows) return fail(rows.error());
      if (!rows->empty()) return {};
    }
    return session_->conflict(doing, claim.family,
                              "the claim ran out, and another one was made since");
  });
}

CREDPOOL_INLINE Result<void> PostgresClaims::hand_over(std::string_view family,
                                                       std::string_view token_hash,
                                                       std::string_view holder) {
  const std::string doing = "making this host the owner of a login";
  if (auto fit = detail::check_claim_words(doing, family, token_hash, holder); !fit) return fit;
  const std::string name{family}, hash{token_hash}, host{holder};
  return session_->with_connection([&](detail::PostgresConnection& c) -> Result<void> {
    auto row = session_->row_at(c, doing, name, hash, host, true);
    if (!row) return fail(row.error());
    if (row->running) return session_->busy(doing, name, *row);
    auto owned = c.run(doing, detail::claims_own_sql, {name, hash, host});
    if (!owned) return fail(owned.error());
    if (owned->empty())
      return session_->conflict(doing, name, "it was exchanged at this moment: try again");
    return {};
  });
}

CREDPOOL_INLINE Result<void> PostgresClaims::publish(std::string_view family,
                                                     std::string_view token_hash,
                                                     std::string_view holder,
                                                     std::string_view sealed,
                                                     TimePoint expires_at) {
  const std::string doing = "sharing an access token";
  if (auto fit = detail::check_claim_words(doing, family, token_hash, holder); !fit) return fit;
  if (!sealed.starts_with(detail::sealed_token_start))
    return fail(Errc::invalid_argument, doing, {}, "only sealed tokens are shared");
  const std::string name{family}, hash{token_hash}, host{holder};
  return session_->with_connection([&](detail::PostgresConnection& c) -> Result<void> {
    auto row = session_->row_at(c, doing, name, hash, host, false);
    if (!row) return fail(row.error());
    auto shared = c.run(
        doing, detail::claims_publish_sql,
        {name, hash, std::string{sealed}, std::to_string(expires_at.time_since_epoch().count())});
    if (!shared) return fail(shared.error());
    if (shared->empty()) return session_->conflict(doing, name, "it was exchanged at this moment");
    return {};
  });
}

CREDPOOL_INLINE Result<std::optional<SharedToken>> PostgresClaims::fetch(std::string_view family) {
  const std::string doing = "looking for a shared access token";
  if (!detail::is_claims_name(family))
    return fail(Errc::invalid_argument, doing, {}, "a family is named by 1 to 200 bytes of text");
  const std::string name{family};
  return session_->with_connection(
      [&](detail::PostgresConnection& c) -> Result<std::optional<SharedToken>> {
        auto rows = c.run(doing, detail::claims_fetch_sql, {name});
        if (!rows) return fail(rows.error());
        if (rows->empty()) return std::optional<SharedToken>{};
        return std::optional<SharedToken>{
            SharedToken{rows->text(0), TimePoint{Duration{rows->integer(1)}}, rows->text(2)}};
      });
}

}  // namespace credpool::inline CREDPOOL_ABI
