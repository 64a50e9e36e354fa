#pragma once
// SPDX-License-Identifier: MIT

// Opt-in: needs cpp-httplib. Not under the umbrella header.

#include <credpool/core/result.hpp>
#include <credpool/server/concept.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/server/limits.hpp>
#include <credpool/server/listen_address.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace credpool::inline CREDPOOL_ABI {

struct HttplibServerOptions {
  /// Of the head: its sizes. Of the times: `head_deadline` (between two reads) and `write_stall`.
  ServerLimits limits = {};
  unsigned threads = 32;          ///< connections that one listener serves at once; more wait
  std::chrono::seconds keep{2};   ///< between two requests; the connection holds its thread so long
  unsigned blocking_threads = 4;  ///< for ServerExchange::offload()
  std::size_t blocking_queue = 256;
};

/// A server over cpp-httplib for who already has that library and wants no event engine.
///
/// A model of Server. An exchange's thread is the one that httplib gave its connection: it runs
/// what the exchange is told and sends its answer. What comes after the exchange's end, after()
/// and what follows offload(), comes on one thread for all, never at the same time as the above.
///
/// What it cannot do: each connection holds a thread, a slow or idle one as well. A client that
/// leaves is noticed only once the answer has begun, at the next write or half a second later.
/// Reads are timed one by one, so a head or a body may trickle. stop() takes longer than it was
/// allowed, by `keep` for connections without a request and by `write_stall` for a peer that takes
/// nothing. An exchange that is cut before its answer began is seen as a 500 that breaks off.
/// Requests that are sent before the last one's answer (pipelining) may be lost.
/// Versions before 0.53.1 decode %XX in header values, read some requests in two ways, and take no
/// connection beyond a process's 1,024th descriptor; they are for this machine only.
/// @thread_safety listen(), start() and stop(): caller serialises
class HttplibServer {
 public:
  explicit HttplibServer(HttplibServerOptions options = {});
  HttplibServer(const HttplibServer&) = delete;
  HttplibServer& operator=(const HttplibServer&) = delete;
  /// Stops without a drain.
  ~HttplibServer();

  /// @errors unsupported for a Unix socket, and for an address that others reach when cpp-httplib
  ///         is older than 0.53.1; busy when the address is taken; permission_denied;
  ///         invalid_argument
  Result<ListenAddress> listen(const ListenAddress& address,
                               std::shared_ptr<ServerHandler> handler);
  /// @errors invalid_argument when it ran already
  Result<void> start();
  /// Waits for what was handed to offload() as well. Not to be called from a handler. A server that
  /// was stopped stays stopped.
  void stop(Duration drain);

 private:
  struct State;
  std::unique_ptr<State> state_;
};
static_assert(Server<HttplibServer>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/server/httplib_server.ipp>
#endif
