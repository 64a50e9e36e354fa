#pragma once
// SPDX-License-Identifier: MIT

// A call to an upstream, and the connections of one origin. Internal.

#include <credpool/core/secret.hpp>
#include <credpool/server/limits.hpp>
#include <credpool/server/upstream.hpp>

#include <credpool/impl/core/recycled_memory.hpp>
#include <credpool/impl/core/string_memory.hpp>
#include <credpool/impl/server/event_socket.hpp>
#include <credpool/impl/server/http_parser.hpp>
#include <credpool/impl/server/upstream_addresses.hpp>

#include <openssl/x509v3.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

class UpstreamConnection;
class UpstreamOriginPool;

/// A request on its way over a connection; cut off from it when either ends.
class EventCall final : public UpstreamCall, public std::enable_shared_from_this<EventCall> {
 public:
  EventCall(UpstreamRequest request, std::shared_ptr<UpstreamListener> listener)
      : request_{std::move(request)}, listener_{std::move(listener)} {}
  ~EventCall() override { forget_head(); }

  const std::shared_ptr<const UpstreamOrigin>& origin() const noexcept { return request_.origin; }

  void pause() override;
  void resume() override;
  void cancel() override;

  /// The engine stops: tells so, later.
  void refuse(EventLoop& loop) {
    forget_head();
    loop.post([self = shared_from_this()] {
      if (const auto listener = std::exchange(self->listener_, nullptr))
        listener->on_failure({Error{Errc::cancelled, "calling an upstream",
                                    self->request_.origin->key(), "the program is stopping"}});
    });
  }

 private:
  friend class UpstreamConnection;
  friend class UpstreamOriginPool;

  /// The head holds the credential.
  void forget_head() noexcept {
    wipe(request_.head.data(), request_.head.size());
    give_back(request_.head);
  }

  UpstreamRequest request_;
  std::shared_ptr<UpstreamListener> listener_;  ///< none: ended
  std::shared_ptr<UpstreamConnection> connection_;
  bool paused_ = false;
};

/// What connections to upstreams by TLS begin with.
class ClientTls {
 public:
  explicit ClientTls(std::vector<std::filesystem::path> ca_files)
      : ca_files_{std::move(ca_files)} {}
  /// Made by the first call: the system's trusted certificates take a megabyte.
  /// @thread_safety safe
  const Result<SslContext>& context();

 private:
  std::vector<std::filesystem::path> ca_files_;
  std::once_flag made_;
  Result<SslContext> context_{SslContext{}};
};

/// One loop's connections to one origin.
class UpstreamOriginPool {
 public:
  UpstreamOriginPool(EventLoop& loop, BlockingPool& lookups, const UpstreamTimeouts& timeouts,
                     ClientTls& tls, std::shared_ptr<const UpstreamOrigin> origin)
      : loop_{loop},
        timeouts_{timeouts},
        tls_{tls},
        origin_{std::move(origin)},
        addresses_{loop, lookups, origin_->host, origin_->port} {}

  /// Over a connection that is free. Where none is, there is a new one for each call that waits,
  /// and the call takes whichever is free first: somebody's answer may end before a handshake does.
  void send(std::shared_ptr<EventCall> call);
  /// Ends all connections; who still waits for an answer is told.
  void end();

  EventLoop& loop() noexcept { return loop_; }
  const UpstreamTimeouts& timeouts() const noexcept { return timeouts_; }
  const UpstreamOrigin& origin() const noexcept { return *origin_; }
  /// A new TLS connection that checks the origin's name, and goes on with the last session.
  Result<SslHandle> new_tls(UpstreamConnection& connection);
  void keep_session(SSL_SESSION* session) noexcept { session_.reset(session); }

  /// It has served a call.
  void put_back(std::shared_ptr<UpstreamConnection> connection);
  void connected(std::shared_ptr<UpstreamConnection> connection);
  /// Who waits longest is told.
  /// @param calls how many had had to wait when it began: it says nothing about later ones
  void connect_failed(std::uint64_t calls, Error error);
  void take_out(const UpstreamConnection& connection);

  UpstreamAddresses& addresses() noexcept { return addresses_; }
  void opened(UpstreamConnection& connection) { open_.insert(&connection); }
  void closed(UpstreamConnection& connection) noexcept { open_.erase(&connection); }

 private:
  static constexpr std::size_t max_idle = 512;

  struct Waiting {
    std::shared_ptr<EventCall> call;
    std::uint64_t number = 0;  ///< of all that had to wait
  };

  std::shared_ptr<UpstreamConnection> take_idle();
  /// Without those in front that were cancelled.
  std::deque<Waiting>& waiting();
  std::shared_ptr<EventCall> take_waiting();
  /// Begins as many as calls wait.
  void connect();
  /// To who waits longest; kept where nobody does.
  void give(std::shared_ptr<UpstreamConnection> connection);

  struct SessionDeleter {
    void operator()(SSL_SESSION* session) const noexcept { ::SSL_SESSION_free(session); }
  };

  EventLoop& loop_;
  const UpstreamTimeouts& timeouts_;
  ClientTls& tls_;
  std::shared_ptr<const UpstreamOrigin> origin_;
  UpstreamAddresses addresses_;
  std::set<UpstreamConnection*> open_;                     ///< used or not
  std::vector<std::shared_ptr<UpstreamConnection>> idle_;  ///< the last used one last
  std::deque<Waiting> waiting_;
  std::uint64_t calls_ = 0;     ///< that had to wait, ever
  std::size_t connecting_ = 0;  ///< at least one for each that waits
  std::unique_ptr<SSL_SESSION, SessionDeleter> session_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
