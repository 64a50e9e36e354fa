#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// An amount of US dollars, counted in whole micro-dollars: sums are exact.
struct Money {
  std::int64_t micros = 0;

  static constexpr Money dollars(std::int64_t amount) noexcept { return {amount * 1'000'000}; }

  friend constexpr auto operator<=>(const Money&, const Money&) = default;
  constexpr Money& operator+=(Money other) noexcept {
    micros += other.micros;
    return *this;
  }
  constexpr Money& operator-=(Money other) noexcept {
    micros -= other.micros;
    return *this;
  }
  friend constexpr Money operator+(Money a, Money b) noexcept { return a += b; }
  friend constexpr Money operator-(Money a, Money b) noexcept { return a -= b; }
};

/// No amount that comes from outside is larger (a trillion dollars): sums of millions of them do
/// not overflow.
inline constexpr Money most_money{1'000'000'000'000'000'000};

/// Reads a plain decimal number: digits, and at most six decimals that are not zero.
///
/// @errors invalid_argument for a sign, an exponent, NaN, thousands separators, a number that is
///         no whole count of micro-dollars, or one over most_money; the hint says which
Result<Money> parse_money(std::string_view text);

/// The same of a JSON number that was read as a double: the one amount that is written like it.
Result<Money> money_from(double number);

/// The shortest JSON number: "15.35", "0", "-0.000001".
std::string money_number(Money amount);

/// For a person: "$15.35", "-$0.04"; rounded half away from zero to cents.
std::string money_text(Money amount);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/money.ipp>
#endif
