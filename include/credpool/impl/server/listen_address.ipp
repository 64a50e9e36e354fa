#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/server/listen_address.hpp>

#include <credpool/impl/server/socket_address.hpp>

#include <charconv>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<ListenAddress> ListenAddress::parse(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::invalid_argument, "reading an address to listen at", std::string{text},
                "give 127.0.0.1:8484, [::1]:8484 or unix:/path/to/socket");
  };
  ListenAddress address;
  if (text.starts_with("unix:")) {
    address.unix_path = text.substr(5);
    // sockaddr_un holds 108 bytes with the final zero.
    if (!address.unix_path.is_absolute() || address.unix_path.native().size() > 107) return bad();
    return address;
  }
  const auto colon = text.rfind(':');
  auto ip = colon == std::string_view::npos ? std::string_view{"127.0.0.1"} : text.substr(0, colon);
  const auto port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) return bad();
  if (ip == "localhost") ip = "127.0.0.1";
  if (ip == "*") ip = "::";
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  address.ip = ip;
  in6_addr parsed{};
  if (::inet_pton(ip.find(':') == std::string_view::npos ? AF_INET : AF_INET6, address.ip.c_str(),
                  &parsed) != 1)
    return bad();
  return address;
}

CREDPOOL_INLINE std::string ListenAddress::text() const {
  if (!unix_path.empty()) return "unix:" + unix_path.string();
  return (ip.find(':') != std::string::npos ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

CREDPOOL_INLINE bool ListenAddress::is_local() const noexcept {
  const auto where = detail::SocketAddress::of_ip(ip, port);
  return !unix_path.empty() || (where && where->is_loopback());
}

}  // namespace credpool::inline CREDPOOL_ABI
