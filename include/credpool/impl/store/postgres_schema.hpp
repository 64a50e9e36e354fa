#pragma once
// SPDX-License-Identifier: MIT

// The tables of the shared claims. Internal: included by .ipp files and tests only.
//
// A token column holds "sha256:<hex>"; no column holds a token in clear.

#include <credpool/impl/store/postgres.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct PostgresMigration {
  std::vector<const char*> statements;
};

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

/// Brings the tables up to date; hosts that come at the same time take turns.
/// After an error the connection is to be closed, which undoes what was begun.
/// @errors unsupported for a newer version; busy; permission_denied
inline Result<void> migrate_postgres(PostgresConnection& connection) {
  const std::string doing = "preparing the tables of the shared claims";
  const auto migrations = postgres_migrations();
  const auto newest = static_cast<std::int64_t>(migrations.size());
  const auto version = [&]() -> Result<std::int64_t> {
    auto rows = connection.run(doing, "SELECT coalesce(max(version), 0) FROM credpool_schema");
    if (!rows) return fail(rows.error());
    if (rows->integer(0) > newest)
      return fail(Errc::unsupported, doing, connection.place(),
                  "they are of version " + std::to_string(rows->integer(0)) +
                      ", this credpool knows " + std::to_string(newest) + ": update credpool");
    return rows->integer(0);
  };
  // A user who may not make tables can use those that are there.
  auto there = connection.run(doing, "SELECT to_regclass('credpool_schema') IS NOT NULL");
  if (!there) return fail(there.error());
  if (there->flag(0)) {
    const auto found = version();
    if (!found) return fail(found.error());
    if (*found == newest) return {};
  }
  for (const auto* sql : {
           "BEGIN",
           // The number is ours alone: the bytes of "credpool".
           "SELECT pg_advisory_xact_lock(7165901439157366636)",
           "CREATE TABLE IF NOT EXISTS credpool_schema("
           " version bigint PRIMARY KEY, made timestamptz NOT NULL DEFAULT clock_timestamp())",
       })
    if (auto done = connection.run(doing, sql); !done) return fail(done.error());
  auto found = version();
  if (!found) return fail(found.error());
  for (; *found < newest; ++*found) {
    for (const auto* sql : migrations[static_cast<std::size_t>(*found)].statements)
      if (auto done = connection.run(doing, sql); !done) return fail(done.error());
    if (auto noted = connection.run(doing, "INSERT INTO credpool_schema(version) VALUES ($1)",
                                    {std::to_string(*found + 1)});
        !noted)
      return fail(noted.error());
  }
  if (auto done = connection.run(doing, "COMMIT"); !done) return fail(done.error());
  return {};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
