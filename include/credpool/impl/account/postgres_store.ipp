#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/postgres_store.hpp>
#include <credpool/impl/account/postgres_store_spending.hpp>
#include <credpool/impl/account/postgres_store_state.hpp>

#include <random>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline Result<void> pg_add_management_key(PostgresConnection& c, const char* doing,
                                          const ManagementKey& key) {
  return pg_run(c, doing,
                "INSERT INTO credpool_account_management_key VALUES ($1, $2, $3, "
                "nullif($4, '')::bigint)",
                pg_values(key.digest, key.account, key.created_at, key.revoked_at));
}

inline Result<void> pg_account_fits(PostgresConnection& c, const char* doing,
                                    const Account& account) {
  const auto taken = pg_any(c, doing,
                            "SELECT 1 FROM credpool_account WHERE id <> $1 AND (email = $2 OR "
                            "github_id = nullif($3, '')::bigint)",
                            pg_values(account.id, account.email, account.github_id));
  if (!taken) return fail(taken.error());
  if (*taken) return email_taken(doing);
  return {};
}

/// The account must be locked.
inline Result<void> pg_key_fits(PostgresConnection& c, const char* doing,
                                const ProvisionedKey& key) {
  const auto value =
      pg_any(c, doing, "SELECT 1 FROM credpool_account_key WHERE digest = $1 AND hash <> $2",
             pg_values(key.digest, key.hash));
  if (!value) return fail(value.error());
  if (*value) return fail(Errc::conflict, doing, "key", "another key has that value");
  if (key.revoked_at) return {};
  const auto name = pg_any(c, doing,
                           "SELECT 1 FROM credpool_account_key WHERE account = $1 AND name = $2 "
                           "AND hash <> $3 AND revoked_at IS NULL",
                           pg_values(key.account, key.name, key.hash));
  if (!name) return fail(name.error());
  if (*name) return key_name_taken(doing);
  return {};
}

inline Result<Balance> pg_balance(PostgresConnection& c, const char* doing, const AccountId& id) {
  const auto found =
      pg_one(c, doing, "SELECT credits, usage, reserved FROM credpool_account WHERE id = $1",
             pg_values(id), row_balance<PostgresRow>);
  if (!found) return fail(found.error());
  if (!*found) return no_account(doing);
  return **found;
}

}  // namespace detail

CREDPOOL_INLINE PostgresAccountStore::PostgresAccountStore(std::unique_ptr<State> state) noexcept
    : state_{std::move(state)} {}
CREDPOOL_INLINE PostgresAccountStore::~PostgresAccountStore() = default;

CREDPOOL_INLINE Result<std::unique_ptr<PostgresAccountStore>> PostgresAccountStore::open(
    PostgresAccountPlace place) {
  if (place.server.empty() || place.server.size() > 200 || !is_valid_utf8(place.server))
    return fail(Errc::invalid_argument, "opening the accounts", "server",
                "a server is named by 1 to 200 bytes of text");
  auto state = std::make_unique<State>(std::move(place));
  std::random_device random;
  for (int i = 0; i < 4; ++i) state->life += std::to_string(random()) + '-';
  if (auto connected = state->spending.connect(); !connected) return fail(connected.error());
  if (auto fit =
          detail::migrate_postgres(*state->spending.connection, detail::postgres_account_schema());
      !fit)
    return fail(fit.error());
  return std::unique_ptr<PostgresAccountStore>{new PostgresAccountStore{std::move(state)}};
}

// --- accounts

CREDPOOL_INLINE Result<void> PostgresAccountStore::add_account(const Account& account,
                                                               const ManagementKey& key) {
  return state_->write([&](detail::PostgresConnection& c) -> Result<void> {
    const char* doing = "adding an account";
    const auto taken =
        detail::pg_any(c, doing,
                       "SELECT 1 FROM credpool_account WHERE id = $1 UNION ALL "
                       "SELECT 1 FROM credpool_account_management_key WHERE digest = $2",
                       detail::pg_values(account.id, key.digest));
    if (!taken) return fail(taken.error());
    if (*taken) return detail::email_taken(doing);
    if (auto fits = detail::pg_account_fits(c, doing, account); !fits) return fits;
    if (auto done = detail::pg_run(
            c, doing,
            "INSERT INTO credpool_account(id, email, password_hash, plan, github_id, avatar_url, "
            "created_at) VALUES ($1, $2, $3, $4, nullif($5, '')::bigint, $6, $7)",
            detail::pg_values(account.id, account.email, account.password_hash, account.plan,
                              account.github_id, account.avatar_url, account.created_at));
        !done)
      return done;
    return detail::pg_add_management_key(c, doing, key);
  });
}

