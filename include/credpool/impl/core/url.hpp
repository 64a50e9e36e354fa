#pragma once
// SPDX-License-Identifier: MIT

// The parts of an absolute URL, as far as a transport needs them. Internal.

#include <credpool/core/result.hpp>

#include <charconv>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct Url {
  bool tls = false;
  std::string user_info;  ///< "user:password", only for a proxy
  std::string host;       ///< lower case; an IPv6 literal without its brackets
  int port = 0;
  std::string target;  ///< path and query, at least "/"

  bool is_ipv6() const { return host.find(':') != std::string::npos; }
  /// "host" or "[::1]", and the port when it is not the scheme's own.
  std::string authority() const {
    auto text = is_ipv6() ? "[" + host + "]" : host;
    if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
    return text;
  }
};

/// Takes an absolute http or https URL apart.
/// @errors configuration; the URL itself is never quoted, since it may hold a password
inline Result<Url> parse_url(std::string_view text) {
  const auto bad = [](std::string_view why) {
    return fail(Errc::configuration, "reading a URL", {}, std::string{why});
  };
  for (const char c : text)
    if (c <= ' ' || c >= '\x7f' || c == '"' || c == '<' || c == '>' || c == '\\')
      return bad("it holds characters that may not stand in a URL");
  Url url;
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return bad("it must begin with https:// or http://");
  }
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  auto authority = text.substr(0, end);
  auto target = text.substr(end);
  target = target.substr(0, std::min(target.find('#'), target.size()));
  url.target = target.starts_with('/') ? std::string{target} : "/" + std::string{target};

  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    url.user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  url.port = url.tls ? 443 : 80;
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return bad("its IPv6 address does not end");
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (host.empty() || host.size() > 253) return bad("it names no host");
  if (!port.empty()) {
    if (port.front() != ':') return bad("its port cannot be read");
    port.remove_prefix(1);
    const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc{} || stop != port.data() + port.size() || url.port < 1 ||
        url.port > 65535)
      return bad("its port cannot be read");
  }
  url.host = host;
  for (auto& c : url.host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return url;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
