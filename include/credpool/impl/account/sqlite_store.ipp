#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/sqlite_store.hpp>
#include <credpool/impl/account/sqlite_store_spending.hpp>
#include <credpool/impl/account/sqlite_store_state.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE SqliteAccountStore::SqliteAccountStore(std::unique_ptr<State> state) noexcept
    : state_{std::move(state)} {}
CREDPOOL_INLINE SqliteAccountStore::~SqliteAccountStore() = default;

CREDPOOL_INLINE Result<std::unique_ptr<SqliteAccountStore>> SqliteAccountStore::open(
    const StateDirectory& directory, const Environment& environment, Duration patience) {
  const auto& schema = detail::account_schema;
  auto path = detail::sqlite_path(directory, "accounts.sqlite", schema.doing);
  if (!path) return fail(path.error());
  auto writer = detail::open_sqlite_file(*path, environment, patience, schema);
  if (!writer) return fail(detail::SqliteAccounts::named(writer.error()));
  auto reader = detail::SqliteDatabase::open(*path, patience);
  if (!reader) return fail(detail::SqliteAccounts::named(reader.error()));
  if (auto set = detail::set_up_sqlite(*reader, schema); !set) return fail(set.error());
  return std::unique_ptr<SqliteAccountStore>{new SqliteAccountStore{
      std::make_unique<State>(*path, *std::move(writer), *std::move(reader))}};
}

// --- accounts

CREDPOOL_INLINE Result<void> SqliteAccountStore::add_account(const Account& account,
                                                             const ManagementKey& key) {
  return state_->write([&](detail::SqliteAccounts& accounts) -> Result<void> {
    const char* doing = "adding an account";
    const auto taken = detail::sqlite_any(accounts, doing,
                                          "SELECT 1 FROM account WHERE id = ?1 UNION ALL "
                                          "SELECT 1 FROM management_key WHERE digest = ?2",
                                          account.id, key.digest);
    if (!taken) return fail(taken.error());
    if (*taken) return detail::email_taken(doing);
    if (auto fits = detail::sqlite_account_fits(accounts, doing, account); !fits) return fits;
    if (auto done = accounts.run(doing,
                                 "INSERT INTO account(id, email, password_hash, plan, github_id, "
                                 "avatar_url, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                                 account.id, account.email, account.password_hash, account.plan,
                                 account.github_id, account.avatar_url, account.created_at);
        !done)
      return done;
    return detail::sqlite_add_management_key(accounts, key);
  });
}

CREDPOOL_INLINE Result<std::optional<Account>> SqliteAccountStore::account(const AccountId& id) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_columns, " FROM account WHERE id = ?");
  return state_->look_up([&](auto& accounts) {
    return accounts.one("reading an account", sql.data(),
                        detail::row_account<detail::SqliteStatement>, id);
  });
}

CREDPOOL_INLINE Result<std::optional<Account>> SqliteAccountStore::account_by_email(
    std::string_view email) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_columns, " FROM account WHERE email = ?");
  return state_->look_up([&](auto& accounts) {
    return accounts.one("reading an account", sql.data(),
                        detail::row_account<detail::SqliteStatement>, email);
  });
}

CREDPOOL_INLINE Result<std::optional<Account>> SqliteAccountStore::account_by_github(
    std::int64_t github_id) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_columns, " FROM account WHERE github_id = ?");
  return state_->look_up([&](auto& accounts) {
    return accounts.one("reading an account", sql.data(),
                        detail::row_account<detail::SqliteStatement>, github_id);
  });
}

CREDPOOL_INLINE Result<Account> SqliteAccountStore::change_account(
    const AccountId& id, const std::function<Result<void>(Account&)>& change) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_columns, " FROM account WHERE id = ?");
  return state_->write([&](detail::SqliteAccounts& accounts) -> Result<Account> {
    const char* doing = "changing an account";
    const auto found =
        accounts.one(doing, sql.data(), detail::row_account<detail::SqliteStatement>, id);
    if (!found) return fail(found.error());
    if (!*found) return detail::no_account(doing);
    auto changed = **found;
    if (auto done = change(changed); !done) return fail(done.error());
    detail::keep_account_identity(changed, **found);
    if (auto fits = detail::sqlite_account_fits(accounts, doing, changed); !fits)
      return fail(fits.error());
    if (auto done = accounts.run(
            doing,
            "UPDATE account SET email = ?, password_hash = ?, plan = ?, github_id = ?, "
            "avatar_url = ? WHERE id = ?",
            changed.email, changed.password_hash, changed.plan, changed.github_id,
            changed.avatar_url, changed.id);
        !done)
      return fail(done.error());
    return changed;
  });
}

