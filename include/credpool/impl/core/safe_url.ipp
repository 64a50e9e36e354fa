#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/safe_url.hpp>

#include <credpool/impl/core/forbidden_address.hpp>

#include <algorithm>
#include <string>

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

/// Whether a host is written as resolvers, browsers and people all read it: a name, a dotted quad
/// or a bracketed IPv6 address, and none of those where no provider is. Other notations of an
/// address (decimal, octal, hexadecimal, short, an IPv4 one inside an IPv6 one) say one thing to a
/// check and another to a resolver.
inline bool is_plain_host(std::string_view host) {
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> back{};
  if (host.size() > 253) return false;
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return false;
    const std::string six{host.substr(1, host.size() - 2)};
    return ::inet_pton(AF_INET6, six.c_str(), bytes.data()) == 1 &&
           ::inet_ntop(AF_INET6, bytes.data(), back.data(), back.size()) != nullptr &&
           std::string_view{back.data()}.find('.') == std::string_view::npos &&
           !is_forbidden_v6(bytes.data()) && !(bytes[0] == 0x20 && bytes[1] == 0x02) &&
           !six.starts_with("64:ff9b:");
  }
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
  if (!plain || host.empty() || host.front() == '.' || host.find("..") != std::string_view::npos)
    return false;
  auto name = host;
  if (name.ends_with('.')) name.remove_suffix(1);
  const auto last = name.substr(name.rfind('.') + 1);
  const bool number =
      last.find_first_not_of("0123456789") == std::string_view::npos ||
      ((last.starts_with("0x") || last.starts_with("0X")) &&
       last.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos);
  if (!number) return name != "metadata.google.internal";
  const std::string four{host};
  return ::inet_pton(AF_INET, four.c_str(), bytes.data()) == 1 &&
         ::inet_ntop(AF_INET, bytes.data(), back.data(), back.size()) != nullptr &&
         four == back.data() && !is_forbidden_v4(bytes.data());
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
  return plain ? detail::is_loopback_literal(host) : detail::is_plain_host(host);
}

}  // namespace credpool::inline CREDPOOL_ABI