CREDPOOL_INLINE Result<std::optional<Account>> PostgresAccountStore::account(const AccountId& id) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_columns, " FROM credpool_account WHERE id = $1");
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_one(c, "reading an account", sql.data(), detail::pg_values(id),
                          detail::row_account<detail::PostgresRow>);
  });
}

CREDPOOL_INLINE Result<std::optional<Account>> PostgresAccountStore::account_by_email(
    std::string_view email) {
  static constexpr auto sql = detail::sql_text("SELECT ", detail::account_columns,
                                               " FROM credpool_account WHERE email = $1");
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_one(c, "reading an account", sql.data(), detail::pg_values(email),
                          detail::row_account<detail::PostgresRow>);
  });
}

CREDPOOL_INLINE Result<std::optional<Account>> PostgresAccountStore::account_by_github(
    std::int64_t github_id) {
  static constexpr auto sql = detail::sql_text("SELECT ", detail::account_columns,
                                               " FROM credpool_account WHERE github_id = $1");
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_one(c, "reading an account", sql.data(), detail::pg_values(github_id),
                          detail::row_account<detail::PostgresRow>);
  });
}

CREDPOOL_INLINE Result<Account> PostgresAccountStore::change_account(
    const AccountId& id, const std::function<Result<void>(Account&)>& change) {
  static constexpr auto sql = detail::sql_text("SELECT ", detail::account_columns,
                                               " FROM credpool_account WHERE id = $1 FOR UPDATE");
  return state_->write([&](detail::PostgresConnection& c) -> Result<Account> {
    const char* doing = "changing an account";
    const auto found = detail::pg_one(c, doing, sql.data(), detail::pg_values(id),
                                      detail::row_account<detail::PostgresRow>);
    if (!found) return fail(found.error());
    if (!*found) return detail::no_account(doing);
    auto changed = **found;
    if (auto done = change(changed); !done) return fail(done.error());
    detail::keep_account_identity(changed, **found);
    if (auto fits = detail::pg_account_fits(c, doing, changed); !fits) return fail(fits.error());
    if (auto done =
            detail::pg_run(c, doing,
                           "UPDATE credpool_account SET email = $2, password_hash = $3, plan = $4, "
                           "github_id = nullif($5, '')::bigint, avatar_url = $6 WHERE id = $1",
                           detail::pg_values(changed.id, changed.email, changed.password_hash,
                                             changed.plan, changed.github_id, changed.avatar_url));
        !done)
      return fail(done.error());
    return changed;
  });
}

CREDPOOL_INLINE Result<void> PostgresAccountStore::remove_account(const AccountId& id, TimePoint) {
  return state_->write([&](detail::PostgresConnection& c) -> Result<void> {
    const char* doing = "removing an account";
    if (auto locked = detail::pg_lock_account(c, doing, id); !locked) return locked;
    for (const char* sql :
         {"DELETE FROM credpool_account_management_key WHERE account = $1",
          "DELETE FROM credpool_account_key WHERE account = $1",
          "DELETE FROM credpool_account_transaction WHERE account = $1",
          "DELETE FROM credpool_account_allowance WHERE account = $1",
          "DELETE FROM credpool_account_answer WHERE account = $1",
          "DELETE FROM credpool_account_session WHERE account = $1",
          "UPDATE credpool_account_usage SET account = '' WHERE account = $1",
          "INSERT INTO credpool_account_usage_day AS d SELECT '', key_hash, day, model, requests, "
          "input_tokens, output_tokens, cost FROM credpool_account_usage_day WHERE account = $1 "
          "ON CONFLICT (account, key_hash, day, model) DO UPDATE SET "
          "requests = d.requests + excluded.requests, "
          "input_tokens = d.input_tokens + excluded.input_tokens, "
          "output_tokens = d.output_tokens + excluded.output_tokens, cost = d.cost + excluded.cost",
          "DELETE FROM credpool_account_usage_day WHERE account = $1",
          "DELETE FROM credpool_account WHERE id = $1"})
      if (auto done = detail::pg_run(c, doing, sql, detail::pg_values(id)); !done) return done;
    return {};
  });
}

