#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/server/request_head.hpp>

#include <cstddef>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE bool same_header_name(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

CREDPOOL_INLINE std::optional<std::string_view> find_header(const std::vector<HeaderView>& headers,
                                                            std::string_view name) noexcept {
  for (const auto& header : headers)
    if (same_header_name(header.name, name)) return header.value;
  return std::nullopt;
}

}  // namespace credpool::inline CREDPOOL_ABI
