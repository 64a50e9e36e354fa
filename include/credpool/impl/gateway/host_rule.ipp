#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/gateway/host_rule.hpp>

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <arpa/inet.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

constexpr std::size_t longest_authority = 260;

/// In lower case; none when it is longer than any name or holds what no authority holds.
inline std::optional<std::string> lower_authority(std::string_view text) {
  if (text.empty() || text.size() > longest_authority) return std::nullopt;
  std::string lower{text};
  for (auto& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                      c == ':' || c == '[' || c == ']' || c == '_';
    if (!good) return std::nullopt;
  }
  return lower;
}

/// The address as the system itself writes it; empty when that is not how it is written.
inline std::string canonical_address(std::string_view text, int family) {
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> back{};
  const std::string address{text};
  if (::inet_pton(family, address.c_str(), bytes.data()) != 1 ||
      ::inet_ntop(family, bytes.data(), back.data(), back.size()) == nullptr ||
      address != back.data())
    return {};
  return address;
}

/// The port of "host:port"; none without one, or for another notation than plain decimal.
inline std::optional<std::uint16_t> authority_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty() ||
      digits.front() == '0')
    return std::nullopt;
  return port;
}

inline std::string with_port(std::string_view host, std::uint16_t port) {
  return std::string{host} + ":" + std::to_string(port);
}

}  // namespace detail

CREDPOOL_INLINE void HostRule::add(std::string authority, bool tls) {
  auto& schemes = known_[std::move(authority)];
  (tls ? schemes.https : schemes.http) = true;
}

CREDPOOL_INLINE void HostRule::add_listener(const ListenAddress& bound, bool tls) {
  if (!bound.unix_path.empty()) return add("localhost", tls);
  const auto under = [&](std::string_view host) {
    add(detail::with_port(host, bound.port), tls);
    if (bound.port == (tls ? 443 : 80)) add(std::string{host}, tls);  // the scheme's own port
  };
  const bool six = bound.ip.find(':') != std::string::npos;
  under(six ? "[" + bound.ip + "]" : bound.ip);
  const bool every = bound.ip == "0.0.0.0" || bound.ip == "::";
  if (every || bound.ip == "127.0.0.1" || bound.ip == "::1") under("localhost");
  auto& schemes = ports_[bound.port];
  (tls ? schemes.https : schemes.http) = true;
  if (every) every_v4_[bound.port] = schemes;
  if (bound.ip == "::") every_v6_[bound.port] = schemes;
  for (const auto& name : names_) under(name);
}

CREDPOOL_INLINE Result<void> HostRule::add_name(std::string_view name) {
  const auto bad = [] {
    return fail(Errc::invalid_argument, "allowing a host name", {},
                "give a name as pool.example.com, with a port if it has one of its own");
  };
  const auto lower = detail::lower_authority(name);
  if (!lower || lower->front() == '.' || lower->front() == ':' || lower->back() == '.')
    return bad();
  const auto colon = lower->find(':', lower->starts_with('[') ? lower->find(']') : 0);
  const auto both = [this](std::string authority) {
    known_[std::move(authority)] = {.http = true, .https = true};
  };
  if (colon != std::string::npos) {
    if (colon == 0 || !detail::authority_port(std::string_view{*lower}.substr(colon + 1)))
      return bad();
    both(*lower);
    return {};
  }
  names_.insert(*lower);
  both(*lower);
  for (const auto& [port, schemes] : ports_) both(detail::with_port(*lower, port));
  return {};
}

CREDPOOL_INLINE const HostRule::Schemes* HostRule::find(std::string_view host) const {
  const auto lower = detail::lower_authority(host);
  if (!lower) return nullptr;
  if (const auto found = known_.find(*lower); found != known_.end()) return &found->second;
  if (every_v4_.empty()) return nullptr;
  // A listener on every address: any of them, as literals.
  const std::string_view text{*lower};
  const bool six = text.starts_with('[');
  const auto end = six ? text.find(']') : text.find(':');
  if (end == std::string_view::npos) return nullptr;
  const auto address = six ? text.substr(1, end - 1) : text.substr(0, end);
  const auto rest = text.substr(six ? end + 1 : end);
  if (!rest.starts_with(':') ||
      detail::canonical_address(address, six ? AF_INET6 : AF_INET).empty())
    return nullptr;
  const auto port = detail::authority_port(rest.substr(1));
  if (!port) return nullptr;
  const auto& every = six ? every_v6_ : every_v4_;
  const auto found = every.find(*port);
  return found == every.end() ? nullptr : &found->second;
}

CREDPOOL_INLINE bool HostRule::allows(std::string_view host) const {
  return find(host) != nullptr;
}

CREDPOOL_INLINE bool HostRule::is_own_origin(std::string_view origin, std::string_view host) const {
  const auto* schemes = find(host);
  if (schemes == nullptr) return false;
  const bool https = origin.starts_with("https://");
  if (https ? !schemes->https : !(schemes->http && origin.starts_with("http://"))) return false;
  // Browsers write both in lower case; the Host was compared without regard to it.
  return detail::lower_authority(origin.substr(https ? 8 : 7)) == detail::lower_authority(host);
}

}  // namespace credpool::inline CREDPOOL_ABI
