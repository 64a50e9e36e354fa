#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/safe_url.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Whether text is an IPv4 address of 127.0.0.0/8 in four decimal parts, or [::1].
inline bool is_loopback_literal(std::string_view host) noexcept {
  if (host == "[::1]") return true;
  if (!host.starts_with("127.")) return false;
  int parts = 0;
  while (true) {
    const auto dot = host.find('.');
    const auto part = host.substr(0, dot);
    int value = 0;
    if (part.empty() || part.size() > 3 || (part.size() > 1 && part.front() == '0')) return false;
    for (const char digit : part) {
      if (digit < '0' || digit > '9') return false;
      value = value * 10 + (digit - '0');
    }
    if (value > 255) return false;
    ++parts;
    if (dot == std::string_view::npos) return parts == 4;
    host.remove_prefix(dot + 1);
  }
}

}  // namespace detail

CREDPOOL_INLINE bool is_safe_base_url(std::string_view url) noexcept {
  const bool plain = url.starts_with("http://");
  if (!plain && !url.starts_with("https://")) return false;
  for (const char c : url)
    if (c <= ' ' || c >= '\x7f' || c == '@' || c == '?' || c == '#' || c == '\\') return false;
  url.remove_prefix(plain ? 7 : 8);
  auto host = url.substr(0, url.find('/'));
  const auto port = host.find(':', host.starts_with('[') ? host.find(']') : 0);
  if (port != std::string_view::npos) {
    const auto digits = host.substr(port + 1);
    if (digits.empty() || digits.size() > 5 ||
        digits.find_first_not_of("0123456789") != std::string_view::npos)
      return false;
    host = host.substr(0, port);
  }
  return !host.empty() && (!plain || detail::is_loopback_literal(host));
}

}  // namespace credpool::inline CREDPOOL_ABI
