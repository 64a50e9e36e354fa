#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/records.hpp>

#include <array>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline constexpr std::array<std::pair<LimitReset, std::string_view>, 4> limit_reset_names{{
    {LimitReset::never, "never"},
    {LimitReset::daily, "daily"},
    {LimitReset::weekly, "weekly"},
    {LimitReset::monthly, "monthly"},
}};

inline constexpr std::array<std::pair<TransactionType, std::string_view>, 5> transaction_names{{
    {TransactionType::purchase, "purchase"},
    {TransactionType::usage, "usage"},
    {TransactionType::refund, "refund"},
    {TransactionType::auto_topup, "auto_topup"},
    {TransactionType::grant, "grant"},
}};

template <class Names, class Value>
std::string_view account_name_of(const Names& names, Value value) noexcept {
  for (const auto& [known, name] : names)
    if (known == value) return name;
  return {};
}

template <class Value, std::size_t count>
std::optional<Value> account_value_of(
    const std::array<std::pair<Value, std::string_view>, count>& names,
    std::string_view text) noexcept {
  for (const auto& [value, name] : names)
    if (name == text) return value;
  return std::nullopt;
}

}  // namespace detail

CREDPOOL_INLINE std::string_view to_string(LimitReset reset) noexcept {
  return detail::account_name_of(detail::limit_reset_names, reset);
}

CREDPOOL_INLINE std::string_view to_string(TransactionType type) noexcept {
  return detail::account_name_of(detail::transaction_names, type);
}

CREDPOOL_INLINE std::optional<LimitReset> limit_reset_of(std::string_view name) noexcept {
  return detail::account_value_of(detail::limit_reset_names, name);
}

CREDPOOL_INLINE std::optional<TransactionType> transaction_type_of(std::string_view name) noexcept {
  return detail::account_value_of(detail::transaction_names, name);
}

}  // namespace credpool::inline CREDPOOL_ABI
