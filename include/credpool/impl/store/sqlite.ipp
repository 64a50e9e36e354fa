#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/sqlite.hpp>

#include <credpool/impl/store/sqlite_schema.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline SqliteBlob sqlite_id(const CredentialId& id) noexcept {
  return {{reinterpret_cast<const char*>(id.digest().data()), id.digest().size()}};
}

inline CredentialId sqlite_id(const SqliteStatement& row, int column) {
  Digest digest{};
  const auto bytes = row.bytes(column);
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return CredentialId{digest};
}

inline CredentialState sqlite_credential(const SqliteStatement& row) {
  CredentialState state;
  state.id = sqlite_id(row, 0);
  state.imported = row.flag(1);
  state.disabled = row.flag(2);
  state.use = row.real(3);
  state.use_at = row.time(4);
  state.total_uses = static_cast<std::uint64_t>(row.integer(5));
  state.last_selected = row.time(6);
  state.last_used = row.time(7);
  state.consecutive_failures = static_cast<std::uint32_t>(row.integer(8));
  state.success_streak = static_cast<std::uint32_t>(row.integer(9));
  state.latency_ms = row.real(10);
  state.latency_at = row.time(11);
  state.limit = row.real(12);
  state.rejected_token = row.bytes(13);
  state.verified_token = row.bytes(14);
  return state;
}

inline Cooldown sqlite_cooldown(const SqliteStatement& row) {
  Cooldown cooldown;
  cooldown.id = sqlite_id(row, 0);
  cooldown.model = row.bytes(1);
  cooldown.reason = cooldown_reason_from(row.bytes(2)).value_or(CooldownReason::none);
  cooldown.since = row.time(3);
  cooldown.until = row.time(4);
  cooldown.next_trial = row.time(5);
  cooldown.level = static_cast<std::uint32_t>(row.integer(6));
  cooldown.trials = static_cast<std::uint32_t>(row.integer(7));
  cooldown.noted_at = row.time(8);
  return cooldown;
}

inline Cursor sqlite_cursor(const SqliteStatement& row) {
  return {std::string{row.bytes(0)}, sqlite_id(row, 1), row.time(2)};
}

}  // namespace detail

struct SqliteState::Connection {
  explicit Connection(detail::SqliteDatabase opened) : database{std::move(opened)} {}

  /// Prepares every statement; the tables must be there.
  Result<void> prepare() {
    for (const auto* text : texts) {
      auto statement = database.prepare(text);
      if (!statement) return fail(statement.error());
      statements.push_back(std::move(*statement));
    }
    return {};
  }

  /// The statements, each prepared once; the SQL stands in `texts` in the same order.
  enum Query : std::size_t {
    generation,
    set_generation,
    credentials_since,
    credential,
    put_credential,
    cooldowns_since,
    cooldown,
    put_cooldown,
    cursors_since,
    cursor,
    put_cursor,
  };
  static constexpr std::array texts{
      "SELECT number FROM generation",
      "UPDATE generation SET number = ?",
      "SELECT * FROM credential WHERE changed > ? ORDER BY changed, id",
      "SELECT * FROM credential WHERE id = ?",
      "REPLACE INTO credential VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "SELECT * FROM cooldown WHERE changed > ? ORDER BY changed, id, model",
      "SELECT * FROM cooldown WHERE id = ? AND model = ?",
      "REPLACE INTO cooldown VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "SELECT * FROM cursor WHERE changed > ? ORDER BY changed, lane",
      "SELECT * FROM cursor WHERE lane = ?",
      "REPLACE INTO cursor VALUES (?, ?, ?, ?)",
  };

  Result<Generation> read_generation() {
    Generation number = 0;
    const auto read = statements[generation].each("reading the pool's state", [&](auto& row) {
      number = static_cast<Generation>(row.integer(0));
    });
    if (!read) return fail(read.error());
    return number;
  }

  /// The records of one kind that a query yields.
  template <class Record, class... Values>
  Result<void> read(Query query, Record (*of_row)(const detail::SqliteStatement&),
                    std::vector<Record>& records, const Values&... values) {
    return statements[query].each(
        "reading the pool's state",
        [&](const detail::SqliteStatement& row) { records.push_back(of_row(row)); }, values...);
  }

  Result<PoolState> changed_since(Generation seen) {
    PoolState changed;
    for (const auto& done :
         {read(credentials_since, detail::sqlite_credential, changed.credentials, seen),
          read(cooldowns_since, detail::sqlite_cooldown, changed.cooldowns, seen),
          read(cursors_since, detail::sqlite_cursor, changed.cursors, seen)})
      if (!done) return fail(done.error());
    return changed;
  }

