#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/server/event_engine.hpp>

#include <credpool/impl/server/event_connection.hpp>
#include <credpool/impl/server/event_listener.hpp>
#include <credpool/impl/server/event_upstream.hpp>

#include <future>
#include <map>
#include <thread>
#include <vector>

#include <fcntl.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// One loop with its peers and its connections to upstreams.
struct EventWorker {
  EventWorker(const EventEngineOptions& options, BlockingPool& blocking, BlockingPool& names,
              ClientTls& client_tls)
      : lookups{names},
        timeouts{options.timeouts},
        tls{client_tls},
        peers{loop, options.limits, options.trusted_proxies, blocking} {}

  void for_each_peer(void (EventConnection::*what)()) {
    const auto all = peers.all;  // they take themselves out
    for (const auto& connection : all) ((*connection).*what)();
  }
  /// Ends everything: who still waits is told.
  void end() {
    ended = true;
    for_each_peer(&EventConnection::cut);
    for (const auto& [key, pool] : pools) pool->end();
  }

  EventLoop loop;
  BlockingPool& lookups;
  const UpstreamTimeouts& timeouts;
  ClientTls& tls;
  EventPeers peers;
  bool ended = false;
  std::map<std::string, std::unique_ptr<UpstreamOriginPool>, std::less<>> pools;
  /// The same by identity: an origin that is known needs no text. Keeps the origins alive.
  std::map<std::shared_ptr<const UpstreamOrigin>, UpstreamOriginPool*> known;

  UpstreamOriginPool& pool_of(const std::shared_ptr<const UpstreamOrigin>& origin) {
    if (const auto found = known.find(origin); found != known.end()) return *found->second;
    constexpr std::size_t many = 256;
    if (known.size() > many) known.clear();
    auto& pool = pools[origin->key()];
    if (!pool) pool = std::make_unique<UpstreamOriginPool>(loop, lookups, timeouts, tls, origin);
    known.emplace(origin, pool.get());
    return *pool;
  }
};

class EventUpstream final : public Upstream {
 public:
  explicit EventUpstream(std::vector<std::unique_ptr<EventWorker>>& workers) : workers_{workers} {}

  std::shared_ptr<UpstreamCall> send(UpstreamRequest request,
                                     std::shared_ptr<UpstreamListener> listener) override {
    auto& worker = here();
    auto call = make_recycled<EventCall>(std::move(request), std::move(listener));
    if (EventLoop::current() == &worker.loop)
      begin(worker, call);
    else
      worker.loop.post([&worker, call] { begin(worker, call); });
    return call;
  }

 private:
  static void begin(EventWorker& worker, const std::shared_ptr<EventCall>& call) {
    if (worker.ended) return call->refuse(worker.loop);
    worker.pool_of(call->origin()).send(call);
  }

  EventWorker& here() {
    const auto* loop = EventLoop::current();
    for (const auto& worker : workers_)
      if (&worker->loop == loop) return *worker;
    return *workers_.front();
  }

  std::vector<std::unique_ptr<EventWorker>>& workers_;
};

/// A listening socket; lives on the first loop.
struct EventListener final : EventSource {
  EventListener(Descriptor bound, ListenAddress where, std::shared_ptr<ServerHandler> to)
      : socket{std::move(bound)}, address{std::move(where)}, handler{std::move(to)} {}

  Turn note_events(std::uint32_t) noexcept override { return Turn::usual; }
  void on_events() override { accept(); }

  Descriptor socket;
  ListenAddress address;
  std::shared_ptr<ServerHandler> handler;
  SslContext tls;
  bool ours = true;  ///< else somebody else has opened it
  std::function<void()> accept;
};

