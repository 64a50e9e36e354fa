#pragma once
// SPDX-License-Identifier: MIT

// Opt-in: needs cpp-httplib with TLS. Not under the umbrella header.
#if !defined(CPPHTTPLIB_OPENSSL_SUPPORT)
#error \
    "credpool/transport/httplib.hpp needs cpp-httplib's own flags (its layouts differ by macro): compile with `pkg-config --cflags cpp-httplib` or Meson's dependency('cpp-httplib'), built with OpenSSL"
#endif

#include <credpool/core/environment.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/transport/concept.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// How HttplibTransport reaches the world.
struct HttplibOptions {
  /// Sent unless the request brings its own: who we really are.
  std::string user_agent = "credpool/" CREDPOOL_VERSION_STRING;
  /// PEM files trusted besides the system's certificates.
  std::vector<std::filesystem::path> ca_files;
  /// "http://[user:password@]host:port" for https requests; empty: direct. Never used for loopback.
  Secret proxy;
  /// Hosts that are reached directly: "*", a host, or a domain (with or without leading dot).
  std::vector<std::string> no_proxy;
  /// Plain http to any host, readable by everybody between: only when a person asks for it.
  bool allow_plain_http = false;

  /// From HTTPS_PROXY, NO_PROXY (either case), SSL_CERT_FILE and NODE_EXTRA_CA_CERTS.
  static HttplibOptions from(const Environment& environment);
};

/// HTTP and HTTPS over cpp-httplib, one connection for each request.
///
/// The request is delivered at most once: no redirect is followed, and httplib's own repetition
/// after a close without an answer is refused (over a proxy: for requests with a body).
/// Certificates are always verified. `Request::timeout` bounds the whole exchange, however slowly
/// it trickles; only the system's name look-up keeps its own limits. SIGPIPE is held back in the
/// calling thread for the length of a call, so that a peer's close kills nobody.
///
/// An error after the connection stood leaves open whether the server acted on the request.
///
/// @thread_safety safe
/// @errors network; tls; timeout; too_large; configuration for plain http to anything but loopback
///         (unless the options allow it), a URL or a proxy that cannot be used; invalid_argument
///         for a header that may not be sent
class HttplibTransport {
 public:
  explicit HttplibTransport(HttplibOptions options = {});
  ~HttplibTransport();
  HttplibTransport(HttplibTransport&&) noexcept;
  HttplibTransport& operator=(HttplibTransport&&) noexcept;

  Result<Response> send(const Request& request);

 private:
  struct State;
  std::unique_ptr<const State> state_;
};
static_assert(Transport<HttplibTransport>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/transport/httplib.ipp>
#endif
