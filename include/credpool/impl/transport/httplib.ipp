#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/transport/httplib.hpp>

#include <credpool/impl/transport/httplib_exchange.hpp>
#include <credpool/impl/core/url.hpp>

#include <httplib.h>

#include <algorithm>
#include <mutex>
#include <optional>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct HttplibStoreDeleter {
  void operator()(X509_STORE* store) const noexcept { ::X509_STORE_free(store); }
};
using HttplibStore = std::unique_ptr<X509_STORE, HttplibStoreDeleter>;

inline bool header_name_is_safe(std::string_view name) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  });
}

inline bool header_value_is_safe(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
  });
}

/// Moves the request's headers over, refusing what would end a header early (CR, LF, NUL).
inline Result<httplib::Headers> httplib_headers(const Request& request, const std::string& host,
                                                const std::string& user_agent) {
  const auto refuse = [&](std::string_view name) {
    return fail(Errc::invalid_argument, "sending a request", host,
                header_name_is_safe(name)
                    ? "header " + std::string{name} + " holds a control character"
                    : std::string{"a header's name is not a token"});
  };
  httplib::Headers headers;
  for (const auto& header : request.headers) {
    if (!header_name_is_safe(header.name) || !header_value_is_safe(header.value))
      return refuse(header.name);
    headers.emplace(header.name, header.value);
  }
  for (const auto& header : request.secret_headers) {
    if (!header_name_is_safe(header.name) || !header_value_is_safe(header.prefix) ||
        !header_value_is_safe(header.value.reveal()))
      return refuse(header.name);
    headers.emplace(header.name, header.prefix + std::string{header.value.reveal()});
  }
  if (headers.find("User-Agent") == headers.end()) headers.emplace("User-Agent", user_agent);
  if (headers.find("Accept-Encoding") == headers.end())
    headers.emplace("Accept-Encoding", "identity");
  return headers;
}

/// Whether one of NO_PROXY's entries names the host or a domain above it.
inline bool bypasses_proxy(const std::vector<std::string>& no_proxy, const std::string& host) {
  return std::any_of(no_proxy.begin(), no_proxy.end(), [&](std::string_view entry) {
    if (entry == "*") return true;
    if (const auto port = entry.rfind(':');
        port != std::string_view::npos && entry.find(':') == port)
      entry = entry.substr(0, port);
    if (entry.starts_with("*")) entry.remove_prefix(1);
    if (entry.starts_with(".")) entry.remove_prefix(1);
    if (entry.empty()) return false;
    return host == entry || (host.size() > entry.size() && host.ends_with(entry) &&
                             host[host.size() - entry.size() - 1] == '.');
  });
}

inline Errc httplib_errc(httplib::Error error) noexcept {
  switch (error) {
    case httplib::Error::ConnectionTimeout:
      return Errc::timeout;
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLLoadingCerts:
    case httplib::Error::SSLServerVerification:
      return Errc::tls;
    default:
      return Errc::network;
  }
}

inline std::string_view httplib_hint(httplib::Error error, bool refused) noexcept {
  if (refused) return "the server closed the connection without an answer";
  switch (error) {
    case httplib::Error::Connection:
      return "the connection was refused or the host is unreachable";
    case httplib::Error::SSLServerVerification:
      return "its certificate is not trusted or is for another host";
    case httplib::Error::SSLConnection:
      return "the TLS handshake failed";
    case httplib::Error::SSLLoadingCerts:
      return "the trusted certificates could not be loaded";
    default:
      return "the answer did not arrive whole";
  }
}

inline Result<HttplibStore> httplib_store(const std::vector<std::filesystem::path>& ca_files) {
  HttplibStore store{::X509_STORE_new()};
  if (!store || ::X509_STORE_set_default_paths(store.get()) != 1)
    return fail(Errc::tls, "loading the trusted certificates");
  for (const auto& file : ca_files)
    if (::X509_STORE_load_locations(store.get(), file.c_str(), nullptr) != 1)
      return fail(Errc::configuration, "loading the trusted certificates", file.string(),
                  "give a PEM file that can be read");
  return store;
}

}  // namespace detail

struct HttplibTransport::State {
  HttplibOptions options;
  Result<std::optional<detail::Url>> proxy;

