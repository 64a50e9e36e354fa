#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs SQLite. Not under the umbrella header.

#include <credpool/account/store.hpp>
#include <credpool/store/state_directory.hpp>

#include <memory>

namespace credpool::inline CREDPOOL_ABI {

/// Accounts in one SQLite file, `accounts.sqlite` of the state directory.
///
/// The file and SQLite's two files beside it are 0600. A commit is on the disk before a function
/// returns (synchronous = FULL), except for what is only held: a power cut ends the server that
/// held it. One object writes at a time; whoever reads money or usage waits only while what was
/// settled last is booked, and so fails where nothing can be written. A file of an earlier version
/// is brought up to date when it is opened, one of a newer version is refused.
///
/// One server spends: the first that reserves or reclaims holds `accounts.sqlite.server` locked
/// until its end, and others get Errc::busy. Any process may manage accounts and keys.
///
/// @thread_safety safe
class SqliteAccountStore final : public AccountStore {
 public:
  /// Opens the file, and makes it (and the directory) when it is not there.
  ///
  /// @param patience how long to wait for another writer before Errc::busy
  /// @errors unsupported for a file of a newer version; malformed for a damaged file or one that is
  ///         not ours; unsafe_file for a link, another owner or a file that others may write;
  ///         permission_denied; store_unwritable when the disk is full; busy; io
  static Result<std::unique_ptr<SqliteAccountStore>> open(const StateDirectory& directory,
                                                          const Environment& environment,
                                                          Duration patience = std::chrono::seconds{
                                                              5});
  ~SqliteAccountStore() override;

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
  explicit SqliteAccountStore(std::unique_ptr<State> state) noexcept;

  std::unique_ptr<State> state_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/sqlite_store.ipp>
#endif
