#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/money.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline Unexpected not_money(const char* why) {
  return fail(Errc::invalid_argument, "reading an amount", {}, why);
}

inline bool is_money_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// The absolute value; right for the smallest number as well.
inline std::uint64_t money_magnitude(Money amount) noexcept {
  const auto bits = static_cast<std::uint64_t>(amount.micros);
  return amount.micros < 0 ? 0 - bits : bits;
}

inline std::string money_fraction(std::uint64_t value, std::size_t digits) {
  auto text = std::to_string(value);
  return std::string(digits - text.size(), '0') + text;
}

}  // namespace detail

CREDPOOL_INLINE Result<Money> parse_money(std::string_view text) {
  constexpr auto most = static_cast<std::uint64_t>(most_money.micros);
  std::uint64_t micros = 0;
  std::size_t whole = 0;
  for (; whole < text.size() && detail::is_money_digit(text[whole]); ++whole) {
    micros = micros * 10 + static_cast<std::uint64_t>(text[whole] - '0');
    if (micros > most / 1'000'000) return detail::not_money("it is too large");
  }
  if (whole == 0) return detail::not_money("it must be a plain number, such as 12.50");
  micros *= 1'000'000;
  if (whole < text.size()) {
    if (text[whole] != '.' || whole + 1 == text.size())
      return detail::not_money("it must be a plain number, such as 12.50");
    std::uint64_t unit = 100'000;
    for (const char c : text.substr(whole + 1)) {
      if (!detail::is_money_digit(c))
        return detail::not_money("it must be a plain number, such as 12.50");
      if (unit == 0 && c != '0') return detail::not_money("it has more than six decimals");
      micros += unit * static_cast<std::uint64_t>(c - '0');
      unit /= 10;
    }
  }
  if (micros > most) return detail::not_money("it is too large");
  return Money{static_cast<std::int64_t>(micros)};
}

CREDPOOL_INLINE Result<Money> money_from(double number) {
  if (!std::isfinite(number)) return detail::not_money("it is not a finite number");
  if (std::signbit(number)) return detail::not_money("it must not be negative");
  // No amount of ours has more digits before the point.
  if (number >= 1e13) return detail::not_money("it is too large");
  // The smallest double has over a thousand decimals; one that needs so many is no amount.
  std::array<char, 64> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{}) return detail::not_money("it has more than six decimals");
  return parse_money({text.data(), static_cast<std::size_t>(end - text.data())});
}

CREDPOOL_INLINE std::string money_number(Money amount) {
  const auto value = detail::money_magnitude(amount);
  std::string text = amount.micros < 0 ? "-" : "";
  text += std::to_string(value / 1'000'000);
  if (const auto rest = value % 1'000'000; rest != 0) {
    text += '.' + detail::money_fraction(rest, 6);
    while (text.back() == '0') text.pop_back();
  }
  return text;
}

CREDPOOL_INLINE std::string money_text(Money amount) {
  const auto value = detail::money_magnitude(amount);
  const auto cents = value / 10'000 + (value % 10'000 >= 5'000 ? 1 : 0);
  return (amount.micros < 0 && cents != 0 ? "-$" : "$") + std::to_string(cents / 100) + '.' +
         detail::money_fraction(cents % 100, 2);
}

}  // namespace credpool::inline CREDPOOL_ABI