  Result<void> join(const CredentialDelta& delta, Duration half_life, Generation now) {
    std::vector<CredentialState> stored;
    const auto id = detail::sqlite_id(delta.id);
    if (auto done = read(credential, detail::sqlite_credential, stored, id); !done) return done;
    const bool added = stored.empty();
    if (added) stored.emplace_back().id = delta.id;
    auto& row = stored.front();
    if (!merge(row, delta, half_life) && !added) return {};
    return statements[put_credential].run(
        "keeping the pool's state", id, row.imported, row.disabled, row.use, row.use_at,
        row.total_uses, row.last_selected, row.last_used, row.consecutive_failures,
        row.success_streak, row.latency_ms, row.latency_at, row.limit, row.rejected_token,
        row.verified_token, now);
  }

  Result<void> join(const Cooldown& newer, Generation now) {
    std::vector<Cooldown> stored;
    const auto id = detail::sqlite_id(newer.id);
    if (auto done = read(cooldown, detail::sqlite_cooldown, stored, id, newer.model); !done)
      return done;
    if (!stored.empty() && !merge(stored.front(), newer)) return {};
    return statements[put_cooldown].run(
        "keeping the pool's state", id, newer.model, to_string(newer.reason), newer.since,
        newer.until, newer.next_trial, newer.level, newer.trials, newer.noted_at, now);
  }

  Result<void> join(const Cursor& newer, Generation now) {
    std::vector<Cursor> stored;
    if (auto done = read(cursor, detail::sqlite_cursor, stored, newer.lane); !done) return done;
    if (!stored.empty() && !merge(stored.front(), newer)) return {};
    return statements[put_cursor].run("keeping the pool's state", newer.lane,
                                      detail::sqlite_id(newer.last), newer.noted_at, now);
  }

  Result<void> join(const PoolDelta& delta, Generation now) {
    for (const auto& change : delta.credentials)
      if (auto done = join(change, delta.half_life, now); !done) return done;
    for (const auto& change : delta.cooldowns)
      if (auto done = join(change, now); !done) return done;
    for (const auto& change : delta.cursors)
      if (auto done = join(change, now); !done) return done;
    return statements[set_generation].run("keeping the pool's state", now);
  }

  std::mutex mutex;
  detail::SqliteDatabase database;
  std::vector<detail::SqliteStatement> statements{};
};

CREDPOOL_INLINE void SqliteState::Close::operator()(Connection* connection) const noexcept {
  delete connection;
}

CREDPOOL_INLINE SqliteState::SqliteState(std::unique_ptr<Connection, Close> connection) noexcept
    : connection_{std::move(connection)} {}

CREDPOOL_INLINE Result<SqliteState> SqliteState::open(const StateDirectory& directory,
                                                      const Environment& environment,
                                                      Duration patience) {
  auto path =
      detail::sqlite_path(directory, directory.state_file().filename(), "opening the pool's state");
  if (!path) return fail(path.error());
  auto database = detail::open_sqlite_file(*path, environment, patience, detail::pool_state_schema);
  if (!database) return fail(database.error());

  std::unique_ptr<Connection, Close> connection{new Connection{std::move(*database)}};
  if (auto prepared = connection->prepare(); !prepared) return fail(prepared.error());
  return SqliteState{std::move(connection)};
}

CREDPOOL_INLINE Result<Generation> SqliteState::generation() const {
  const std::lock_guard lock{connection_->mutex};
  return connection_->read_generation();
}

CREDPOOL_INLINE Result<Generation> SqliteState::transact(Generation seen,
                                                         const StateExchange& exchange) {
  const std::lock_guard lock{connection_->mutex};
  auto transaction = detail::SqliteTransaction::begin(connection_->database);
  if (!transaction) return fail(transaction.error());
  const auto before = connection_->read_generation();
  if (!before) return before;
  const auto changed = connection_->changed_since(seen);
  if (!changed) return fail(changed.error());
  const auto delta = exchange(*changed);
  if (delta.empty()) return before;
  const auto now = *before + 1;
  if (auto joined = connection_->join(delta, now); !joined) return fail(joined.error());
  if (auto committed = transaction->commit(); !committed) return fail(committed.error());
  return now;
}

}  // namespace credpool::inline CREDPOOL_ABI