inline Result<SslContext> server_tls_context(const ServerCertificate& certificate) {
  SslContext context{::SSL_CTX_new(::TLS_server_method())};
  const auto bad = [&](const std::filesystem::path& file, std::string hint) {
    return fail(Errc::configuration, "loading a certificate", file.string(), std::move(hint));
  };
  if (!context) return fail(Errc::tls, "preparing TLS");
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  if (::SSL_CTX_use_certificate_chain_file(context.get(), certificate.chain.c_str()) != 1)
    return bad(certificate.chain, "give a PEM file with the server's certificate first");
  if (::SSL_CTX_use_PrivateKey_file(context.get(), certificate.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad(certificate.key, "give a PEM file with a key that needs no passphrase");
  if (::SSL_CTX_check_private_key(context.get()) != 1)
    return bad(certificate.key, "the key does not belong to the certificate");
  ::SSL_CTX_set_alpn_select_cb(
      context.get(),
      [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
         unsigned int length, void*) {
        static const unsigned char http[] = "\x08http/1.1";
        unsigned char* chosen = nullptr;
        const auto answer =
            ::SSL_select_next_proto(&chosen, size, http, sizeof http - 1, offered, length);
        *out = chosen;
        return answer == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
      },
      nullptr);
  return context;
}

inline Result<SslContext> client_tls_context(const std::vector<std::filesystem::path>& ca_files) {
  SslContext context{::SSL_CTX_new(::TLS_client_method())};
  if (!context || ::SSL_CTX_set_default_verify_paths(context.get()) != 1)
    return fail(Errc::tls, "loading the trusted certificates");
  for (const auto& file : ca_files)
    if (::SSL_CTX_load_verify_locations(context.get(), file.c_str(), nullptr) != 1)
      return fail(Errc::configuration, "loading the trusted certificates", file.string(),
                  "give a PEM file that can be read");
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  ::SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  ::SSL_CTX_sess_set_new_cb(context.get(), [](SSL* ssl, SSL_SESSION* session) {
    auto* connection = static_cast<UpstreamConnection*>(SSL_get_app_data(ssl));
    if (!connection) return 0;
    connection->keep_session(session);
    return 1;  // ours now
  });
  static const unsigned char http[] = "\x08http/1.1";
  ::SSL_CTX_set_alpn_protos(context.get(), http, sizeof http - 1);
  return context;
}

inline const Result<SslContext>& ClientTls::context() {
  std::call_once(made_, [this] { context_ = client_tls_context(ca_files_); });
  return context_;
}

inline unsigned event_threads(unsigned wanted) noexcept {
  constexpr unsigned most = 8;
  return wanted > 0 ? wanted : std::clamp(std::thread::hardware_concurrency(), 1U, most);
}

}  // namespace detail

struct EventEngine::State {
  explicit State(EventEngineOptions given)
      : options{std::move(given)}, blocking{options.blocking_threads, options.blocking_queue} {
    for (unsigned i = 0; i < detail::event_threads(options.threads); ++i)
      workers.push_back(
          std::make_unique<detail::EventWorker>(options, blocking, lookups, client_tls));
  }

  /// Told level by level: who is not accepted now is told of again.
  void accept_from(detail::EventListener& listener) {
    auto& loop = workers.front()->loop;
    listener.accept = [this, &listener] { accept_some(listener); };
    if (!loop.watch(listener.socket.get(), EPOLLIN, listener)) pause(listener);
  }
  /// No descriptors or memory are left: connections must end first.
  void pause(detail::EventListener& listener) {
    auto& loop = workers.front()->loop;
    loop.unwatch(listener.socket.get());
    loop.after(std::chrono::milliseconds{100}, [this, &listener] {
      if (listener.socket) accept_from(listener);
    });
  }

  void accept_some(detail::EventListener& listener) {
    // As many as may be handled in some milliseconds: who comes in a crowd waits a turn for each
    // batch.
    constexpr int most = 256;
    for (int taken = 0; taken < most; ++taken) {
      detail::SocketAddress peer;
      peer.size = sizeof peer.storage;
      Descriptor socket{
          ::accept4(listener.socket.get(), peer.get(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK)};
      if (!socket) {
        if (errno == ECONNABORTED || errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) pause(listener);
        return;
      }
      if (!listener.ours) detail::prepare_for_peers(socket, peer.is_loopback());
      hand_over(listener, std::move(socket), peer.text());
    }
  }

  void hand_over(detail::EventListener& listener, Descriptor socket, std::string peer) {
    detail::EventWorker* calmest = nullptr;
    std::size_t all = 0;
    for (const auto& worker : workers) {
      const auto here = worker->loop.connections.load(std::memory_order_relaxed);
      all += here;
      if (!calmest || here < calmest->loop.connections.load(std::memory_order_relaxed))
        calmest = worker.get();
    }
    if (all >= options.limits.max_connections) return;  // closed
    calmest->loop.connections.fetch_add(1, std::memory_order_relaxed);
    calmest->loop.dispatch([calmest, socket = std::move(socket), peer = std::move(peer),
                            handler = listener.handler, context = listener.tls.get()]() mutable {
      detail::SslHandle tls;
      if (context) {
        tls.reset(::SSL_new(context));
        if (tls) ::SSL_set_accept_state(tls.get());
      }
      if ((context && !tls) || calmest->peers.draining) {
        calmest->loop.connections.fetch_sub(1, std::memory_order_relaxed);
        return;
      }
      auto connection = std::make_shared<detail::EventConnection>(
          calmest->peers, std::move(socket), std::move(peer), std::move(handler), std::move(tls));
      calmest->peers.all.insert(connection);
      connection->start();
    });
  }

  std::size_t connections() const noexcept {
    std::size_t all = 0;
    for (const auto& worker : workers) all += worker->loop.connections.load();
    return all;
  }

  /// Runs it on the thread of every loop and waits until all have: for stop() only.
  template <class What> void on_every_loop(What what) {
    std::vector<std::future<void>> done;
    for (const auto& worker : workers) {
      auto said = std::make_shared<std::promise<void>>();
      done.push_back(said->get_future());
      worker->loop.post([&worker = *worker, what, said] {
        what(worker);
        said->set_value();
      });
    }
    for (auto& one : done) one.wait();
  }

  void close_listeners() {
    for (const auto& listener : listeners) {
      workers.front()->loop.unwatch(listener->socket.get());
      listener->socket.reset();
      if (listener->ours && !listener->address.unix_path.empty())
        ::unlink(listener->address.unix_path.c_str());
    }
    // They stay: what was accepted last still uses their certificates.
  }

  EventEngineOptions options;
  detail::BlockingPool blocking;
  detail::BlockingPool lookups{2, 1024};  // a refresh that takes long must not hold names up
  detail::ClientTls client_tls{options.ca_files};
  std::vector<std::unique_ptr<detail::EventWorker>> workers;
  std::vector<std::unique_ptr<detail::EventListener>> listeners;
  detail::EventUpstream upstream{workers};
  enum class Phase { made, running, stopped } phase = Phase::made;
};

CREDPOOL_INLINE Result<ListenAddress> listening_address(const Descriptor& socket) {
  return detail::address_of_listener(socket);
}

CREDPOOL_INLINE EventEngine::EventEngine(EventEngineOptions options)
    : state_{std::make_unique<State>(std::move(options))} {}

CREDPOOL_INLINE EventEngine::~EventEngine() {
  stop(Duration::zero());
}

CREDPOOL_INLINE Upstream& EventEngine::upstream() noexcept {
  return state_->upstream;
}

CREDPOOL_INLINE Result<ListenAddress> EventEngine::listen(
    const ListenAddress& address, std::shared_ptr<ServerHandler> handler,
    const std::optional<ServerCertificate>& certificate) {
  auto bound = address;
  auto socket = detail::bind_listener(bound);
  if (!socket) return fail(std::move(socket).error());
  auto added = add(bound, std::move(*socket), true, std::move(handler), certificate);
  if (!added && !bound.unix_path.empty()) ::unlink(bound.unix_path.c_str());
  return added;
}

CREDPOOL_INLINE Result<ListenAddress> EventEngine::listen_on(
    Descriptor socket, std::shared_ptr<ServerHandler> handler,
    const std::optional<ServerCertificate>& certificate) {
  auto address = listening_address(socket);
  if (!address) return address;
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC) != 0)
    return fail(Errc::io, "taking over a socket", address->text());
  return add(*address, std::move(socket), false, std::move(handler), certificate);
}

