#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/gate.hpp>

#include <charconv>

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

CREDPOOL_INLINE std::optional<std::uint64_t> told_body_bytes(const RequestHead& head) noexcept {
  const auto length = head.header("content-length");
  if (!length)
    return head.header("transfer-encoding") ? std::nullopt : std::optional<std::uint64_t>{0};
  std::uint64_t bytes = 0;
  const auto* const end = length->data() + length->size();
  const auto [stop, error] = std::from_chars(length->data(), end, bytes);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return bytes;
}

}  // namespace credpool::inline CREDPOOL_ABI
