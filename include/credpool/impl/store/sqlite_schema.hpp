#pragma once
// SPDX-License-Identifier: MIT

// The tables of state.sqlite. Internal: included by .ipp files and tests only.
//
// Times are milliseconds since the epoch. `changed` is the generation in which a row last changed.
// An id is the 32 bytes of a hash; a token column holds "sha256:<hex>". No column holds a token.

#include <credpool/impl/store/sqlite_file.hpp>

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

// NORMAL: no process can lose what was committed by dying; only a power cut takes the last
// moments.
inline constexpr SqliteSchema pool_state_schema{"opening the pool's state", sqlite_application_id,
                                                sqlite_migrations, "NORMAL"};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
