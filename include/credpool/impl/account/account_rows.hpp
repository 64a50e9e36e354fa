#pragma once
// SPDX-License-Identifier: MIT

// Records as rows of a database: what SQLite's and PostgreSQL's tables have in common. Internal:
// included by .ipp files only.
//
// A Row has integer(), flag(), null(), time() and bytes(), each of a column counted from 0.

#include <credpool/impl/account/allowance.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// SQL put together of parts while compiling: it is one literal.
template <std::size_t... sizes> consteval auto sql_text(const char (&... parts)[sizes]) {
  std::array<char, (sizes + ...) - sizeof...(sizes) + 1> text{};
  std::size_t length = 0;
  const auto add = [&](const char* part, std::size_t size) {
    for (std::size_t i = 0; i + 1 < size; ++i) text[length++] = part[i];
  };
  (add(parts, sizes), ...);
  return text;
}

template <class Row> std::string row_text(const Row& row, int column) {
  return std::string{row.bytes(column)};
}
template <class Row> Money row_money(const Row& row, int column) {
  return Money{row.integer(column)};
}
template <class Row> std::optional<TimePoint> row_maybe_time(const Row& row, int column) {
  return row.null(column) ? std::nullopt : std::optional{row.time(column)};
}
template <class Row> std::uint64_t row_count(const Row& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}
template <class Row> std::int64_t row_first_integer(const Row& row) {
  return row.integer(0);
}

inline constexpr char account_columns[] =
    "id, email, password_hash, plan, github_id, avatar_url, created_at";
template <class Row> Account row_account(const Row& row) {
  return {row_text(row, 0),
          row_text(row, 1),
          row_text(row, 2),
          row_text(row, 3),
          row.null(4) ? std::nullopt : std::optional{row.integer(4)},
          row_text(row, 5),
          row.time(6)};
}

template <class Row> Balance row_balance(const Row& row) {
  return {row_money(row, 0), row_money(row, 1), row_money(row, 2)};
}

template <class Row> AutoTopUp row_topup(const Row& row) {
  return {row.flag(0), row_money(row, 1), row_money(row, 2), row_maybe_time(row, 3)};
}

template <class Row> ManagementKey row_management_key(const Row& row) {
  return {row_text(row, 0), row_text(row, 1), row.time(2), row_maybe_time(row, 3)};
}

/// A key and the period that its counter stands for.
struct StoredKey {
  ProvisionedKey key;
  KeyPeriod period;
};

inline constexpr char account_key_columns[] =
    "hash, digest, account, name, credit_limit, limit_reset, usage, period_usage, period_start, "
    "disabled, created_at, expires_at, revoked_at, period_kind, counted_from";
template <class Row> StoredKey row_stored_key(const Row& row) {
  StoredKey stored;
  auto& key = stored.key;
  key.hash = row_text(row, 0);
  key.digest = row_text(row, 1);
  key.account = row_text(row, 2);
  key.name = row_text(row, 3);
  if (!row.null(4)) key.credit_limit = row_money(row, 4);
  key.limit_reset = limit_reset_of(row.bytes(5)).value_or(LimitReset::never);
  key.usage = row_money(row, 6);
  key.period_usage = row_money(row, 7);
  key.period_start = row.time(8);
  key.disabled = row.flag(9);
  key.created_at = row.time(10);
  key.expires_at = row_maybe_time(row, 11);
  key.revoked_at = row_maybe_time(row, 12);
  stored.period = {limit_reset_of(row.bytes(13)).value_or(LimitReset::never), row.time(14)};
  return stored;
}
template <class Row> ProvisionedKey row_key(const Row& row) {
  return row_stored_key(row).key;
}

inline constexpr char account_transaction_columns[] =
    "id, type, amount, balance_after, description, created_at";
template <class Row> CreditTransaction row_transaction(const Row& row) {
  return {row_text(row, 0),  transaction_type_of(row.bytes(1)).value_or(TransactionType::usage),
          row_money(row, 2), row_money(row, 3),
          row_text(row, 4),  row.time(5)};
}

inline constexpr char account_usage_columns[] =
    "account, key_hash, request_id, model, input_tokens, cached_input_tokens, output_tokens, "
    "reasoning_tokens, estimated, cost, status, at";
template <class Row> UsageRow row_usage(const Row& row) {
  UsageRow usage;
  usage.account = row_text(row, 0);
  usage.key_hash = row_text(row, 1);
  usage.request_id = row_text(row, 2);
  usage.model = row_text(row, 3);
  usage.input_tokens = row_count(row, 4);
  usage.cached_input_tokens = row_count(row, 5);
  usage.output_tokens = row_count(row, 6);
  usage.reasoning_tokens = row_count(row, 7);
  usage.estimated = row.flag(8);
  usage.cost = row_money(row, 9);
  usage.status = static_cast<int>(row.integer(10));
  usage.at = row.time(11);
  return usage;
}

template <class Row> UsageDay row_day(const Row& row) {
  return {row_text(row, 0),  row_text(row, 1),  row_text(row, 2), row_count(row, 3),
          row_count(row, 4), row_count(row, 5), row_money(row, 6)};
}

template <class Row> DeviceSession row_session(const Row& row) {
  return {row_text(row, 0), row_text(row, 1), row_text(row, 2),
          row_text(row, 3), row.time(4),      row_text(row, 5)};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
