#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/money.hpp>

namespace credpool::inline CREDPOOL_ABI {

inline constexpr Money least_purchase = Money::dollars(5);
inline constexpr Money most_purchase = Money::dollars(10'000);

/// What selling credits costs on top: 5.5 % or $0.80, whichever is more, rounded half up to cents.
/// @param amount from least_purchase to most_purchase
constexpr Money platform_fee(Money amount) noexcept {
  const auto cents = (amount.micros * 55 + 5'000'000) / 10'000'000;
  return {(cents < 80 ? 80 : cents) * 10'000};
}

/// Whether an amount is a whole number of cents.
constexpr bool is_whole_cents(Money amount) noexcept {
  return amount.micros % 10'000 == 0;
}

}  // namespace credpool::inline CREDPOOL_ABI