CREDPOOL_INLINE Result<void> SqliteAccountStore::remove_account(const AccountId& id, TimePoint) {
  return state_->write([&](detail::SqliteAccounts& accounts) -> Result<void> {
    const char* doing = "removing an account";
    if (auto forgotten = detail::sqlite_forget_account(accounts, id); !forgotten) return forgotten;
    return detail::sqlite_changed(accounts,
                                  accounts.run(doing, "DELETE FROM account WHERE id = ?", id),
                                  detail::no_account(doing));
  });
}

CREDPOOL_INLINE Result<Page<Account>> SqliteAccountStore::accounts(PageRequest page) {
  static constexpr auto sql = detail::sql_text(
      "SELECT ", detail::account_columns, " FROM account ORDER BY number DESC LIMIT ? OFFSET ?");
  return state_->look_up([&](auto& accounts) {
    const char* doing = "listing accounts";
    return detail::sqlite_page(
        accounts.all(doing, sql.data(), detail::row_account<detail::SqliteStatement>, page.limit,
                     page.offset),
        accounts.one(doing, "SELECT count(*) FROM account",
                     detail::row_first_integer<detail::SqliteStatement>));
  });
}

// --- management keys

CREDPOOL_INLINE Result<void> SqliteAccountStore::add_management_key(const ManagementKey& key,
                                                                    bool revoke_others) {
  return state_->write([&](detail::SqliteAccounts& accounts) -> Result<void> {
    const char* doing = "adding a management key";
    if (auto there = detail::sqlite_owner_exists(accounts, doing, key.account); !there)
      return there;
    const auto taken = detail::sqlite_any(
        accounts, doing, "SELECT 1 FROM management_key WHERE digest = ?", key.digest);
    if (!taken) return fail(taken.error());
    if (*taken) return fail(Errc::conflict, doing, "key", "that key is there already");
    if (revoke_others)
      if (auto done = accounts.run(
              doing,
              "UPDATE management_key SET revoked_at = ? WHERE account = ? AND revoked_at IS NULL",
              key.created_at, key.account);
          !done)
        return done;
    return detail::sqlite_add_management_key(accounts, key);
  });
}

CREDPOOL_INLINE Result<std::optional<Account>> SqliteAccountStore::account_by_management_key(
    std::string_view digest) {
  static constexpr auto sql = detail::sql_text(
      "SELECT ", detail::account_columns,
      " FROM account WHERE id = (SELECT account FROM management_key WHERE digest = ? AND "
      "revoked_at IS NULL)");
  return state_->look_up([&](auto& accounts) {
    return accounts.one("looking up a management key", sql.data(),
                        detail::row_account<detail::SqliteStatement>, digest);
  });
}

CREDPOOL_INLINE Result<void> SqliteAccountStore::revoke_management_key(const AccountId& account,
                                                                       std::string_view digest,
                                                                       TimePoint now) {
  return state_->write([&](detail::SqliteAccounts& accounts) {
    const char* doing = "revoking a management key";
    return detail::sqlite_changed(accounts,
                                  accounts.run(doing,
                                               "UPDATE management_key SET revoked_at = ? WHERE "
                                               "digest = ? AND account = ? AND revoked_at IS NULL",
                                               now, digest, account),
                                  detail::no_key(doing));
  });
}

CREDPOOL_INLINE Result<std::vector<ManagementKey>> SqliteAccountStore::management_keys(
    const AccountId& account) {
  return state_->look_up([&](auto& accounts) {
    return accounts.all("listing management keys",
                        "SELECT digest, account, created_at, revoked_at FROM management_key "
                        "WHERE account = ? ORDER BY created_at DESC, digest",
                        detail::row_management_key<detail::SqliteStatement>, account);
  });
}

// --- provisioned keys

CREDPOOL_INLINE Result<void> SqliteAccountStore::add_key(const ProvisionedKey& key) {
  return state_->write([&](detail::SqliteAccounts& accounts) -> Result<void> {
    const char* doing = "adding a key";
    if (auto there = detail::sqlite_owner_exists(accounts, doing, key.account); !there)
      return there;
    const auto taken = detail::sqlite_any(
        accounts, doing, "SELECT 1 FROM provisioned_key WHERE hash = ? OR digest = ?", key.hash,
        key.digest);
    if (!taken) return fail(taken.error());
    if (*taken) return fail(Errc::conflict, doing, "key", "that key is there already");
    if (auto fits = detail::sqlite_key_fits(accounts, doing, key); !fits) return fits;
    return accounts.run(doing,
                        "INSERT INTO provisioned_key(hash, digest, account, name, credit_limit, "
                        "limit_reset, usage, period_usage, period_start, period_kind, disabled, "
                        "created_at, expires_at, revoked_at) "
                        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?6, ?10, ?11, ?12, ?13)",
                        key.hash, key.digest, key.account, key.name, detail::sqlite_limit(key),
                        to_string(key.limit_reset), key.usage.micros, key.period_usage.micros,
                        key.period_start, key.disabled, key.created_at, key.expires_at,
                        key.revoked_at);
  });
}

