#pragma once
// SPDX-License-Identifier: MIT

// How a SqliteAccountStore reads and writes. Internal: included by .ipp files only.

#include <credpool/account/sqlite_store.hpp>
#include <credpool/core/file_lock.hpp>
#include <credpool/impl/account/sqlite_spending.hpp>

#include <mutex>

namespace credpool::inline CREDPOOL_ABI {

struct SqliteAccountStore::State {
  State(std::filesystem::path where, detail::SqliteDatabase write, detail::SqliteDatabase read)
      : path{std::move(where)}, writer{std::move(write)}, reader{std::move(read)} {}

  std::filesystem::path path;
  std::mutex write_mutex;
  detail::SqliteAccounts writer;
  FileLock server;  ///< held from the first reservation on
  std::mutex read_mutex;
  detail::SqliteAccounts reader;

  /// Books what waits, then runs the body, in one transaction that is on the disk before this
  /// returns; nothing is kept after an error.
  template <class Body> std::invoke_result_t<Body&, detail::SqliteAccounts&> write(Body body) {
    const std::lock_guard lock{write_mutex};
    return on_books(body, true);
  }
  /// Runs the body on all that is settled; it waits for writers only when some of that has to be
  /// booked first.
  template <class Body> std::invoke_result_t<Body&, detail::SqliteAccounts&> read(Body body) {
    std::unique_lock lock{read_mutex};
    const auto behind = detail::sqlite_unbooked(reader);
    if (!behind) return fail(behind.error());
    if (*behind > 0) {
      lock.unlock();
      if (auto booked = book(); !booked) return fail(booked.error());
      lock.lock();
    }
    return body(reader);
  }
  /// Runs the body on what has nothing to do with money; it never waits for writers.
  template <class Body> std::invoke_result_t<Body&, detail::SqliteAccounts&> look_up(Body body) {
    const std::lock_guard lock{read_mutex};
    return body(reader);
  }
  /// The same as write(), for what a server holds: it outlives the death of the process, but is not
  /// waited for on the disk. After a power cut there is no server that holds anything.
  template <class Body> std::invoke_result_t<Body&, detail::SqliteAccounts&> spend(Body body) {
    const std::lock_guard lock{write_mutex};
    if (auto first = be_the_server(); !first) return fail(first.error());
    return transact(body, false);
  }
  /// Makes settlements durable, and books them when many wait. A batch that came before is left.
  Result<void> settle(std::span<const Settlement> settlements, std::string_view batch) {
    const std::lock_guard lock{write_mutex};
    const auto body = [&](detail::SqliteAccounts& accounts) -> Result<void> {
      if (!batch.empty()) {
        if (auto done =
                accounts.run("settling requests",
                             "UPDATE server SET last_batch = ?1 WHERE last_batch <> ?1", batch);
            !done)
          return done;
        if (accounts.database().changes() == 0) return {};  // it was made durable before
      }
      if (auto done = detail::sqlite_journal(accounts, settlements); !done) return done;
      const auto waiting = detail::sqlite_unbooked(accounts);
      if (!waiting) return fail(waiting.error());
      if (*waiting <= detail::sqlite_most_unbooked) return {};
      const auto booked = detail::sqlite_book(accounts);
      return booked ? Result<void>{} : fail(booked.error());
    };
    return transact(body, true);
  }
  /// Books what waits. Whether that survives a power cut does not matter: it can be done again.
  Result<void> book() {
    const std::lock_guard lock{write_mutex};
    return on_books([](auto&) { return Result<void>{}; }, false);
  }

  Result<void> be_the_server() {
    if (server.held()) return {};
    auto name = path;
    name += ".server";
    auto taken = FileLock::take(name, Duration::zero());
    if (!taken) {
      auto error = std::move(taken).error();
      if (error.errc() == Errc::busy)
        error.hint =
            "another server spends from this file: stop it, or let several share a "
            "PostgreSQL database";
      return fail(std::move(error));
    }
    server = *std::move(taken);
    return {};
  }

 private:
  template <class Body>
  std::invoke_result_t<Body&, detail::SqliteAccounts&> on_books(Body body, bool on_disk) {
    using Done = std::invoke_result_t<Body&, detail::SqliteAccounts&>;
    const auto all = [&](detail::SqliteAccounts& accounts) -> Done {
      if (auto booked = detail::sqlite_book(accounts); !booked) return fail(booked.error());
      return body(accounts);
    };
    return transact(all, on_disk);
  }

