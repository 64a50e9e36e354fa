#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// At most 13 letters and digits, which need no memory of their own.
inline std::string base36(std::uint64_t number) {
  std::array<char, 13> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 36).ptr;
  return {digits.data(), end};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
