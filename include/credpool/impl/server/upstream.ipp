#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/server/upstream.hpp>

#include <credpool/impl/core/url.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string UpstreamOrigin::authority() const {
  auto text = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

CREDPOOL_INLINE std::string UpstreamOrigin::key() const {
  return (tls ? "https://" : "http://") + authority();
}

CREDPOOL_INLINE Result<UpstreamOrigin> UpstreamOrigin::parse(std::string_view url) {
  auto parts = detail::parse_url(url);
  if (!parts || !parts->user_info.empty())
    return fail(Errc::invalid_argument, "reading the address of an upstream", {},
                "give https://host or https://host:port");
  return UpstreamOrigin{parts->host, static_cast<std::uint16_t>(parts->port), parts->tls};
}

}  // namespace credpool::inline CREDPOOL_ABI
