#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace credpool::inline CREDPOOL_ABI {

/// What a server grants to one peer. Sizes count bytes as they were read, framing included.
struct ServerLimits {
  std::size_t max_head_bytes = 16 << 10;  ///< request line and headers; more is a 431
  std::size_t max_headers = 100;          ///< more is a 431
  std::size_t max_target_bytes = 8 << 10;
  std::uint64_t max_body_bytes = 32 << 20;  ///< more is a 413
  std::size_t max_connections = 16'384;     ///< further ones are closed at once

  std::chrono::seconds head_deadline{5};   ///< from a request's first byte to the end of its head
  std::chrono::seconds body_deadline{30};  ///< for the whole body ...
  std::uint64_t min_body_rate = 1 << 10;   ///< ... or this many bytes a second on average
  std::chrono::seconds idle{75};           ///< between two requests, and before the first
  std::chrono::seconds write_stall{60};    ///< the peer takes no byte of an answer for so long
  std::chrono::seconds linger{2};          ///< how long a refused body is read and thrown away
};

/// How long an upstream may take.
struct UpstreamTimeouts {
  std::chrono::seconds connect{10};      ///< name look-up, connection and TLS, for each address
  std::chrono::seconds first_byte{600};  ///< from the request's last byte to the answer's head
  std::chrono::seconds idle{300};        ///< between two pieces of an answer
  std::chrono::seconds keep{50};         ///< how long an unused connection is kept
};

}  // namespace credpool::inline CREDPOOL_ABI
