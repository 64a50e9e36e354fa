#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/money.hpp>
#include <credpool/core/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

using AccountId = std::string;  ///< a UUID (RFC 9562, version 4)

/// Somebody who has credits and gives out keys.
struct Account {
  AccountId id;
  std::string email;          ///< in lower case; no two accounts have the same
  std::string password_hash;  ///< argon2id or bcrypt text; empty: only GitHub logs in
  std::string plan = "free";
  std::optional<std::int64_t> github_id;
  std::string avatar_url;
  TimePoint created_at{};
};

/// A key that manages an account. Only its digest is kept.
struct ManagementKey {
  std::string digest;  ///< SHA-256 of the key, 64 hexadecimal digits
  AccountId account;
  TimePoint created_at{};
  std::optional<TimePoint> revoked_at;
};

/// When a key's limit begins anew.
enum class LimitReset { never, daily, weekly, monthly };

/// One stretch of time that a key's limit holds for.
struct LimitPeriod {
  TimePoint start{};                     ///< the epoch with LimitReset::never
  TimePoint end = TimePoint::max();      ///< the first moment of the next one
  std::string first_day = "0000-00-00";  ///< of start, as in UsageDay; with never: before every day
};

/// A key that spends an account's credits. Only its digest is kept.
struct ProvisionedKey {
  std::string hash;  ///< public name: the first 16 hexadecimal digits of the first value's SHA-256
  std::string digest;  ///< SHA-256 of the value it has now, 64 hexadecimal digits
  AccountId account;
  std::string name;  ///< no two keys of an account that are not revoked have the same
  std::optional<Money> credit_limit;  ///< none: only the account's balance limits it
  LimitReset limit_reset = LimitReset::never;
  Money usage;  ///< all it has ever spent
  /// Spent in the period that began at period_start; of an earlier period until the key is used in
  /// the next one.
  Money period_usage;
  TimePoint period_start{};
  bool disabled = false;
  TimePoint created_at{};
  std::optional<TimePoint> expires_at;
  std::optional<TimePoint> revoked_at;
};

/// What an account has: remaining = credits - usage.
struct Balance {
  Money credits;   ///< all that was ever paid in
  Money usage;     ///< all that was ever spent
  Money reserved;  ///< held by servers for requests; part of what remains
  Money remaining() const noexcept { return credits - usage; }
};

/// How an account's credits are filled up by itself.
struct AutoTopUp {
  bool enabled = false;
  Money threshold = Money::dollars(5);
  Money amount = Money::dollars(25);
  std::optional<TimePoint> updated_at;
};

enum class TransactionType { purchase, usage, refund, auto_topup, grant };

/// One change of an account's balance. The sum of all of them is what remains. Usage is one entry
/// for each day, and a new one after every other change: it grows while it is the newest.
struct CreditTransaction {
  std::string id;  ///< a UUID
  TransactionType type = TransactionType::purchase;
  Money amount;  ///< negative for usage
  Money balance_after;
  std::string description;
  TimePoint created_at{};
};

/// One request that was served, as it was settled.
struct UsageRow {
  std::string request_id;
  std::string key_hash;
  AccountId account;
  std::string model;
  std::uint64_t input_tokens = 0;
  std::uint64_t cached_input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t reasoning_tokens = 0;
  bool estimated = false;  ///< the provider did not say: counted from the bytes
  Money cost;
  int status = 0;  ///< of the upstream; 0: it gave none
  TimePoint at{};
};

/// What one key used of one model on one day of the ledger's time zone.
struct UsageDay {
  std::string key_hash;
  std::string model;
  std::string day;  ///< "2026-11-21"
  std::uint64_t requests = 0;
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  Money cost;
};

std::string_view to_string(LimitReset reset) noexcept;      ///< "never", "daily" ...
std::string_view to_string(TransactionType type) noexcept;  ///< "purchase" ...
std::optional<LimitReset> limit_reset_of(std::string_view name) noexcept;
std::optional<TransactionType> transaction_type_of(std::string_view name) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/records.ipp>
#endif