CREDPOOL_INLINE Result<std::optional<ProvisionedKey>> SqliteAccountStore::key(
    const AccountId& account, std::string_view hash) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_key_columns,
                       " FROM provisioned_key WHERE hash = ? AND account = ?");
  return state_->read([&](auto& accounts) {
    return accounts.one("reading a key", sql.data(), detail::row_key<detail::SqliteStatement>, hash,
                        account);
  });
}

CREDPOOL_INLINE Result<std::optional<ProvisionedKey>> SqliteAccountStore::key_by_digest(
    std::string_view digest) {
  static constexpr auto sql = detail::sql_text("SELECT ", detail::account_key_columns,
                                               " FROM provisioned_key WHERE digest = ?");
  return state_->read([&](auto& accounts) {
    return accounts.one("reading a key", sql.data(), detail::row_key<detail::SqliteStatement>,
                        digest);
  });
}

CREDPOOL_INLINE Result<Page<ProvisionedKey>> SqliteAccountStore::keys(const AccountId& account,
                                                                      bool with_revoked,
                                                                      PageRequest page) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_key_columns,
                       " FROM provisioned_key WHERE account = ? AND (? OR revoked_at IS NULL) "
                       "ORDER BY number DESC LIMIT ? OFFSET ?");
  return state_->read([&](auto& accounts) {
    const char* doing = "listing keys";
    return detail::sqlite_page(
        accounts.all(doing, sql.data(), detail::row_key<detail::SqliteStatement>, account,
                     with_revoked, page.limit, page.offset),
        accounts.one(doing,
                     "SELECT count(*) FROM provisioned_key WHERE account = ? AND (? OR revoked_at "
                     "IS NULL)",
                     detail::row_first_integer<detail::SqliteStatement>, account, with_revoked));
  });
}

CREDPOOL_INLINE Result<std::uint64_t> SqliteAccountStore::count_keys(const AccountId& account) {
  return state_->look_up([&](auto& accounts) -> Result<std::uint64_t> {
    const auto count = accounts.one(
        "counting keys",
        "SELECT count(*) FROM provisioned_key WHERE account = ? AND revoked_at IS NULL",
        detail::row_first_integer<detail::SqliteStatement>, account);
    if (!count) return fail(count.error());
    return static_cast<std::uint64_t>(count->value_or(0));
  });
}

CREDPOOL_INLINE Result<ProvisionedKey> SqliteAccountStore::change_key(
    const AccountId& account, std::string_view hash,
    const std::function<Result<void>(ProvisionedKey&)>& change) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_key_columns,
                       " FROM provisioned_key WHERE hash = ? AND account = ?");
  return state_->write([&](detail::SqliteAccounts& accounts) -> Result<ProvisionedKey> {
    const char* doing = "changing a key";
    const auto found =
        accounts.one(doing, sql.data(), detail::row_key<detail::SqliteStatement>, hash, account);
    if (!found) return fail(found.error());
    if (!*found) return detail::no_key(doing);
    auto changed = **found;
    if (auto done = change(changed); !done) return fail(done.error());
    detail::keep_key_identity(changed, **found);
    if (auto fits = detail::sqlite_key_fits(accounts, doing, changed); !fits)
      return fail(fits.error());
    const auto taken = detail::sqlite_any(
        accounts, doing, "SELECT 1 FROM provisioned_key WHERE digest = ? AND hash <> ?",
        changed.digest, changed.hash);
    if (!taken) return fail(taken.error());
    if (*taken) return fail(Errc::conflict, doing, "key", "another key has that value");
    if (auto done = accounts.run(
            doing,
            "UPDATE provisioned_key SET digest = ?, name = ?, credit_limit = ?, limit_reset = ?, "
            "disabled = ?, expires_at = ?, revoked_at = ? WHERE hash = ?",
            changed.digest, changed.name, detail::sqlite_limit(changed),
            to_string(changed.limit_reset), changed.disabled, changed.expires_at,
            changed.revoked_at, changed.hash);
        !done)
      return fail(done.error());
    return changed;
  });
}

// --- credits

CREDPOOL_INLINE Result<Balance> SqliteAccountStore::balance(const AccountId& account) {
  return state_->read([&](auto& accounts) -> Result<Balance> {
    const char* doing = "reading the balance";
    const auto found =
        accounts.one(doing, "SELECT credits, usage, reserved FROM account WHERE id = ?",
                     detail::row_balance<detail::SqliteStatement>, account);
    if (!found) return fail(found.error());
    if (!*found) return detail::no_account(doing);
    return **found;
  });
}

