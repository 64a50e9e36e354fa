#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/server/listen_address.hpp>

#include <concepts>
#include <memory>

namespace credpool::inline CREDPOOL_ABI {

/// What listens for requests and hands them to a handler.
///
/// `listen` binds at once and tells the real port, `start` begins to serve on threads of its own,
/// `stop` takes no new requests, waits for those that are being answered (at most that long), cuts
/// the rest and returns when no handler is called any more.
template <class S>
concept Server = requires(S& server, const ListenAddress& address,
                          std::shared_ptr<ServerHandler> handler, Duration drain) {
  { server.listen(address, handler) } -> std::same_as<Result<ListenAddress>>;
  { server.start() } -> std::same_as<Result<void>>;
  server.stop(drain);
};

}  // namespace credpool::inline CREDPOOL_ABI