  /// The trusted certificates. The system's take a megabyte: read when a server is asked by TLS.
  const Result<detail::HttplibStore>& trusted() const {
    std::call_once(read, [this] { store = detail::httplib_store(options.ca_files); });
    return store;
  }

  mutable std::once_flag read;
  mutable Result<detail::HttplibStore> store{detail::HttplibStore{}};

  State(HttplibOptions chosen, Result<std::optional<detail::Url>> way)
      : options{std::move(chosen)}, proxy{std::move(way)} {}
};

CREDPOOL_INLINE HttplibOptions HttplibOptions::from(const Environment& environment) {
  const auto either = [&](std::string_view upper, std::string_view lower) {
    const auto value = environment.variable(lower);
    return value ? value : environment.variable(upper);
  };
  HttplibOptions options;
  if (const auto proxy = either("HTTPS_PROXY", "https_proxy")) options.proxy = Secret{*proxy};
  if (const auto list = either("NO_PROXY", "no_proxy")) {
    std::string_view rest = *list;
    while (!rest.empty()) {
      const auto end = std::min(rest.find_first_of(", "), rest.size());
      if (end > 0) options.no_proxy.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  for (const auto* name : {"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"})
    if (const auto file = environment.variable(name))
      options.ca_files.push_back(environment.expand(*file));
  return options;
}

CREDPOOL_INLINE HttplibTransport::HttplibTransport(HttplibOptions options) {
  Result<std::optional<detail::Url>> proxy{std::optional<detail::Url>{}};
  if (!options.proxy.empty()) {
    auto url = detail::parse_url(options.proxy.reveal());
    if (!url)
      proxy =
          fail(Errc::configuration, "reading the proxy's address", "HTTPS_PROXY", url.error().hint);
    else if (url->tls)
      proxy = fail(Errc::configuration, "reading the proxy's address", "HTTPS_PROXY",
                   "only http:// proxies are supported");
    else
      proxy = std::optional{std::move(*url)};
  }
  state_ = std::make_unique<const State>(std::move(options), std::move(proxy));
}

CREDPOOL_INLINE HttplibTransport::~HttplibTransport() = default;
CREDPOOL_INLINE HttplibTransport::HttplibTransport(HttplibTransport&&) noexcept = default;
CREDPOOL_INLINE HttplibTransport& HttplibTransport::operator=(HttplibTransport&&) noexcept =
    default;

namespace detail {

/// One request on its way: everything that the attempts at its addresses share.
struct HttplibExchange {
  const Request& request;
  const Url& url;
  const httplib::Headers& headers;
  const std::optional<Url>& proxy;  ///< none: direct
  X509_STORE* store;
  ConnectionGuard& guard;
  bool body_sent = false;
  bool too_large = false;
  std::optional<Error> stopped = {};  ///< by Request::before_body

  /// Sends over one connection to one address (empty: the proxy looks the name up).
  httplib::Error attempt(const std::string& address, Response& response) {
    httplib::Client client{(url.tls ? "https://" : "http://") + url.authority()};
    client.set_follow_location(false);
    client.set_keep_alive(false);
    const auto left = guard.left();
    client.set_connection_timeout(std::min(request.connect_timeout, left));
    constexpr std::chrono::seconds later{1};  // so that it is always the guard that ends it
    client.set_read_timeout(left + later);
    client.set_write_timeout(left + later);
    client.set_socket_options([this](auto socket) { guard.adopt(static_cast<int>(socket)); });
    if (!address.empty()) client.set_hostname_addr_map({{url.host, address}});
    if (url.tls) {
      client.enable_server_certificate_verification(true);
      ::X509_STORE_up_ref(store);  // the client takes one reference over
      client.set_ca_cert_store(store);
    }
    if (proxy) {
      client.set_proxy(proxy->host, proxy->port);
      if (const auto colon = proxy->user_info.find(':'); colon != std::string::npos)
        client.set_proxy_basic_auth(proxy->user_info.substr(0, colon),
                                    proxy->user_info.substr(colon + 1));
    }

    httplib::Request outgoing;
    outgoing.method = request.method;
    outgoing.path = url.target;
    outgoing.headers = headers;
    if (!request.body.empty()) {
      outgoing.content_length_ = request.body.size();
      outgoing.content_provider_ = [this](std::size_t offset, std::size_t length,
                                          httplib::DataSink& sink) {
        if (offset == 0 && std::exchange(body_sent, true)) return false;  // never a second time
        if (offset == 0 && request.before_body) {
          if (auto ready = request.before_body(); !ready) {
            stopped = std::move(ready).error();
            return false;
          }
        }
        return sink.write(request.body.data() + offset, length);
      };
    }
    std::string body;
    outgoing.content_receiver = [this, &body](const char* data, std::size_t size, std::uint64_t,
                                              std::uint64_t) {
      if (body.size() + size > request.max_answer_bytes) {
        too_large = true;
        return false;
      }
      body.append(data, size);
      return true;
    };
    httplib::Response incoming;
    auto error = httplib::Error::Success;
    if (!client.send(outgoing, incoming, error))
      return error == httplib::Error::Success ? httplib::Error::Unknown : error;
    response.status = incoming.status;
    for (const auto& [name, value] : incoming.headers) response.headers.push_back({name, value});
    response.body = std::move(body);
    return httplib::Error::Success;
  }
};

}  // namespace detail

CREDPOOL_INLINE Result<Response> HttplibTransport::send(const Request& request) {
  auto url = detail::parse_url(request.url);
  if (!url) return fail(std::move(url).error());
  const auto& host = url->host;
  const bool loopback = detail::names_loopback(host);
  const bool plain_allowed = url->tls || state_->options.allow_plain_http;
  if (!url->user_info.empty())
    return fail(Errc::configuration, "sending a request", host, "a URL must not hold a password");
  if (!plain_allowed && !loopback)
    return fail(Errc::configuration, "sending a request", host,
                "plain http is for loopback addresses only: use https");
  const auto headers = detail::httplib_headers(request, host, state_->options.user_agent);
  if (!headers) return fail(headers.error());
  if (!detail::header_name_is_safe(request.method))
    return fail(Errc::invalid_argument, "sending a request", host, "the method is not a token");
  if (url->tls && !state_->trusted()) return fail(state_->trusted().error());

  std::optional<detail::Url> proxy;
  std::vector<detail::HostAddress> addresses;
  if (url->tls && !loopback && !detail::bypasses_proxy(state_->options.no_proxy, host)) {
    if (!state_->proxy) return fail(state_->proxy.error());
    proxy = *state_->proxy;
  }
  const detail::SigpipeHeldBack no_sigpipe;
  detail::ConnectionGuard guard{request.timeout, !proxy};
  if (proxy) {
    addresses.emplace_back();
  } else {
    auto found = detail::resolve_host(host);
    if (!found) return fail(std::move(found).error());
    addresses = std::move(*found);
    if (!plain_allowed && !std::all_of(addresses.begin(), addresses.end(),
                                       [](const auto& address) { return address.loopback; }))
      return fail(Errc::configuration, "sending a request", host,
                  "its name leads away from this machine: use https");
  }

  detail::HttplibExchange exchange{
      request, *url, *headers, proxy, url->tls ? state_->trusted()->get() : nullptr, guard};
  auto error = httplib::Error::Connection;
  for (const auto& address : addresses) {
    Response response;
    error = exchange.attempt(address.text, response);
    if (exchange.stopped) return fail(std::move(*exchange.stopped));
    if (error == httplib::Error::Success) return response;
    const bool never_connected =
        (error == httplib::Error::Connection || error == httplib::Error::ConnectionTimeout) &&
        !guard.refused();
    if (!never_connected || guard.expired()) break;
    guard.forget_connection();
  }
  if (exchange.too_large)
    return fail(Errc::too_large, "receiving an answer", host,
                "more than " + std::to_string(request.max_answer_bytes) + " bytes");
  if (guard.expired()) return fail(Errc::timeout, "waiting for an answer", host);
  const bool refused = guard.refused() || error == httplib::Error::Canceled;
  return fail(refused ? Errc::network : detail::httplib_errc(error), "sending a request", host,
              std::string{detail::httplib_hint(error, refused)});
}

}  // namespace credpool::inline CREDPOOL_ABI
