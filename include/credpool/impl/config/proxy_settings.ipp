#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/proxy_settings.hpp>

#include <charconv>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE bool is_listen_address(std::string_view text) noexcept {
  for (const char c : text)
    if (c <= ' ' || c > '~') return false;
  constexpr std::string_view local = "unix:";
  if (text.starts_with(local)) return text.size() > local.size();
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto host = text.substr(0, colon);
  const bool bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  if (!bracketed && host.find_first_of(":[]/@") != std::string_view::npos) return false;
  unsigned port = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data() + colon + 1, end, port);
  return error == std::errc{} && stopped == end && port <= 65535;
}

}  // namespace credpool::inline CREDPOOL_ABI
