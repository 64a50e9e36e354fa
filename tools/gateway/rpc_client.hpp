#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

#include <credpool/core/secret.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

namespace credpool_cli {

/// Where a server is, and what lets us in.
struct RpcPlace {
  std::string url;               ///< "http://127.0.0.1:8484"; empty: there is only the socket
  std::filesystem::path socket;  ///< empty: there is only the URL
  credpool::Secret token;
};

/// What was asked for on the command line, in place of what the running server wrote down.
struct RpcTarget {
  std::string url = {};         ///< "http://...", "https://..." or "unix:/PATH"
  std::string token_file = {};  ///< empty: gateway.token in the state directory
};

/// Finds the running server: by gateway.json and gateway.token in the state directory.
/// @errors not_found when none runs, with how to start one; invalid_argument for an address of
///         another machine without a token file, or without TLS; those of reading the files
credpool::Result<RpcPlace> find_server(const Session& session, const RpcTarget& target = {});

/// An answer of JSON-RPC with an error in it.
struct RpcRefusal {
  int code = 0;  ///< of JSON-RPC
  credpool::Errc errc = credpool::Errc::io;
  std::string message;
  std::string hint;
  std::string retry_at;
};

/// What a call brought: a result, or why there is none.
struct RpcOutcome {
  Json result;
  std::optional<RpcRefusal> refusal = {};
};

/// Calls a method of the server.
/// @param patience for the whole call; a refresh takes its time
/// @errors those of the transport; unauthorized when the token is not let in; malformed when what
///         answers is no such server
credpool::Result<RpcOutcome> call_method(const Session& session, const RpcPlace& place,
                                         const std::string& method, const Json& params,
                                         credpool::Duration patience = std::chrono::minutes{10});

}  // namespace credpool_cli
