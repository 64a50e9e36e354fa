#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// A model at a provider.
struct ModelTarget {
  std::string provider;
  std::string model;  ///< the name that the provider gives it

  friend bool operator==(const ModelTarget&, const ModelTarget&) = default;
};

/// How long the proxy waits for the next thing to happen.
struct ProxyTimeouts {
  std::chrono::seconds request_head{10};  ///< until a client has sent its whole header
  std::chrono::seconds request_body{60};  ///< between two pieces of a client's body
  std::chrono::seconds connect{10};       ///< until the connection to a provider stands, TLS done
  std::chrono::seconds first_byte{300};   ///< until a provider's answer begins
  std::chrono::seconds idle{300};         ///< between two pieces of an answer, to either side
  std::chrono::seconds drain{30};         ///< for running answers when the server is stopped
};

/// The settings of `credpool serve`. docs/configuration.md describes each.
struct ProxySettings {
  /// "host:port", "[IPv6]:port" or "unix:<path>". No service that we know of uses port 8484: the
  /// services register has none there, and the model servers and gateways in use have others.
  std::string listen = "127.0.0.1:8484";
  /// Names of the user's own, each with what serves it, in the order of preference.
  std::map<std::string, std::vector<ModelTarget>, std::less<>> models;
  std::chrono::seconds hold{0};  ///< how long a request waits for a credential when none is free
  int max_attempts = 4;          ///< credentials tried for one request
  ProxyTimeouts timeouts;
  std::size_t max_body_bytes = std::size_t{32} << 20;  ///< of a request
};

/// Whether text names a place to listen at: "host:port", "[IPv6]:port" or "unix:<path>".
bool is_listen_address(std::string_view text) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/config/proxy_settings.ipp>
#endif
