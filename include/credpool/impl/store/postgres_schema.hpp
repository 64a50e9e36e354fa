#pragma once
// SPDX-License-Identifier: MIT

// The tables of the shared claims. Internal: included by .ipp files and tests only.
//
// A token column holds "sha256:<hex>"; no column holds a token in clear.

#include <credpool/impl/store/postgres_session.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// migration n leads from version n to n + 1. Never change one that was released: add another.
inline std::array<PostgresMigration, 1> postgres_migrations() {
  return {{{{
      // What is known of each family, and the claim on it.
      "CREATE TABLE IF NOT EXISTS credpool_claims("
      " family text PRIMARY KEY,"
      " generation bigint NOT NULL DEFAULT 0,"
      " fence bigint NOT NULL DEFAULT 0,"
      " state text NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'spending', 'unknown')),"
      " token_hash text NOT NULL,"
      " previous_hash text NOT NULL DEFAULT '',"
      " owner text NOT NULL,"
      " holder text NOT NULL DEFAULT '',"
      " attempt text NOT NULL DEFAULT '',"
      " after_unknown boolean NOT NULL DEFAULT false,"
      " deadline timestamptz,"
      " updated timestamptz NOT NULL DEFAULT clock_timestamp(),"
      " sealed_access_token text,"
      " access_expires_at bigint,"
      " CHECK ((state = 'spending') = (deadline IS NOT NULL)))",
      // Every token that was exchanged, so that an old copy is known as such. The key is the rule:
      // a generation ends once.
      "CREATE TABLE IF NOT EXISTS credpool_exchanges("
      " family text NOT NULL,"
      " generation bigint NOT NULL,"
      " fence bigint NOT NULL,"
      " token_hash text NOT NULL,"
      " next_hash text NOT NULL,"
      " owner text NOT NULL,"
      " finished timestamptz NOT NULL DEFAULT clock_timestamp(),"
      " PRIMARY KEY (family, generation))",
      "CREATE INDEX IF NOT EXISTS credpool_exchanges_token"
      " ON credpool_exchanges(family, token_hash)",
  }}}};
}

inline PostgresSchema claims_schema() {
  const auto migrations = postgres_migrations();
  return {"preparing the tables of the shared claims",
          "credpool_schema",
          {migrations.begin(), migrations.end()}};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
