#pragma once
// SPDX-License-Identifier: MIT

// The tables of accounts.sqlite. Internal: included by .ipp files and tests only.
//
// Money is in micro-dollars, times are milliseconds since the epoch. `number` is the order in which
// things were made. A digest is 64 hexadecimal digits; no column holds a key.

#include <credpool/impl/store/sqlite_file.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// migration[n] leads from version n to n + 1. Never change one that was released: add another, and
/// what the version before it left to tests/unit/account/sqlite_versions.hpp.
inline constexpr std::array<const char*, 3> sqlite_account_migrations{R"sql(
CREATE TABLE server(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  last_batch TEXT NOT NULL
);
INSERT INTO server VALUES (1, '');

CREATE TABLE account(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  plan TEXT NOT NULL,
  github_id INTEGER UNIQUE,
  avatar_url TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  credits INTEGER NOT NULL DEFAULT 0,
  usage INTEGER NOT NULL DEFAULT 0,
  reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  -- The newest transaction when it is of usage, and its day.
  usage_entry INTEGER,
  usage_day TEXT NOT NULL DEFAULT '',
  topup_enabled INTEGER NOT NULL DEFAULT 0,
  topup_threshold INTEGER NOT NULL DEFAULT 5000000,
  topup_amount INTEGER NOT NULL DEFAULT 25000000,
  topup_updated_at INTEGER
);

CREATE TABLE management_key(
  digest TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) WITHOUT ROWID;
CREATE INDEX management_key_account ON management_key(account);

CREATE TABLE provisioned_key(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  hash TEXT NOT NULL UNIQUE,
  digest TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  credit_limit INTEGER,
  limit_reset TEXT NOT NULL,
  usage INTEGER NOT NULL DEFAULT 0,
  period_usage INTEGER NOT NULL DEFAULT 0,
  period_start INTEGER NOT NULL DEFAULT 0,
  period_kind TEXT NOT NULL,
  counted_from INTEGER NOT NULL DEFAULT 0,
  disabled INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
);
CREATE INDEX provisioned_key_account ON provisioned_key(account);
CREATE UNIQUE INDEX provisioned_key_name ON provisioned_key(account, name) WHERE revoked_at IS NULL;

CREATE TABLE credit_transaction(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  type TEXT NOT NULL,
  amount INTEGER NOT NULL,
  balance_after INTEGER NOT NULL,
  description TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  reference TEXT UNIQUE
);
CREATE INDEX credit_transaction_account ON credit_transaction(account);

CREATE TABLE allowance(
  key_hash TEXT NOT NULL,
  period_start INTEGER NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  PRIMARY KEY (key_hash, period_start)
) WITHOUT ROWID;

CREATE TABLE usage_row(
  number INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  key_hash TEXT NOT NULL,
  request_id TEXT NOT NULL,
  model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  status INTEGER NOT NULL,
  at INTEGER NOT NULL
);
CREATE INDEX usage_row_account ON usage_row(account);
CREATE INDEX usage_row_key ON usage_row(key_hash);
CREATE INDEX usage_row_at ON usage_row(at);

CREATE TABLE usage_day(
  account TEXT NOT NULL,
  key_hash TEXT NOT NULL,
  day TEXT NOT NULL,
  model TEXT NOT NULL,
  requests INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  PRIMARY KEY (account, key_hash, day, model)
) WITHOUT ROWID;
CREATE INDEX usage_day_day ON usage_day(account, day);

CREATE TABLE answer(
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  request_digest TEXT NOT NULL,
  status INTEGER NOT NULL DEFAULT 0,
  body TEXT NOT NULL DEFAULT '',
  kept INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL,
  PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX answer_at ON answer(at);

CREATE TABLE device_session(
  device_digest TEXT NOT NULL PRIMARY KEY,
  token_digest TEXT NOT NULL,
  client_id TEXT NOT NULL,
  account TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX device_session_token ON device_session(token_digest) WHERE token_digest <> '';
)sql",
                                                                      R"sql(
-- The row of a request names its account and key by number: it is half as long, its indexes too.
CREATE TABLE usage_key(
  number INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE
);
INSERT INTO usage_key(hash) SELECT DISTINCT key_hash FROM usage_row;
DROP INDEX usage_row_account;
DROP INDEX usage_row_key;
DROP INDEX usage_row_at;
ALTER TABLE usage_row RENAME TO old_usage_row;
CREATE TABLE usage_row(
  number INTEGER PRIMARY KEY,
  -- account.number; 0: of one that is gone.
  account INTEGER NOT NULL,
  -- usage_key.number
  key INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  status INTEGER NOT NULL,
  at INTEGER NOT NULL
);
INSERT INTO usage_row SELECT old.number, coalesce(account.number, 0), usage_key.number,
  old.request_id, old.model, old.input_tokens, old.cached_input_tokens, old.output_tokens,
  old.reasoning_tokens, old.estimated, old.cost, old.status, old.at
FROM old_usage_row AS old JOIN usage_key ON usage_key.hash = old.key_hash
LEFT JOIN account ON account.id = old.account ORDER BY old.number;
DROP TABLE old_usage_row;
CREATE INDEX usage_row_account ON usage_row(account);
CREATE INDEX usage_row_key ON usage_row(key);
CREATE INDEX usage_row_at ON usage_row(at);
)sql",
                                                                      R"sql(
-- What is settled and durable, and not yet booked: its rows go when its keys', accounts' and days'
-- counters have it, and usage_row.
CREATE TABLE settlement(
  number INTEGER PRIMARY KEY,
  key_hash TEXT NOT NULL,
  account TEXT NOT NULL,
  -- of the allowance that it was taken from
  period_start INTEGER NOT NULL,
  spent INTEGER NOT NULL,
  returned INTEGER NOT NULL,
  -- 0: money goes back, and the rest of the row is empty.
  served INTEGER NOT NULL,
  day TEXT NOT NULL,
  request_id TEXT NOT NULL,
  model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  status INTEGER NOT NULL,
  at INTEGER NOT NULL
);
)sql"};

/// "cpac". FULL: what was acknowledged outlives a power cut.
inline constexpr SqliteSchema account_schema{"opening the accounts", 0x63706163,
                                             sqlite_account_migrations, "FULL"};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
