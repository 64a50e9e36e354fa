#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/server/httplib_server.hpp>

#include <credpool/core/platform.hpp>

#include <credpool/impl/server/httplib_server_exchange.hpp>

#include <httplib.h>

#if !defined(CPPHTTPLIB_OPENSSL_SUPPORT)
#error \
    "credpool's HttplibServer needs cpp-httplib's own flags (its layouts differ by macro): compile with `pkg-config --cflags cpp-httplib` or Meson's dependency('cpp-httplib'), built with OpenSSL"
#endif

#include <array>
#include <cerrno>
#include <limits>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/socket.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Whether that version of cpp-httplib takes no request that others read in another way.
constexpr bool httplib_reads_strictly(std::string_view version) noexcept {
  std::array<unsigned, 3> parts{};
  std::size_t part = 0;
  for (const char c : version) {
    if (c == '.' && ++part == parts.size()) break;
    if (c >= '0' && c <= '9') parts[part] = parts[part] * 10 + static_cast<unsigned>(c - '0');
  }
  return parts >= std::array<unsigned, 3>{0, 53, 1};
}
static_assert(!httplib_reads_strictly("0.11.4") && !httplib_reads_strictly("0.53.0"));
static_assert(httplib_reads_strictly("0.53.1") && httplib_reads_strictly("1.0"));

/// The object is not const: httplib made it for this one request and only shows it as such.
inline httplib::Request& own_request(const httplib::Request& request) noexcept {
  return const_cast<httplib::Request&>(request);
}

/// One address, and httplib's server for it.
class HttplibListener {
 public:
  HttplibListener(HttplibPeers& peers, unsigned threads, std::chrono::seconds keep,
                  std::shared_ptr<ServerHandler> handler)
      : peers_{peers}, handler_{std::move(handler)}, server_{make()} {
    server_->new_task_queue = [threads] { return new httplib::ThreadPool(threads); };
    server_->set_socket_options([this](auto socket) {
      // Not httplib's own, which lets others of this user listen at the same port.
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      socket_ = socket;
    });
    server_->set_keep_alive_timeout(keep.count());
    server_->set_keep_alive_max_count(std::numeric_limits<std::size_t>::max());
    server_->set_read_timeout(peers.limits.head_deadline.count());
    server_->set_write_timeout(peers.limits.write_stall.count());
    server_->set_tcp_nodelay(true);
    server_->set_payload_max_length(std::numeric_limits<std::size_t>::max());  // we count
    route();
  }

  Result<ListenAddress> bind(ListenAddress address) {
    errno = 0;
    const int port = address.port == 0 ? server_->bind_to_any_port(address.ip)
                     : server_->bind_to_port(address.ip, address.port) ? int{address.port}
                                                                       : -1;
    if (port <= 0) {
      socket_ = -1;  // httplib closed it
      const auto code = errno == EADDRINUSE      ? Errc::busy
                        : errno == EACCES        ? Errc::permission_denied
                        : errno == EADDRNOTAVAIL ? Errc::invalid_argument
                                                 : Errc::io;
      return fail(code, "listening", address.text(), "choose another address or port");
    }
    address.port = static_cast<std::uint16_t>(port);
    return address;
  }

  void start() {
    thread_ = std::thread{[this] {
      sigset_t pipe;  // inherited by the threads of connections: httplib's writes may raise it
      ::sigemptyset(&pipe);
      ::sigaddset(&pipe, SIGPIPE);
      ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
      server_->listen_after_bind();
    }};
  }
  /// Takes no new connections. httplib's own stop() would break off the answers that run: it
  /// closes the socket itself when it cannot accept any more.
  void close() {
    if (thread_.joinable())
      ::shutdown(socket_, SHUT_RD);
    else if (socket_ >= 0)
      ::close(socket_);
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  /// It makes the whole process deaf to SIGPIPE, which a library has no business doing.
  static std::unique_ptr<httplib::Server> make() {
    struct sigaction before {};
    ::sigaction(SIGPIPE, nullptr, &before);
    auto server = std::make_unique<httplib::Server>();
    ::sigaction(SIGPIPE, &before, nullptr);
    return server;
  }

  void route() {
    using Response = httplib::Response;
    server_->set_expect_100_continue_handler([this](const auto& request, Response& response) {
      return begin(own_request(request), response) ? 100 : 0;
    });
    server_->set_pre_routing_handler([this](const auto& request, Response& response) {
      auto& own = own_request(request);
      using Handled = httplib::Server::HandlerResponse;
      // Begun already: it waited for "100 Continue".
      if (!HttplibExchange::of_this_thread() && !begin(own, response)) return Handled::Handled;
      auto& exchange = *HttplibExchange::of_this_thread();
      if (exchange.has_request_body()) return Handled::Unhandled;
      exchange.run(*handler_, own, response);
      return Handled::Handled;
    });
    const auto with_body = [this](const httplib::Request& request, Response& response,
                                  const httplib::ContentReader& read) {
      auto& exchange = *HttplibExchange::of_this_thread();
      const bool whole = read([&](const char* bytes, std::size_t size) {
        return exchange.add_to_body({bytes, size});
      });
      auto& own = own_request(request);
      if (whole) return exchange.run(*handler_, own, response);
      const auto answer = exchange.body_is_too_large()
                              ? handler_->refusal(413, "the request's body is too large")
                              : handler_->refusal(400, "the request's body is not as announced");
      exchange.refuse(answer, own, response);
    };
    server_->Post("/", with_body);
    server_->Put("/", with_body);
    server_->Patch("/", with_body);
    server_->Delete("/", with_body);
    server_->set_post_routing_handler([](const auto&, Response& response) {
      if (const auto* exchange = HttplibExchange::of_this_thread()) exchange->set_headers(response);
    });
    // What httplib refuses by itself, before a handler is asked.
    using Refuses = httplib::Server::HandlerWithResponse;
    server_->set_error_handler(Refuses{[this](const auto& request, Response& response) {
      if (HttplibExchange::of_this_thread()) return httplib::Server::HandlerResponse::Unhandled;
      auto& own = own_request(request);
      const int status = response.status == 414 || response.status == 431 ? response.status : 400;
      make_exchange(own, response)
          .refuse(handler_->refusal(status, "the request is not valid HTTP"), own, response);
      return httplib::Server::HandlerResponse::Handled;
    }});
  }

  HttplibExchange& make_exchange(httplib::Request& request, httplib::Response& response) {
    const auto exchange = std::make_shared<HttplibExchange>(peers_, request);
    // Its owner is the response: httplib calls this when it is through with the request.
    response.set_content_provider(0, "", nullptr, [exchange](bool) { exchange->over(); });
    HttplibExchange::of_this_thread() = exchange.get();
    return *exchange;
  }

  /// @return whether the request may go on; else `response` refuses it
  bool begin(httplib::Request& request, httplib::Response& response) {
    auto& exchange = make_exchange(request, response);
    const auto refusal = exchange.check();
    std::optional<Answer> answer;
    if (refusal)
      answer = handler_->refusal(refusal->status, refusal->why);
    else if (peers_.stopping)
      answer = handler_->refusal(503, "the server is stopping");
    else
      answer = handler_->admit(exchange.head(), exchange.peer());
    if (answer) exchange.refuse(*answer, request, response);
    return !answer;
  }

  HttplibPeers& peers_;
  std::shared_ptr<ServerHandler> handler_;
  std::unique_ptr<httplib::Server> server_;
  int socket_ = -1;
  std::thread thread_;
};

}  // namespace detail