CREDPOOL_INLINE Result<ListenAddress> EventEngine::add(
    ListenAddress address, Descriptor socket, bool ours, std::shared_ptr<ServerHandler> handler,
    const std::optional<ServerCertificate>& certificate) {
  if (state_->phase == State::Phase::stopped)
    return fail(Errc::invalid_argument, "listening", address.text(), "the engine was stopped");
  detail::SslContext tls;
  if (certificate) {
    auto context = detail::server_tls_context(*certificate);
    if (!context) return fail(std::move(context).error());
    tls = std::move(*context);
  }
  auto listener =
      std::make_unique<detail::EventListener>(std::move(socket), address, std::move(handler));
  listener->tls = std::move(tls);
  listener->ours = ours;
  state_->listeners.push_back(std::move(listener));
  if (state_->phase == State::Phase::running) {
    state_->workers.front()->loop.post(
        [state = state_.get(), added = state_->listeners.back().get()] {
          state->accept_from(*added);
        });
  }
  return address;
}

CREDPOOL_INLINE Result<void> EventEngine::start() {
  if (state_->phase != State::Phase::made)
    return fail(Errc::invalid_argument, "starting the engine", {}, "an engine runs once");
  for (const auto& worker : state_->workers)
    if (!worker->loop.is_usable())
      return fail(Errc::io, "starting the engine", {}, "the system has no descriptors left");
  // Who names certificates learns at once whether they are good.
  if (!state_->options.ca_files.empty())
    if (const auto& tls = state_->client_tls.context(); !tls) return fail(tls.error());
  for (const auto& listener : state_->listeners) state_->accept_from(*listener);
  for (const auto& worker : state_->workers) worker->loop.start();
  state_->phase = State::Phase::running;
  return {};
}

CREDPOOL_INLINE void EventEngine::stop(Duration drain) {
  const auto before = std::exchange(state_->phase, State::Phase::stopped);
  if (before == State::Phase::made) return state_->close_listeners();
  if (before == State::Phase::stopped) return;
  state_->on_every_loop([state = state_.get()](detail::EventWorker& worker) {
    worker.peers.draining = true;
    if (&worker == state->workers.front().get()) state->close_listeners();
    worker.for_each_peer(&detail::EventConnection::drain);
  });
  const auto until = detail::loop_now() + drain;
  while (state_->connections() > 0 && detail::loop_now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  // Twice: what offloaded work is followed by may have begun something anew.
  state_->on_every_loop([](detail::EventWorker& worker) { worker.end(); });
  state_->blocking.join();
  state_->lookups.cancel();
  state_->on_every_loop([](detail::EventWorker& worker) { worker.end(); });
  // Timers of handlers are not waited for.
  for (const auto& worker : state_->workers) worker->loop.halt();
  for (const auto& worker : state_->workers) worker->loop.join();
}

CREDPOOL_INLINE void EventEngine::give_back_unwanted_memory() noexcept {
  detail::KeptBlocks::of_process().give_back_unwanted();
}

}  // namespace credpool::inline CREDPOOL_ABI
