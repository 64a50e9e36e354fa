#pragma once
// SPDX-License-Identifier: MIT

// Internal.

#include <credpool/core/version.hpp>

#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Empties a text and gives its memory back, which neither clear() nor an assignment of {} does.
inline void give_back(std::string& text) noexcept {
  std::string{}.swap(text);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
