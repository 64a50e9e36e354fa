#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Digits and small letters, at most 13: they need no memory of their own, and two more fit in
/// front.
inline std::string base36(std::uint64_t number, std::string_view before = {}) {
  std::array<char, 13> digits;
  auto* first = digits.data() + digits.size();
  do {  // not to_chars(), which divides by a base that it does not know beforehand
    *--first = "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36];
    number /= 36;
  } while (number != 0);
  std::string text{before};
  return text.append(first, digits.data() + digits.size());
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