CREDPOOL_INLINE Result<Page<Account>> PostgresAccountStore::accounts(PageRequest page) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_columns,
                       " FROM credpool_account ORDER BY number DESC LIMIT $1 OFFSET $2");
  return state_->read([&](detail::PostgresConnection& c) {
    const char* doing = "listing accounts";
    return detail::pg_page(
        detail::pg_all(c, doing, sql.data(), detail::pg_values(page.limit, page.offset),
                       detail::row_account<detail::PostgresRow>),
        detail::pg_one(c, doing, "SELECT count(*) FROM credpool_account", {},
                       detail::row_first_integer<detail::PostgresRow>));
  });
}

// --- management keys

CREDPOOL_INLINE Result<void> PostgresAccountStore::add_management_key(const ManagementKey& key,
                                                                      bool revoke_others) {
  return state_->write([&](detail::PostgresConnection& c) -> Result<void> {
    const char* doing = "adding a management key";
    if (auto locked = detail::pg_lock_account(c, doing, key.account); !locked) return locked;
    const auto taken =
        detail::pg_any(c, doing, "SELECT 1 FROM credpool_account_management_key WHERE digest = $1",
                       detail::pg_values(key.digest));
    if (!taken) return fail(taken.error());
    if (*taken) return fail(Errc::conflict, doing, "key", "that key is there already");
    if (revoke_others)
      if (auto done = detail::pg_run(c, doing,
                                     "UPDATE credpool_account_management_key SET revoked_at = $1 "
                                     "WHERE account = $2 AND revoked_at IS NULL",
                                     detail::pg_values(key.created_at, key.account));
          !done)
        return done;
    return detail::pg_add_management_key(c, doing, key);
  });
}

CREDPOOL_INLINE Result<std::optional<Account>> PostgresAccountStore::account_by_management_key(
    std::string_view digest) {
  static constexpr auto sql = detail::sql_text(
      "SELECT ", detail::account_columns,
      " FROM credpool_account WHERE id = (SELECT account FROM credpool_account_management_key "
      "WHERE digest = $1 AND revoked_at IS NULL)");
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_one(c, "looking up a management key", sql.data(), detail::pg_values(digest),
                          detail::row_account<detail::PostgresRow>);
  });
}

CREDPOOL_INLINE Result<void> PostgresAccountStore::revoke_management_key(const AccountId& account,
                                                                         std::string_view digest,
                                                                         TimePoint now) {
  return state_->write([&](detail::PostgresConnection& c) {
    const char* doing = "revoking a management key";
    return detail::pg_changed(c, doing,
                              "UPDATE credpool_account_management_key SET revoked_at = $1 "
                              "WHERE digest = $2 AND account = $3 AND revoked_at IS NULL "
                              "RETURNING 1",
                              detail::pg_values(now, digest, account), detail::no_key(doing));
  });
}

CREDPOOL_INLINE Result<std::vector<ManagementKey>> PostgresAccountStore::management_keys(
    const AccountId& account) {
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_all(c, "listing management keys",
                          "SELECT digest, account, created_at, revoked_at FROM "
                          "credpool_account_management_key WHERE account = $1 "
                          "ORDER BY created_at DESC, digest",
                          detail::pg_values(account),
                          detail::row_management_key<detail::PostgresRow>);
  });
}

// --- provisioned keys

CREDPOOL_INLINE Result<void> PostgresAccountStore::add_key(const ProvisionedKey& key) {
  return state_->write([&](detail::PostgresConnection& c) -> Result<void> {
    const char* doing = "adding a key";
    if (auto locked = detail::pg_lock_account(c, doing, key.account); !locked) return locked;
    const auto taken =
        detail::pg_any(c, doing, "SELECT 1 FROM credpool_account_key WHERE hash = $1",
                       detail::pg_values(key.hash));
    if (!taken) return fail(taken.error());
    if (*taken) return fail(Errc::conflict, doing, "key", "that key is there already");
    if (auto fits = detail::pg_key_fits(c, doing, key); !fits) return fits;
    return detail::pg_run(
        c, doing,
        "INSERT INTO credpool_account_key(hash, digest, account, name, credit_limit, limit_reset, "
        "usage, period_usage, period_start, period_kind, disabled, created_at, expires_at, "
        "revoked_at) VALUES ($1, $2, $3, $4, nullif($5, '')::bigint, $6, $7, $8, $9, $6, $10, $11, "
        "nullif($12, '')::bigint, nullif($13, '')::bigint)",
        detail::pg_values(key.hash, key.digest, key.account, key.name, key.credit_limit,
                          to_string(key.limit_reset), key.usage, key.period_usage, key.period_start,
                          key.disabled, key.created_at, key.expires_at, key.revoked_at));
  });
}

