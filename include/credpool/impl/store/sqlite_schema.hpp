#pragma once
// SPDX-License-Identifier: MIT

// The tables of state.sqlite. Internal: included by .ipp files and tests only.
//
// Times are milliseconds since the epoch. `changed` is the generation in which a row last changed.
// An id is the 32 bytes of a hash; a token column holds "sha256:<hex>". No column holds a token.

#include <credpool/impl/core/sqlite.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Marks the file as ours ("cpst"), so that another program's database is never touched.
inline constexpr std::int64_t sqlite_application_id = 0x63707374;

/// migration[n] leads from version n to n + 1. Never change one that was released: add another.
inline constexpr std::array<const char*, 1> sqlite_migrations{R"sql(
CREATE TABLE generation(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  number INTEGER NOT NULL
);
INSERT INTO generation VALUES (1, 0);

CREATE TABLE credential(
  id BLOB NOT NULL PRIMARY KEY,
  imported INTEGER NOT NULL,
  disabled INTEGER NOT NULL,
  use REAL NOT NULL,
  use_at INTEGER NOT NULL,
  total_uses INTEGER NOT NULL,
  last_selected INTEGER NOT NULL,
  last_used INTEGER NOT NULL,
  consecutive_failures INTEGER NOT NULL,
  success_streak INTEGER NOT NULL,
  latency_ms REAL NOT NULL,
  latency_at INTEGER NOT NULL,
  concurrency_limit REAL NOT NULL,
  rejected_token TEXT NOT NULL,
  verified_token TEXT NOT NULL,
  changed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX credential_changed ON credential(changed);

CREATE TABLE cooldown(
  id BLOB NOT NULL,
  model TEXT NOT NULL,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  next_trial INTEGER NOT NULL,
  level INTEGER NOT NULL,
  trials INTEGER NOT NULL,
  noted_at INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  PRIMARY KEY (id, model)
) WITHOUT ROWID;
CREATE INDEX cooldown_changed ON cooldown(changed);

CREATE TABLE cursor(
  lane TEXT NOT NULL PRIMARY KEY,
  last BLOB NOT NULL,
  noted_at INTEGER NOT NULL,
  changed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX cursor_changed ON cursor(changed);
)sql"};

/// The version of the file; 0 when it is new. Changes nothing.
/// @errors unsupported for a newer version; malformed for another program's file
inline Result<std::size_t> sqlite_version(SqliteDatabase& database) {
  const char* doing = "opening the pool's state";
  constexpr auto newest = static_cast<std::int64_t>(sqlite_migrations.size());
  const auto version = database.integer(doing, "PRAGMA user_version");
  if (!version) return fail(version.error());
  const auto owner = database.integer(doing, "PRAGMA application_id");
  if (!owner) return fail(owner.error());
  if (*owner != sqlite_application_id) {
    const auto tables = database.integer(doing, "SELECT count(*) FROM sqlite_schema");
    if (!tables) return fail(tables.error());
    if (*owner != 0 || *version != 0 || *tables != 0)
      return fail(Errc::malformed, doing, database.place(),
                  "it is another program's database: move it away");
  }
  if (*version < 0 || *version > newest)
    return fail(Errc::unsupported, doing, database.place(),
                "it is of version " + std::to_string(*version) + ", this credpool knows " +
                    std::to_string(newest) + ": update credpool");
  return static_cast<std::size_t>(*version);
}

/// Brings a database of that version up to date, in one transaction.
inline Result<void> migrate_sqlite(SqliteDatabase& database, std::size_t version) {
  if (version == sqlite_migrations.size()) return {};
  const char* doing = "opening the pool's state";
  auto transaction = SqliteTransaction::begin(database);
  if (!transaction) return fail(transaction.error());
  for (; version < sqlite_migrations.size(); ++version)
    if (auto done = database.run(doing, sqlite_migrations[version]); !done) return done;
  const auto marks = "PRAGMA user_version = " + std::to_string(version) +
                     "; PRAGMA application_id = " + std::to_string(sqlite_application_id);
  if (auto marked = database.run(doing, marks); !marked) return marked;
  return transaction->commit();
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
