#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/transport/message.hpp>

#include <concepts>

namespace credpool::inline CREDPOOL_ABI {

/// How requests reach a server.
///
/// `send` delivers the request at most once: it follows no redirect and repeats nothing. An answer
/// of any status is a Response. Errors: network, tls, timeout, too_large; configuration for a plain
/// http address that is not loopback. Safe to call from several threads at once.
template <class T>
concept Transport = requires(T& transport, const Request& request) {
  { transport.send(request) } -> std::same_as<Result<Response>>;
};

}  // namespace credpool::inline CREDPOOL_ABI