CREDPOOL_INLINE Result<AccountStore::Credited> SqliteAccountStore::credit(
    const CreditChange& change) {
  static constexpr auto earlier_sql =
      detail::sql_text("SELECT ", detail::account_transaction_columns,
                       " FROM credit_transaction WHERE reference = ? AND account = ?");
  return state_->write([&](detail::SqliteAccounts& accounts) -> Result<Credited> {
    const char* doing = "changing credits";
    const auto balance =
        accounts.one(doing, "SELECT credits, usage, reserved FROM account WHERE id = ?",
                     detail::row_balance<detail::SqliteStatement>, change.account);
    if (!balance) return fail(balance.error());
    if (!*balance) return detail::no_account(doing);
    const auto reference =
        change.reference.empty() ? std::nullopt : std::optional{change.reference};
    if (reference) {
      const auto used = detail::sqlite_any(
          accounts, doing, "SELECT 1 FROM credit_transaction WHERE reference = ?", *reference);
      if (!used) return fail(used.error());
      const auto earlier =
          accounts.one(doing, earlier_sql.data(), detail::row_transaction<detail::SqliteStatement>,
                       *reference, change.account);
      if (!earlier) return fail(earlier.error());
      if (*earlier && (*earlier)->amount == change.amount) return Credited{**earlier, true};
      if (*used) return detail::reference_taken();
    }
    if (!detail::fits_credits(change.amount) ||
        !detail::fits_credits((*balance)->credits + change.amount))
      return detail::credits_out_of_range();
    const CreditTransaction transaction{change.id,          change.type,
                                        change.amount,      (*balance)->remaining() + change.amount,
                                        change.description, change.now};
    if (auto done = accounts.run(doing,
                                 "UPDATE account SET credits = credits + ?, usage_entry = NULL, "
                                 "usage_day = '' WHERE id = ?",
                                 change.amount.micros, change.account);
        !done)
      return fail(done.error());
    if (auto done =
            accounts.run(doing,
                         "INSERT INTO credit_transaction(id, account, type, amount, balance_after, "
                         "description, created_at, reference) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                         transaction.id, change.account, to_string(transaction.type),
                         transaction.amount.micros, transaction.balance_after.micros,
                         transaction.description, transaction.created_at, reference);
        !done)
      return fail(done.error());
    return Credited{transaction, false};
  });
}

CREDPOOL_INLINE Result<Page<CreditTransaction>> SqliteAccountStore::transactions(
    const AccountId& account, std::optional<TransactionType> type, PageRequest page) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_transaction_columns,
                       " FROM credit_transaction WHERE account = ?1 AND (?2 IS NULL OR type = ?2) "
                       "ORDER BY number DESC LIMIT ?3 OFFSET ?4");
  return state_->read([&](auto& accounts) {
    const char* doing = "listing transactions";
    const auto wanted = type ? std::optional{to_string(*type)} : std::nullopt;
    return detail::sqlite_page(
        accounts.all(doing, sql.data(), detail::row_transaction<detail::SqliteStatement>, account,
                     wanted, page.limit, page.offset),
        accounts.one(doing,
                     "SELECT count(*) FROM credit_transaction WHERE account = ?1 AND (?2 IS NULL "
                     "OR type = ?2)",
                     detail::row_first_integer<detail::SqliteStatement>, account, wanted));
  });
}

CREDPOOL_INLINE Result<AutoTopUp> SqliteAccountStore::auto_topup(const AccountId& account) {
  return state_->look_up([&](auto& accounts) -> Result<AutoTopUp> {
    const char* doing = "reading the top-up";
    const auto found = accounts.one(
        doing,
        "SELECT topup_enabled, topup_threshold, topup_amount, topup_updated_at FROM account "
        "WHERE id = ?",
        detail::row_topup<detail::SqliteStatement>, account);
    if (!found) return fail(found.error());
    if (!*found) return detail::no_account(doing);
    return **found;
  });
}

CREDPOOL_INLINE Result<void> SqliteAccountStore::set_auto_topup(const AccountId& account,
                                                                const AutoTopUp& topup) {
  return state_->write([&](detail::SqliteAccounts& accounts) {
    const char* doing = "changing the top-up";
    return detail::sqlite_changed(
        accounts,
        accounts.run(doing,
                     "UPDATE account SET topup_enabled = ?, topup_threshold = ?, topup_amount = ?, "
                     "topup_updated_at = ? WHERE id = ?",
                     topup.enabled, topup.threshold.micros, topup.amount.micros, topup.updated_at,
                     account),
        detail::no_account(doing));
  });
}

}  // namespace credpool::inline CREDPOOL_ABI
