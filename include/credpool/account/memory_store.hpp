#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/store.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {
struct MemoryWorld;
}

/// Accounts that live as long as this object, or as long as whoever keeps document(): for the
/// command's mock, for tests, and as the plainest statement of what every AccountStore does.
///
/// @thread_safety safe
class MemoryAccountStore final : public AccountStore {
 public:
  MemoryAccountStore();
  MemoryAccountStore(MemoryAccountStore&&) noexcept;
  MemoryAccountStore& operator=(MemoryAccountStore&&) noexcept;
  ~MemoryAccountStore() override;

  /// The whole world as JSON text: password hashes and digests of keys are in it, no key.
  std::string document() const;
  /// The world that document() gave; what its servers held has gone back.
  /// @errors malformed; unsupported for a newer version
  static Result<MemoryAccountStore> from_document(std::string_view text);

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
  std::unique_ptr<detail::MemoryWorld> world_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/memory_store.ipp>
#endif
