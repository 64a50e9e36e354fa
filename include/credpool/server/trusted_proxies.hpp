#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/server/request_head.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Reverse proxies whose X-Forwarded-For is believed. By default there are none.
///
/// @thread_safety safe (immutable)
class TrustedProxies {
 public:
  /// Reads addresses and networks: "10.0.0.0/8", "fd00::/8", "192.0.2.7", or "unix" for whoever
  /// comes by a Unix socket.
  /// @errors invalid_argument
  static Result<TrustedProxies> parse(std::span<const std::string> texts);

  bool none() const noexcept { return networks_.empty() && !unix_; }
  /// @param peer an IP address, or "unix"
  bool trusts(std::string_view peer) const noexcept;

  /// Who asks: the connection's peer; if that is a trusted proxy, the rightmost address of
  /// X-Forwarded-For that is none. What stands left of it was written by somebody else, and is not
  /// looked at; something that is no address ends the search at the proxy before it.
  std::string asker(std::string_view peer, const RequestHead& head) const;

 private:
  struct Network {
    std::array<std::uint8_t, 16> prefix{};  ///< of an IPv4 network: mapped into IPv6
    int bits = 128;
  };

  std::vector<Network> networks_;
  bool unix_ = false;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/server/trusted_proxies.ipp>
#endif
