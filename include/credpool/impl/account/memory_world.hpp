#pragma once
// SPDX-License-Identifier: MIT

// What a MemoryAccountStore holds. Internal: included by .ipp files only.

#include <credpool/impl/account/allowance.hpp>

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct MemoryAccount {
  Account account;
  Balance balance;
  AutoTopUp topup;
  std::vector<CreditTransaction> transactions;  ///< oldest first
  std::string usage_day;  ///< of the newest one, when it is usage; empty: it is not
  std::uint64_t number = 0;
};

struct MemoryKey {
  ProvisionedKey key;
  KeyPeriod period;
  std::uint64_t number = 0;
};

struct MemoryReference {
  AccountId account;
  CreditTransaction transaction;
};

struct MemoryAnswer {
  StoredAnswer answer;
  bool kept = false;
  TimePoint at{};
};

struct MemoryWorld {
  std::mutex mutex;
  std::uint64_t numbers = 0;  ///< the last that was given out: the order in which things were made
  std::map<AccountId, MemoryAccount, std::less<>> accounts;
  std::map<std::string, ManagementKey, std::less<>> management_keys;  ///< by digest
  std::map<std::string, MemoryKey, std::less<>> keys;                 ///< by hash
  std::map<std::string, std::string, std::less<>> hashes;             ///< by digest
  std::map<std::string, MemoryReference, std::less<>> references;
  std::map<std::pair<std::string, TimePoint>, Money> allowances;  ///< by hash and period
  std::vector<UsageRow> rows;                                     ///< oldest first
  /// By account, day, key and model.
  std::map<std::tuple<AccountId, std::string, std::string, std::string>, UsageDay> days;
  std::map<std::pair<AccountId, std::string>, MemoryAnswer> answers;
  std::map<std::string, DeviceSession, std::less<>> sessions;  ///< by device digest
  std::string last_batch;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
