#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Where a server listens: an IP address and a port, or a Unix socket.
struct ListenAddress {
  std::string ip = "127.0.0.1";     ///< "::" and "0.0.0.0": every address
  std::uint16_t port = 0;           ///< 0: any free one
  std::filesystem::path unix_path;  ///< not empty: a Unix socket, for its owner only

  /// Reads "127.0.0.1:8080", "[::1]:8080", "localhost:8080", "8080" (of 127.0.0.1) or "unix:/path".
  /// @errors invalid_argument
  static Result<ListenAddress> parse(std::string_view text);
  /// The text that parse() reads; "http://..." stands before it in what a person is shown.
  std::string text() const;
  /// Whether only this machine can reach it.
  bool is_local() const noexcept;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/server/listen_address.ipp>
#endif
