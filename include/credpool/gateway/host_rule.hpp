#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/server/listen_address.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Which Host and Origin headers mean this server: an exact list, so that a name which somebody
/// else points at this machine (DNS rebinding) or a page of another site gets nothing.
///
/// @thread_safety reading is safe once everything was added
/// @source RFC 9110, section 7.2 (Host), RFC 6454 (Origin)
class HostRule {
 public:
  /// A listener's own names, each with its port: the address as it is written canonically, for
  /// 127.0.0.1 and [::1] also `localhost`. One for every address of the machine answers to each IP
  /// literal: rebinding needs a name. A Unix socket answers to `localhost` without a port.
  /// @param bound with the real port
  void add_listener(const ListenAddress& bound, bool tls);

  /// A further name, for who comes through a reverse proxy or by a name of the network.
  ///
  /// @param name "pool.example.com" (with the listeners' ports, and without one) or
  ///             "pool.example.com:8443"; its pages may have come by https although we speak http
  /// @errors invalid_argument
  Result<void> add_name(std::string_view name);

  /// Whether a Host header means us.
  bool allows(std::string_view host) const;
  /// Whether an Origin header is that of our own pages under this Host; "null" never is.
  bool is_own_origin(std::string_view origin, std::string_view host) const;

 private:
  struct Schemes {
    bool http = false;
    bool https = false;
  };
  /// Under what a Host header is known; null: it is not.
  const Schemes* find(std::string_view host) const;
  void add(std::string authority, bool tls);

  std::map<std::string, Schemes, std::less<>> known_;
  std::set<std::string> names_;  ///< of add_name(), without a port
  std::map<std::uint16_t, Schemes> ports_;
  std::map<std::uint16_t, Schemes> every_v4_;  ///< listeners on 0.0.0.0 (or ::) by port
  std::map<std::uint16_t, Schemes> every_v6_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/gateway/host_rule.ipp>
#endif
