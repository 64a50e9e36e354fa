#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs libpq. Not under the umbrella header.

#include <credpool/account/store.hpp>
#include <credpool/core/secret.hpp>

#include <memory>
#include <string>

namespace credpool::inline CREDPOOL_ABI {

/// How to reach the PostgreSQL server that accounts are kept in.
struct PostgresAccountPlace {
  /// `postgresql://...` or `key=value ...`; PGPASSFILE, PGSERVICE and the like work as with any
  /// program that uses libpq.
  Secret connection;
  /// Names this server among those that share the accounts: 1 to 200 bytes, the same after a
  /// restart, another one on each host.
  std::string server;
  Duration patience{5'000};  ///< longest wait for a connection (at least 2 s), and for an answer
};

/// Accounts in a PostgreSQL database that several servers share; the tables and functions are
/// called `credpool_account...`, in the first schema of the search path.
///
/// A reservation and a settlement of any number of requests are one round trip and one transaction
/// each, committed with synchronous_commit. Whoever changes an account or one of its keys locks the
/// account's row first, several in the order of their ids, so that nobody waits in a circle. A
/// server's allowances end when the database's clock passes what extend() has said, or when a
/// server of the same name starts. What each statement guarantees stands in docs/ledger.md.
///
/// @thread_safety safe; spending and managing have connections of their own. Not to be used on both
/// sides of a fork()
class PostgresAccountStore final : public AccountStore {
 public:
  /// Connects, and makes or updates the tables.
  ///
  /// @errors configuration for a connection string that cannot be read, a refused password or a
  ///         server that may lose a commit (fsync off); invalid_argument for a bad name;
  ///         unsupported for tables of a newer version; permission_denied; store_unwritable for a
  ///         read-only server; network, timeout, busy
  static Result<std::unique_ptr<PostgresAccountStore>> open(PostgresAccountPlace place);
  ~PostgresAccountStore() override;

  Result<void> add_account(const Account& account, const ManagementKey& key) override;
  Result<std::optional<Account>> account(const AccountId& id) override;
  Result<std::optional<Account>> account_by_email(std::string_view email) override;
  Result<std::optional<Account>> account_by_github(std::int64_t github_id) override;
  Result<Account> change_account(const AccountId& id,
                                 const std::function<Result<void>(Account&)>& change) override;
  Result<void> remove_account(const AccountId& id, TimePoint now) override;
  Result<Page<Account>> accounts(PageRequest page) override;

  Result<void> add_management_key(const ManagementKey& key, bool revoke_others) override;
  Result<std::optional<Account>> account_by_management_key(std::string_view digest) override;
  Result<void> revoke_management_key(const AccountId& account, std::string_view digest,
                                     TimePoint now) override;
  Result<std::vector<ManagementKey>> management_keys(const AccountId& account) override;

  Result<void> add_key(const ProvisionedKey& key) override;
  Result<std::optional<ProvisionedKey>> key(const AccountId& account,
                                            std::string_view hash) override;
  Result<std::optional<ProvisionedKey>> key_by_digest(std::string_view digest) override;
  Result<Page<ProvisionedKey>> keys(const AccountId& account, bool with_revoked,
                                    PageRequest page) override;
  Result<std::uint64_t> count_keys(const AccountId& account) override;
  Result<ProvisionedKey> change_key(
      const AccountId& account, std::string_view hash,
      const std::function<Result<void>(ProvisionedKey&)>& change) override;

  Result<Balance> balance(const AccountId& account) override;
  Result<Credited> credit(const CreditChange& change) override;
  Result<Page<CreditTransaction>> transactions(const AccountId& account,
                                               std::optional<TransactionType> type,
                                               PageRequest page) override;
  Result<AutoTopUp> auto_topup(const AccountId& account) override;
  Result<void> set_auto_topup(const AccountId& account, const AutoTopUp& topup) override;

  Result<Allowance> reserve(const AllowanceRequest& request) override;
  std::vector<Result<Allowance>> reserve_all(std::span<const AllowanceRequest> requests) override;
  Result<void> settle(std::span<const Settlement> settlements, std::string_view batch) override;
  Result<void> extend(TimePoint now, TimePoint until) override;
  Result<void> reclaim(TimePoint now, bool own) override;

  Result<std::vector<UsageDay>> usage(const AccountId& account, std::string_view key_hash,
                                      std::string_view first, std::string_view last) override;
  Result<Page<UsageRow>> usage_rows(const AccountId& account, std::string_view key_hash,
                                    PageRequest page) override;
  Result<std::uint64_t> prune_usage(TimePoint before, std::uint64_t most) override;

  Result<std::optional<StoredAnswer>> claim_answer(const AccountId& account, std::string_view key,
                                                   std::string_view request_digest,
                                                   TimePoint now) override;
  Result<void> keep_answer(const AccountId& account, std::string_view key,
                           const StoredAnswer& answer) override;
  Result<void> drop_answer(const AccountId& account, std::string_view key) override;

  Result<void> put_device_session(const DeviceSession& session) override;
  Result<std::optional<DeviceSession>> device_session(std::string_view device_digest) override;
  Result<std::optional<DeviceSession>> device_session_by_token(
      std::string_view token_digest) override;
  Result<void> forget_ended(TimePoint sessions_before, TimePoint answers_before) override;

 private:
  struct State;
  explicit PostgresAccountStore(std::unique_ptr<State> state) noexcept;

  std::unique_ptr<State> state_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/postgres_store.ipp>
#endif