CREDPOOL_INLINE Result<std::optional<ProvisionedKey>> PostgresAccountStore::key(
    const AccountId& account, std::string_view hash) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_key_columns,
                       " FROM credpool_account_key WHERE hash = $1 AND account = $2");
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_one(c, "reading a key", sql.data(), detail::pg_values(hash, account),
                          detail::row_key<detail::PostgresRow>);
  });
}

CREDPOOL_INLINE Result<std::optional<ProvisionedKey>> PostgresAccountStore::key_by_digest(
    std::string_view digest) {
  static constexpr auto sql = detail::sql_text("SELECT ", detail::account_key_columns,
                                               " FROM credpool_account_key WHERE digest = $1");
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_one(c, "reading a key", sql.data(), detail::pg_values(digest),
                          detail::row_key<detail::PostgresRow>);
  });
}

CREDPOOL_INLINE Result<Page<ProvisionedKey>> PostgresAccountStore::keys(const AccountId& account,
                                                                        bool with_revoked,
                                                                        PageRequest page) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_key_columns,
                       " FROM credpool_account_key WHERE account = $1 AND ($2::boolean OR "
                       "revoked_at IS NULL) ORDER BY number DESC LIMIT $3 OFFSET $4");
  return state_->read([&](detail::PostgresConnection& c) {
    const char* doing = "listing keys";
    return detail::pg_page(
        detail::pg_all(c, doing, sql.data(),
                       detail::pg_values(account, with_revoked, page.limit, page.offset),
                       detail::row_key<detail::PostgresRow>),
        detail::pg_one(c, doing,
                       "SELECT count(*) FROM credpool_account_key WHERE account = $1 AND "
                       "($2::boolean OR revoked_at IS NULL)",
                       detail::pg_values(account, with_revoked),
                       detail::row_first_integer<detail::PostgresRow>));
  });
}

CREDPOOL_INLINE Result<std::uint64_t> PostgresAccountStore::count_keys(const AccountId& account) {
  const auto page = keys(account, false, {0, 0});
  if (!page) return fail(page.error());
  return page->total;
}

CREDPOOL_INLINE Result<ProvisionedKey> PostgresAccountStore::change_key(
    const AccountId& account, std::string_view hash,
    const std::function<Result<void>(ProvisionedKey&)>& change) {
  static constexpr auto sql =
      detail::sql_text("SELECT ", detail::account_key_columns,
                       " FROM credpool_account_key WHERE hash = $1 AND account = $2");
  return state_->write([&](detail::PostgresConnection& c) -> Result<ProvisionedKey> {
    const char* doing = "changing a key";
    if (auto locked = detail::pg_lock_account(c, doing, account); !locked)
      return fail(locked.error());
    const auto found = detail::pg_one(c, doing, sql.data(), detail::pg_values(hash, account),
                                      detail::row_key<detail::PostgresRow>);
    if (!found) return fail(found.error());
    if (!*found) return detail::no_key(doing);
    auto changed = **found;
    if (auto done = change(changed); !done) return fail(done.error());
    detail::keep_key_identity(changed, **found);
    if (auto fits = detail::pg_key_fits(c, doing, changed); !fits) return fail(fits.error());
    if (auto done = detail::pg_run(
            c, doing,
            "UPDATE credpool_account_key SET digest = $2, name = $3, "
            "credit_limit = nullif($4, '')::bigint, limit_reset = $5, disabled = $6, "
            "expires_at = nullif($7, '')::bigint, revoked_at = nullif($8, '')::bigint "
            "WHERE hash = $1",
            detail::pg_values(changed.hash, changed.digest, changed.name, changed.credit_limit,
                              to_string(changed.limit_reset), changed.disabled, changed.expires_at,
                              changed.revoked_at));
        !done)
      return fail(done.error());
    return changed;
  });
}

// --- credits

CREDPOOL_INLINE Result<Balance> PostgresAccountStore::balance(const AccountId& account) {
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_balance(c, "reading the balance", account);
  });
}

