#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/gate.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view presented_key(const RequestHead& head) noexcept {
  std::string_view key;
  for (const auto& [name, value] : head.headers) {
    auto given = value;
    if (same_header_name(name, "authorization")) {
      constexpr std::string_view scheme = "bearer ";
      if (given.size() <= scheme.size() ||
          !same_header_name(given.substr(0, scheme.size()), scheme))
        return {};
      given.remove_prefix(scheme.size());
    } else if (!same_header_name(name, "x-api-key") && !same_header_name(name, "api-key")) {
      continue;
    }
    if (!key.empty() && key != given) return {};
    key = given;
  }
  return key;
}

}  // namespace credpool::inline CREDPOOL_ABI
