#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/server/trusted_proxies.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

using ProxyAddress = std::array<std::uint8_t, 16>;  ///< IPv4 as ::ffff:a.b.c.d

inline std::optional<ProxyAddress> proxy_address(std::string_view text) {
  const std::string name{text};
  ProxyAddress address{};
  if (::inet_pton(AF_INET6, name.c_str(), address.data()) == 1) return address;
  if (::inet_pton(AF_INET, name.c_str(), address.data() + 12) != 1) return std::nullopt;
  address[10] = address[11] = 0xff;
  return address;
}

inline bool is_mapped(const ProxyAddress& address) noexcept {
  return std::all_of(address.begin(), address.begin() + 10, [](auto byte) { return byte == 0; }) &&
         address[10] == 0xff && address[11] == 0xff;
}

/// The one way in which an address is written, as the engine writes its peers'.
inline std::string proxy_address_text(const ProxyAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_mapped(address))
    ::inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
  else
    ::inet_ntop(AF_INET6, address.data(), text, sizeof text);
  return text;
}

/// One item of X-Forwarded-For: an address, some write its port behind it.
inline std::optional<ProxyAddress> forwarded_address(std::string_view item) {
  while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
  while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
  if (item.starts_with('[')) {
    const auto end = item.find(']');
    if (end == item.npos) return std::nullopt;
    return proxy_address(item.substr(1, end - 1));
  }
  if (const auto colon = item.find(':');
      colon != item.npos && item.find(':', colon + 1) == item.npos)
    item = item.substr(0, colon);
  return proxy_address(item);
}

}  // namespace detail

CREDPOOL_INLINE Result<TrustedProxies> TrustedProxies::parse(std::span<const std::string> texts) {
  TrustedProxies proxies;
  for (const auto& text : texts) {
    if (text == "unix") {
      proxies.unix_ = true;
      continue;
    }
    const auto bad = [&](std::string hint) {
      return fail(Errc::invalid_argument, "reading a trusted proxy", text, std::move(hint));
    };
    const auto slash = text.find('/');
    const auto address = detail::proxy_address(std::string_view{text}.substr(0, slash));
    if (!address) return bad("give an address or a network, such as 10.0.0.0/8, or unix");
    const int width = text.find(':') == text.npos ? 32 : 128;
    int bits = width;
    if (slash != text.npos) {
      const auto* const end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
      if (error != std::errc{} || stop != end || bits < 0 || bits > width)
        return bad("the number behind / must be from 0 to " + std::to_string(width));
    }
    proxies.networks_.push_back({*address, bits + 128 - width});
  }
  return proxies;
}

CREDPOOL_INLINE bool TrustedProxies::trusts(std::string_view peer) const noexcept {
  if (none()) return false;
  if (peer == "unix") return unix_;
  const auto address = detail::proxy_address(peer);
  if (!address) return false;
  return std::ranges::any_of(networks_, [&](const Network& network) {
    const auto whole = static_cast<std::size_t>(network.bits / 8);
    if (!std::equal(address->begin(), address->begin() + static_cast<std::ptrdiff_t>(whole),
                    network.prefix.begin()))
      return false;
    const int rest = network.bits % 8;
    return rest == 0 || ((*address)[whole] ^ network.prefix[whole]) >> (8 - rest) == 0;
  });
}

CREDPOOL_INLINE std::string TrustedProxies::asker(std::string_view peer,
                                                  const RequestHead& head) const {
  std::string asker{peer};
  if (!trusts(asker)) return asker;
  for (auto header = head.headers.rbegin(); header != head.headers.rend(); ++header) {
    if (!same_header_name(header->name, "x-forwarded-for")) continue;
    for (auto rest = header->value;;) {
      const auto comma = rest.rfind(',');
      const auto address =
          detail::forwarded_address(comma == rest.npos ? rest : rest.substr(comma + 1));
      if (!address) return asker;
      asker = detail::proxy_address_text(*address);
      if (!trusts(asker)) return asker;
      if (comma == rest.npos) break;
      rest = rest.substr(0, comma);
    }
  }
  return asker;
}

}  // namespace credpool::inline CREDPOOL_ABI
