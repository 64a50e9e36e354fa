#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/records.hpp>
#include <credpool/core/result.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// A page of a list.
template <class T> struct Page {
  std::vector<T> items;
  std::uint64_t total = 0;  ///< of all pages
};

/// Which part of a list; newest first.
struct PageRequest {
  std::uint64_t limit = 20;
  std::uint64_t offset = 0;
};

/// A share of a key's budget that one server holds: it may be spent without asking anybody.
struct Allowance {
  std::string key_hash;
  AccountId account;
  TimePoint period_start{};  ///< of the key's limit
  /// End of that period or of the key, whichever comes first: nothing is taken from it then.
  TimePoint valid_until = TimePoint::max();
  Money amount;        ///< that was granted
  bool tight = false;  ///< little is left: what is not needed should go back at once
};

/// Asks for a share of what a key may spend.
struct AllowanceRequest {
  std::string key_digest;
  Money least;   ///< less is of no use; zero: only whether the key may be used
  Money wanted;  ///< by all requests that wait now; at least `least`
  Money most;    ///< granted while much remains; at least `wanted`
  Money idle;    ///< what this server has of the key and no request holds
  std::function<LimitPeriod(LimitReset)> period;  ///< the one that runs now
  TimePoint now{};
  TimePoint expires_at{};  ///< the share goes back by itself then, unless it is extended
  /// A request that is made again with the same id, since nobody knows what became of it, is
  /// granted once; empty: it is not made again.
  std::string id;
};

/// One request's end, or money that goes back: everything that a server has to tell the store.
struct Settlement {
  std::string key_hash;
  AccountId account;
  TimePoint period_start{};       ///< of the allowance that it was taken from
  Money spent;                    ///< from the allowance; the cost of `usage`
  Money returned;                 ///< given back from the allowance
  std::optional<UsageRow> usage;  ///< of a request that was served; its key and account are these
  std::string day;                ///< of the usage, in the ledger's time zone
};

/// An answer that was given once and is given again for the same idempotency key.
struct StoredAnswer {
  std::string request_digest;  ///< of the request's body
  int status = 0;
  std::string body;
};

/// A change of credits.
struct CreditChange {
  AccountId account;
  TransactionType type = TransactionType::purchase;
  Money amount;
  std::string description;
  /// Whoever comes second with the same reference changes nothing ("stripe:cs_..."); empty: none.
  std::string reference;
  std::string id;  ///< of the transaction
  TimePoint now{};
};

/// A device login that waits for a person.
struct DeviceSession {
  std::string device_digest;  ///< SHA-256 of the device code
  std::string token_digest;   ///< of the token that was given out for it; empty: none yet
  std::string client_id;
  AccountId account;  ///< empty: nobody has logged in yet
  TimePoint expires_at{};
  std::string sealed;  ///< whatever the login needs to go on, without a secret in clear
};

/// Hints of the errors of AccountStore::reserve(), by which they are told apart.
inline constexpr std::string_view key_unknown_hint = "there is no such key";
inline constexpr std::string_view key_revoked_hint = "the key is revoked";
inline constexpr std::string_view key_disabled_hint = "the key is disabled";
inline constexpr std::string_view key_expired_hint = "the key has expired";

