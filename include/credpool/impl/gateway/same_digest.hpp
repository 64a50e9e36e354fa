#pragma once
// SPDX-License-Identifier: MIT

// Internal.

#include <credpool/core/hash.hpp>
#include <credpool/core/secret.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// In a time that does not depend on them.
inline bool same_digest(const Digest& a, const Digest& b) noexcept {
  const auto bytes = [](const Digest& digest) {
    return std::string_view{reinterpret_cast<const char*>(digest.data()), digest.size()};
  };
  return equal_in_constant_time(bytes(a), bytes(b));
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
