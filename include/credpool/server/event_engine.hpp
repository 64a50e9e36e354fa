#pragma once
// SPDX-License-Identifier: MIT

// Opt-in: needs Linux, llhttp and OpenSSL.

#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>
#include <credpool/server/concept.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/server/limits.hpp>
#include <credpool/server/listen_address.hpp>
#include <credpool/server/trusted_proxies.hpp>
#include <credpool/server/upstream.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

struct EventEngineOptions {
  ServerLimits limits = {};
  UpstreamTimeouts timeouts = {};
  unsigned threads = 0;           ///< event loops; 0: one for each processor, at most 8
  unsigned blocking_threads = 4;  ///< for ServerExchange::offload()
  std::size_t blocking_queue = 256;
  std::vector<std::filesystem::path> ca_files = {};  ///< trusted beside the system's
  /// Behind one of them, ServerExchange::peer() is who asks it.
  TrustedProxies trusted_proxies = {};
};

/// A listener's certificate: PEM files, the chain with the own certificate first.
struct ServerCertificate {
  std::filesystem::path chain;
  std::filesystem::path key;
};

/// Server and upstream on one event-driven engine: a loop for each thread, a connection costs a few
/// kilobytes and no thread, answers flow from upstream to peer without being kept.
///
/// A model of Server. Requests are spread over the loops by connection; an upstream call that a
/// handler makes stays on the loop of its exchange.
/// @thread_safety listen(), start() and stop(): caller serialises; upstream() is safe
class EventEngine {
 public:
  explicit EventEngine(EventEngineOptions options = {});
  EventEngine(const EventEngine&) = delete;
  EventEngine& operator=(const EventEngine&) = delete;
  /// Stops without a drain.
  ~EventEngine();

  /// @errors busy when the address is taken; permission_denied; configuration for a certificate
  ///         that cannot be used
  Result<ListenAddress> listen(const ListenAddress& address, std::shared_ptr<ServerHandler> handler,
                               const std::optional<ServerCertificate>& certificate);
  Result<ListenAddress> listen(const ListenAddress& address,
                               std::shared_ptr<ServerHandler> handler) {
    return listen(address, std::move(handler), std::nullopt);
  }
  /// The same on a socket that listens already, as a service manager hands it over. It stays where
  /// it is: a Unix socket's file is not removed at the end.
  /// @errors invalid_argument when it is no stream socket that listens; configuration
  Result<ListenAddress> listen_on(Descriptor socket, std::shared_ptr<ServerHandler> handler,
                                  const std::optional<ServerCertificate>& certificate);
  /// @errors configuration when the trusted certificates cannot be loaded; io when the system has
  ///         no descriptors left
  Result<void> start();
  /// Waits for what was handed to offload() as well. Not to be called from a handler. An engine
  /// that was stopped stays stopped.
  void stop(Duration drain);

  /// Gives the system what engines keep for large bodies and nobody has wanted since the last call:
  /// to be called about once a second. Who does not has up to 128 MiB kept in his process.
  /// @thread_safety safe
  static void give_back_unwanted_memory() noexcept;

  /// Calls made on a loop's thread stay there, others go to the first loop.
  Upstream& upstream() noexcept;

 private:
  struct State;
  Result<ListenAddress> add(ListenAddress address, Descriptor socket, bool ours,
                            std::shared_ptr<ServerHandler> handler,
                            const std::optional<ServerCertificate>& certificate);

  std::unique_ptr<State> state_;
};

static_assert(Server<EventEngine>);

/// Where a socket listens that somebody else has opened.
/// @errors invalid_argument when it is no stream socket that listens
Result<ListenAddress> listening_address(const Descriptor& socket);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/server/event_engine.ipp>
#endif
