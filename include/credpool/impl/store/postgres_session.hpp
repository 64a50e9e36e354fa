#pragma once
// SPDX-License-Identifier: MIT

// A connection that is set up to keep what it commits, and replaced when it breaks; and how tables
// are brought up to date. Internal: included by .ipp files of opt-in headers and by tests only.

#include <credpool/impl/store/postgres.hpp>

#include <functional>
#include <mutex>
#include <span>
#include <type_traits>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct PostgresSession {
  /// @param with     the address, see PostgresPlace
  /// @param how_long longest wait for a connection, and for an answer
  PostgresSession(Secret with, Duration how_long) : address{std::move(with)}, patience{how_long} {}

  Result<void> connect() {
    const std::string doing = "connecting to the PostgreSQL server";
    connection.reset();
    auto opened = PostgresConnection::open(address, patience);
    if (!opened) return fail(opened.error());
    const auto wait = std::to_string(patience.count());
    // What a role may have turned down. remote_apply is more than "on".
    auto set = opened->run(
        doing,
        "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
        "  WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),"
        " set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false),"
        " set_config('idle_in_transaction_session_timeout', $1, false),"
        " set_config('default_transaction_isolation', 'read committed', false),"
        " current_setting('fsync') = 'off'",
        {wait});
    if (!set) return fail(set.error());
    if (set->flag(5))
      return fail(
          Errc::configuration, doing, opened->place(),
          "the server runs with fsync off and may forget what it has committed: set fsync = on");
    // The server looks whether a client that waits for it is still there. It cannot on every
    // system, and not before PostgreSQL 14: there such a statement ends by its time-out.
    auto check = opened->run(doing,
                             "SELECT set_config(name, '1s', false) FROM pg_settings"
                             " WHERE name = 'client_connection_check_interval'");
    if (!check && opened->lost()) return fail(check.error());
    connection = std::make_unique<PostgresConnection>(std::move(*opened));
    return {};
  }

  /// Runs the body, which starts by looking and may be run again from its start, on a connection
  /// that works: one that broke is replaced once. After a time-out, or when nobody knows what has
  /// become of a commit, nothing is tried again.
  template <class Body>
  std::invoke_result_t<Body&, PostgresConnection&> with_connection(Body body) {
    const std::lock_guard lock{mutex};
    for (bool again = false;; again = true) {
      if (!connection || connection->lost())
        if (auto connected = connect(); !connected) return fail(connected.error());
      auto done = body(*connection);
      if (done || again || !connection->lost() || done.error().errc() == Errc::timeout ||
          done.error().errc() == Errc::outcome_unknown)
        return done;
    }
  }

  Secret address;
  Duration patience;
  std::mutex mutex{};
  std::unique_ptr<PostgresConnection> connection{};
};

struct PostgresMigration {
  std::vector<const char*> statements;
};

/// Tables of one kind. migrations[n] leads from version n to n + 1.
struct PostgresSchema {
  const char* doing;     ///< for errors
  const char* versions;  ///< the table that says which version is there
  std::vector<PostgresMigration> migrations;
};

/// Brings the tables up to date; hosts that come at the same time take turns.
/// After an error the connection is to be closed, which undoes what was begun.
/// @errors unsupported for a newer version; busy; permission_denied
inline Result<void> migrate_postgres(PostgresConnection& connection, const PostgresSchema& schema) {
  const std::string doing = schema.doing, table = schema.versions;
  const auto newest = static_cast<std::int64_t>(schema.migrations.size());
  const auto version = [&]() -> Result<std::int64_t> {
    auto rows = connection.run(doing, ("SELECT coalesce(max(version), 0) FROM " + table).c_str());
    if (!rows) return fail(rows.error());
    if (rows->integer(0) > newest)
      return fail(Errc::unsupported, doing, connection.place(),
                  "they are of version " + std::to_string(rows->integer(0)) +
                      ", this credpool knows " + std::to_string(newest) + ": update credpool");
    return rows->integer(0);
  };
  // A user who may not make tables can use those that are there.
  auto there = connection.run(doing, "SELECT to_regclass($1) IS NOT NULL", {table});
  if (!there) return fail(there.error());
  if (there->flag(0)) {
    const auto found = version();
    if (!found) return fail(found.error());
    if (*found == newest) return {};
  }
  for (const std::string& sql : {
           std::string{"BEGIN"},
           // The number is ours alone: the bytes of "credpool".
           std::string{"SELECT pg_advisory_xact_lock(7165901439157366636)"},
           "CREATE TABLE IF NOT EXISTS " + table +
               "(version bigint PRIMARY KEY, made timestamptz NOT NULL DEFAULT clock_timestamp())",
       })
    if (auto done = connection.run(doing, sql.c_str()); !done) return fail(done.error());
  auto found = version();
  if (!found) return fail(found.error());
  for (; *found < newest; ++*found) {
    for (const auto* sql : schema.migrations[static_cast<std::size_t>(*found)].statements)
      if (auto done = connection.run(doing, sql); !done) return fail(done.error());
    if (auto noted =
            connection.run(doing, ("INSERT INTO " + table + "(version) VALUES ($1)").c_str(),
                           {std::to_string(*found + 1)});
        !noted)
      return fail(noted.error());
  }
  if (auto done = connection.run(doing, "COMMIT"); !done) return fail(done.error());
  return {};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