CREDPOOL_INLINE Result<AccountStore::Credited> PostgresAccountStore::credit(
    const CreditChange& change) {
  static constexpr auto earlier_sql =
      detail::sql_text("SELECT ", detail::account_transaction_columns,
                       " FROM credpool_account_transaction WHERE reference = $1 AND account = $2");
  return state_->write([&](detail::PostgresConnection& c) -> Result<Credited> {
    const char* doing = "changing credits";
    if (auto locked = detail::pg_lock_account(c, doing, change.account); !locked)
      return fail(locked.error());
    const auto balance = detail::pg_balance(c, doing, change.account);
    if (!balance) return fail(balance.error());
    if (!change.reference.empty()) {
      const auto used = detail::pg_any(
          c, doing, "SELECT 1 FROM credpool_account_transaction WHERE reference = $1",
          detail::pg_values(change.reference));
      if (!used) return fail(used.error());
      const auto earlier = detail::pg_one(c, doing, earlier_sql.data(),
                                          detail::pg_values(change.reference, change.account),
                                          detail::row_transaction<detail::PostgresRow>);
      if (!earlier) return fail(earlier.error());
      if (*earlier && (*earlier)->amount == change.amount) return Credited{**earlier, true};
      if (*used) return detail::reference_taken();
    }
    if (!detail::fits_credits(change.amount) ||
        !detail::fits_credits(balance->credits + change.amount))
      return detail::credits_out_of_range();
    const CreditTransaction transaction{change.id,          change.type,
                                        change.amount,      balance->remaining() + change.amount,
                                        change.description, change.now};
    if (auto done = detail::pg_run(c, doing,
                                   "UPDATE credpool_account SET credits = credits + $2, "
                                   "usage_entry = NULL, usage_day = '' WHERE id = $1",
                                   detail::pg_values(change.account, change.amount));
        !done)
      return fail(done.error());
    if (auto done = detail::pg_run(
            c, doing,
            "INSERT INTO credpool_account_transaction(id, account, type, amount, balance_after, "
            "description, created_at, reference) VALUES ($1, $2, $3, $4, $5, $6, $7, "
            "nullif($8, ''))",
            detail::pg_values(transaction.id, change.account, to_string(transaction.type),
                              transaction.amount, transaction.balance_after,
                              transaction.description, transaction.created_at, change.reference));
        !done)
      return fail(done.error());
    return Credited{transaction, false};
  });
}

CREDPOOL_INLINE Result<Page<CreditTransaction>> PostgresAccountStore::transactions(
    const AccountId& account, std::optional<TransactionType> type, PageRequest page) {
  static constexpr auto sql = detail::sql_text(
      "SELECT ", detail::account_transaction_columns,
      " FROM credpool_account_transaction WHERE account = $1 AND ($2 = '' OR type = $2) "
      "ORDER BY number DESC LIMIT $3 OFFSET $4");
  return state_->read([&](detail::PostgresConnection& c) {
    const char* doing = "listing transactions";
    const auto wanted = type ? to_string(*type) : std::string_view{};
    return detail::pg_page(
        detail::pg_all(c, doing, sql.data(),
                       detail::pg_values(account, wanted, page.limit, page.offset),
                       detail::row_transaction<detail::PostgresRow>),
        detail::pg_one(c, doing,
                       "SELECT count(*) FROM credpool_account_transaction WHERE account = $1 "
                       "AND ($2 = '' OR type = $2)",
                       detail::pg_values(account, wanted),
                       detail::row_first_integer<detail::PostgresRow>));
  });
}

CREDPOOL_INLINE Result<AutoTopUp> PostgresAccountStore::auto_topup(const AccountId& account) {
  return state_->read([&](detail::PostgresConnection& c) -> Result<AutoTopUp> {
    const char* doing = "reading the top-up";
    const auto found =
        detail::pg_one(c, doing,
                       "SELECT topup_enabled, topup_threshold, topup_amount, topup_updated_at "
                       "FROM credpool_account WHERE id = $1",
                       detail::pg_values(account), detail::row_topup<detail::PostgresRow>);
    if (!found) return fail(found.error());
    if (!*found) return detail::no_account(doing);
    return **found;
  });
}

CREDPOOL_INLINE Result<void> PostgresAccountStore::set_auto_topup(const AccountId& account,
                                                                  const AutoTopUp& topup) {
  return state_->read([&](detail::PostgresConnection& c) {
    const char* doing = "changing the top-up";
    return detail::pg_changed(
        c, doing,
        "UPDATE credpool_account SET topup_enabled = $2, topup_threshold = $3, topup_amount = $4, "
        "topup_updated_at = nullif($5, '')::bigint WHERE id = $1 RETURNING 1",
        detail::pg_values(account, topup.enabled, topup.threshold, topup.amount, topup.updated_at),
        detail::no_account(doing));
  });
}

}  // namespace credpool::inline CREDPOOL_ABI