/// How long a claimed idempotency key waits for an answer before somebody else may claim it.
inline constexpr Duration answer_claim_life{60'000};

/// Where accounts, keys, credits and usage are kept. What a function has returned without an error
/// is durable, and visible to every server on the same store.
///
/// Money never leaves by two ways: an allowance is granted in the same transaction that checks the
/// balance (credits - usage - reserved) and the key's limit (limit - usage of the period -
/// reserved), and the sum of an account's transactions and usage always equals its balance.
///
/// @thread_safety safe
/// @errors of all: busy, store_unwritable, permission_denied, malformed, network, timeout, io;
///         nothing was changed then, unless outcome_unknown says that nobody knows
class AccountStore {
 public:
  virtual ~AccountStore() = default;

  // --- accounts

  /// @errors conflict when the e-mail is taken
  virtual Result<void> add_account(const Account& account, const ManagementKey& key) = 0;
  virtual Result<std::optional<Account>> account(const AccountId& id) = 0;
  virtual Result<std::optional<Account>> account_by_email(std::string_view email) = 0;
  virtual Result<std::optional<Account>> account_by_github(std::int64_t github_id) = 0;
  /// Reads, changes and writes one account in one transaction: e-mail, password hash, plan, GitHub
  /// id and avatar. What others changed meanwhile, on any host, is seen and kept.
  /// @param change its error ends it, and nothing is written; it must not call the store
  /// @errors not_found; conflict when the e-mail or the GitHub user is taken
  virtual Result<Account> change_account(const AccountId& id,
                                         const std::function<Result<void>(Account&)>& change) = 0;
  /// Removes it with its keys, transactions and sessions; its usage stays without a name.
  virtual Result<void> remove_account(const AccountId& id, TimePoint now) = 0;
  virtual Result<Page<Account>> accounts(PageRequest page) = 0;

  // --- management keys

  /// @param revoke_others every other key of the account ends in the same moment
  virtual Result<void> add_management_key(const ManagementKey& key, bool revoke_others) = 0;
  /// The account of a key that is not revoked.
  virtual Result<std::optional<Account>> account_by_management_key(std::string_view digest) = 0;
  /// @errors not_found
  virtual Result<void> revoke_management_key(const AccountId& account, std::string_view digest,
                                             TimePoint now) = 0;
  virtual Result<std::vector<ManagementKey>> management_keys(const AccountId& account) = 0;

  // --- provisioned keys

  /// @errors conflict when a key of the account that is not revoked has that name
  virtual Result<void> add_key(const ProvisionedKey& key) = 0;
  /// Also a revoked one.
  virtual Result<std::optional<ProvisionedKey>> key(const AccountId& account,
                                                    std::string_view hash) = 0;
  virtual Result<std::optional<ProvisionedKey>> key_by_digest(std::string_view digest) = 0;
  virtual Result<Page<ProvisionedKey>> keys(const AccountId& account, bool with_revoked,
                                            PageRequest page) = 0;
  virtual Result<std::uint64_t> count_keys(const AccountId& account) = 0;  ///< not revoked
  /// Reads, changes and writes one key in one transaction; usage and period are not changed by it.
  /// @param change its error ends it, and nothing is written
  /// @errors not_found; conflict for a name that is taken
  virtual Result<ProvisionedKey> change_key(
      const AccountId& account, std::string_view hash,
      const std::function<Result<void>(ProvisionedKey&)>& change) = 0;

  // --- credits

  virtual Result<Balance> balance(const AccountId& account) = 0;
  /// @return the transaction, or the earlier one with the same reference (`second` is true then)
  struct Credited {
    CreditTransaction transaction;
    bool second = false;
  };
  /// @errors not_found; conflict when the reference belongs to another account or amount;
  ///         invalid_argument when the balance would leave the range of Money
  virtual Result<Credited> credit(const CreditChange& change) = 0;
  virtual Result<Page<CreditTransaction>> transactions(const AccountId& account,
                                                       std::optional<TransactionType> type,
                                                       PageRequest page) = 0;
  virtual Result<AutoTopUp> auto_topup(const AccountId& account) = 0;
  virtual Result<void> set_auto_topup(const AccountId& account, const AutoTopUp& topup) = 0;

  // --- spending

  /// Grants a share between `least` and `most`, or says why not: `most`, or a small part of what is
  /// left; when that is less than `wanted`, no more than `wanted` (the share is `tight` then).
  ///
  /// @errors unauthorized: no such key, or revoked; forbidden: disabled or expired (the hints are
  ///         those above); rate_limited: the key's own limit is used up; quota_exhausted: the
  ///         account's balance is too small. `place` is "key" or "balance". The latter two have
  ///         `retry_at` when it would do if what requests hold now came back
  virtual Result<Allowance> reserve(const AllowanceRequest& request) = 0;
  /// Several at once, each by itself; in one transaction where that is cheaper.
  virtual std::vector<Result<Allowance>> reserve_all(std::span<const AllowanceRequest> requests);
  /// Makes all of them durable, or none: one transaction. A key or account that is gone is no
  /// error; its usage is kept without a name.
  ///
  /// @param batch names this call; the same name as in this server's last call changes nothing, so
  ///              that a call whose outcome is unknown may be made again. Empty: not named
  /// @errors also invalid_argument for an amount below zero, or one that is not the usage's cost
  virtual Result<void> settle(std::span<const Settlement> settlements, std::string_view batch) = 0;
  /// This server is alive: its allowances live on until then.
  /// @errors conflict when another server has taken its name: nothing may be spent any more;
  ///         not_found when it was silent for so long that its allowances were taken back: it may
  ///         begin anew with reclaim(own) once it has settled everything
  virtual Result<void> extend(TimePoint now, TimePoint until) = 0;
  /// Gives back what servers held that are gone.
  /// @param own also this server's own, of its earlier life
  virtual Result<void> reclaim(TimePoint now, bool own) = 0;

  // --- usage

  /// Days from `first` to `last` ("2026-11-21"), of one key or (empty) all keys of the account.
  virtual Result<std::vector<UsageDay>> usage(const AccountId& account, std::string_view key_hash,
                                              std::string_view first, std::string_view last) = 0;
  virtual Result<Page<UsageRow>> usage_rows(const AccountId& account, std::string_view key_hash,
                                            PageRequest page) = 0;
  /// Forgets single requests before that time, the oldest first, in one short transaction; days and
  /// balances stay.
  /// @param most so many at most: to be called again, with a pause, until there were fewer
  /// @return how many were forgotten
  virtual Result<std::uint64_t> prune_usage(TimePoint before, std::uint64_t most) = 0;

  // --- answers that may be asked for twice

  /// Claims an idempotency key of an account. The first caller gets none and has to call
  /// keep_answer() or drop_answer(); others get the answer that was kept.
  /// @errors busy while the first has not ended; conflict when the request differs
  virtual Result<std::optional<StoredAnswer>> claim_answer(const AccountId& account,
                                                           std::string_view key,
                                                           std::string_view request_digest,
                                                           TimePoint now) = 0;
  virtual Result<void> keep_answer(const AccountId& account, std::string_view key,
                                   const StoredAnswer& answer) = 0;
  virtual Result<void> drop_answer(const AccountId& account, std::string_view key) = 0;

  // --- device logins

  virtual Result<void> put_device_session(const DeviceSession& session) = 0;
  virtual Result<std::optional<DeviceSession>> device_session(std::string_view device_digest) = 0;
  virtual Result<std::optional<DeviceSession>> device_session_by_token(
      std::string_view token_digest) = 0;
  /// Forgets sessions and kept answers that ended before that time.
  virtual Result<void> forget_ended(TimePoint sessions_before, TimePoint answers_before) = 0;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/store.ipp>
#endif