  template <class Body>
  std::invoke_result_t<Body&, detail::SqliteAccounts&> transact(Body& body, bool on_disk) {
    if (on_disk != waits_for_disk) {
      auto set =
          writer.database().run("choosing how to commit", on_disk ? "PRAGMA synchronous = FULL"
                                                                  : "PRAGMA synchronous = NORMAL");
      if (!set) return fail(set.error());
      waits_for_disk = on_disk;
    }
    auto transaction = detail::SqliteTransaction::begin(writer.database());
    if (!transaction) return fail(detail::SqliteAccounts::named(transaction.error()));
    auto done = body(writer);
    if (!done) return done;
    if (auto committed = transaction->commit(); !committed)
      return fail(detail::SqliteAccounts::named(committed.error()));
    return done;
  }

  bool waits_for_disk = true;
};

namespace detail {

/// Whether a query yields anything.
template <class... Values>
Result<bool> sqlite_any(SqliteAccounts& accounts, const char* doing, const char* sql,
                        const Values&... values) {
  bool any = false;
  auto done = accounts.each(
      doing, sql, [&](const SqliteStatement&) { any = true; }, values...);
  if (!done) return fail(done.error());
  return any;
}

inline Result<void> sqlite_owner_exists(SqliteAccounts& accounts, const char* doing,
                                        const AccountId& id) {
  const auto found = sqlite_any(accounts, doing, "SELECT 1 FROM account WHERE id = ?", id);
  if (!found) return fail(found.error());
  if (!*found) return no_account(doing);
  return {};
}

/// Whether the last statement changed a row.
inline Result<void> sqlite_changed(SqliteAccounts& accounts, Result<void> done,
                                   Unexpected otherwise) {
  if (!done) return done;
  if (accounts.database().changes() == 0) return otherwise;
  return {};
}

template <class T>
Result<Page<T>> sqlite_page(Result<std::vector<T>> items,
                            Result<std::optional<std::int64_t>> total) {
  if (!items) return fail(items.error());
  if (!total) return fail(total.error());
  return Page<T>{*std::move(items), static_cast<std::uint64_t>(total->value_or(0))};
}

inline Result<void> sqlite_key_fits(SqliteAccounts& accounts, const char* doing,
                                    const ProvisionedKey& key) {
  if (key.revoked_at) return {};
  const auto taken = sqlite_any(accounts, doing,
                                "SELECT 1 FROM provisioned_key WHERE account = ? AND name = ? AND "
                                "hash <> ? AND revoked_at IS NULL",
                                key.account, key.name, key.hash);
  if (!taken) return fail(taken.error());
  if (*taken) return key_name_taken(doing);
  return {};
}

inline Result<void> sqlite_account_fits(SqliteAccounts& accounts, const char* doing,
                                        const Account& account) {
  const auto taken = sqlite_any(
      accounts, doing, "SELECT 1 FROM account WHERE id <> ? AND (email = ? OR github_id = ?)",
      account.id, account.email, account.github_id);
  if (!taken) return fail(taken.error());
  if (*taken) return email_taken(doing);
  return {};
}

inline Result<void> sqlite_add_management_key(SqliteAccounts& accounts, const ManagementKey& key) {
  return accounts.run("adding a management key",
                      "INSERT INTO management_key(digest, account, created_at, revoked_at) "
                      "VALUES (?, ?, ?, ?)",
                      key.digest, key.account, key.created_at, key.revoked_at);
}

inline std::optional<std::int64_t> sqlite_limit(const ProvisionedKey& key) {
  return key.credit_limit ? std::optional{key.credit_limit->micros} : std::nullopt;
}

/// Usage of an account that goes stays without a name.
inline Result<void> sqlite_forget_account(SqliteAccounts& accounts, const AccountId& id) {
  const char* doing = "removing an account";
  for (const char* sql :
       {"DELETE FROM management_key WHERE account = ?",
        "DELETE FROM provisioned_key WHERE account = ?",
        "DELETE FROM credit_transaction WHERE account = ?",
        "DELETE FROM allowance WHERE account = ?", "DELETE FROM answer WHERE account = ?",
        "DELETE FROM device_session WHERE account = ?",
        "UPDATE usage_row SET account = 0 "
        "WHERE account = (SELECT number FROM account WHERE id = ?)",
        "INSERT INTO usage_day SELECT '', key_hash, day, model, requests, input_tokens, "
        "output_tokens, cost FROM usage_day WHERE account = ? "
        "ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, "
        "input_tokens = input_tokens + excluded.input_tokens, "
        "output_tokens = output_tokens + excluded.output_tokens, cost = cost + excluded.cost",
        "DELETE FROM usage_day WHERE account = ?"})
    if (auto done = accounts.run(doing, sql, id); !done) return done;
  return {};
}

}  // namespace detail

}  // namespace credpool::inline CREDPOOL_ABI