struct HttplibServer::State {
  explicit State(const HttplibServerOptions& given)
      : options{given}, peers{given.limits, given.blocking_threads, given.blocking_queue} {}

  HttplibServerOptions options;
  detail::HttplibPeers peers;
  std::vector<std::unique_ptr<detail::HttplibListener>> listeners;
  std::thread afterwards;
  enum class Phase { made, running, stopped } phase = Phase::made;
};

CREDPOOL_INLINE HttplibServer::HttplibServer(HttplibServerOptions options)
    : state_{std::make_unique<State>(options)} {}

CREDPOOL_INLINE HttplibServer::~HttplibServer() {
  stop(Duration::zero());
}

CREDPOOL_INLINE Result<ListenAddress> HttplibServer::listen(
    const ListenAddress& address, std::shared_ptr<ServerHandler> handler) {
  if (state_->phase == State::Phase::stopped)
    return fail(Errc::invalid_argument, "listening", address.text(), "the server was stopped");
  if (!address.unix_path.empty())
    return fail(Errc::unsupported, "listening", address.text(),
                "a server over cpp-httplib listens at an IP address; give 127.0.0.1 and a port");
  if (auto valid = ListenAddress::parse(address.text()); !valid)
    return fail(std::move(valid).error());
  if (!address.is_local() && !detail::httplib_reads_strictly(CPPHTTPLIB_VERSION))
    return fail(
        Errc::unsupported, "listening", address.text(),
        "cpp-httplib " CPPHTTPLIB_VERSION
        " accepts two readings of one request; listen at 127.0.0.1, or use 0.53.1 or newer");
  auto listener = std::make_unique<detail::HttplibListener>(
      state_->peers, state_->options.threads, state_->options.keep, std::move(handler));
  auto bound = listener->bind(address);
  if (!bound) return bound;
  if (state_->phase == State::Phase::running) listener->start();
  state_->listeners.push_back(std::move(listener));
  return bound;
}

CREDPOOL_INLINE Result<void> HttplibServer::start() {
  if (state_->phase != State::Phase::made)
    return fail(Errc::invalid_argument, "starting the server", {}, "a server runs once");
  state_->afterwards = std::thread{[mailbox = state_->peers.afterwards, &peers = state_->peers] {
    while (!peers.ended)
      mailbox->run_one(detail::HttplibMailbox::Clock::now() + std::chrono::hours{1});
  }};
  for (const auto& listener : state_->listeners) listener->start();
  state_->phase = State::Phase::running;
  return {};
}

CREDPOOL_INLINE void HttplibServer::stop(Duration drain) {
  const auto before = std::exchange(state_->phase, State::Phase::stopped);
  if (before == State::Phase::stopped) return;
  auto& peers = state_->peers;
  peers.stopping = true;
  for (const auto& listener : state_->listeners) listener->close();
  if (before == State::Phase::running) {
    std::unique_lock lock{peers.mutex};
    peers.fewer.wait_for(lock, drain, [&] { return peers.running.empty(); });
    peers.cutting = true;
    for (const auto& exchange : peers.running) exchange->cut_off();
  }
  for (const auto& listener : state_->listeners) listener->join();
  peers.blocking.shutdown();
  if (before != State::Phase::running) return;
  // Behind what follows offloaded work; timers are not waited for.
  peers.afterwards->post([&peers] { peers.ended = true; });
  state_->afterwards.join();
}

}  // namespace credpool::inline CREDPOOL_ABI
