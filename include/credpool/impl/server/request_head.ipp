#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/server/request_head.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::optional<std::string_view> find_header(const std::vector<HeaderView>& headers,
                                                            std::string_view name) noexcept {
  for (const auto& header : headers)
    if (same_header_name(header.name, name)) return header.value;
  return std::nullopt;
}

}  // namespace credpool::inline CREDPOOL_ABI
