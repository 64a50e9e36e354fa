#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/core/time.hpp>
#include <credpool/rpc/scope.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Who calls, as the transport found out; never what a request says of itself.
struct RpcCaller {
  Scopes scopes = {};
  std::string name = {};                     ///< for logs: "token:NAME", "session", "unix", "stdio"
  bool local = true;                         ///< of this machine
  std::optional<TimePoint> expires_at = {};  ///< when what it showed ends; none: it does not
};

/// One method of the interface.
struct RpcMethod {
  std::string name;  ///< "tokenDiscovery.scan"; "rpc." is reserved
  Scope scope = Scope::read;
  std::string summary;  ///< one sentence, as in the OpenRPC document
  /// JSON Schema texts, as in the OpenRPC document. That of the parameters is of type "object" and
  /// uses only what docs/rpc.md names; a call whose parameters do not fit never reaches `run`.
  std::string params_schema;
  std::string result_schema;
  /// Does it; may block. The parameters are always an object, the result is JSON text.
  std::function<Result<std::string>(std::string_view params_json, const RpcCaller& caller)> run;
};

/// How much one message may be.
struct RpcLimits {
  std::size_t max_bytes = 1024 * 1024;
  int max_depth = 32;
  std::size_t max_batch = 50;
};

/// What the OpenRPC document says about the interface as a whole.
struct RpcInfo {
  std::string title = "credpool";
  std::string version = CREDPOOL_VERSION_STRING;
  std::string description = {};
};

/// JSON-RPC 2.0 over a table of methods: text in, text out, whatever carries it.
///
/// Refused beyond what the specification asks for: a member that stands twice in an object,
/// parameters by position, numbers with a fraction as id. Errors of the protocol have the codes of
/// the specification; an Error of a method is -32000, a missing scope -32001; all have `data:
/// {code, message, hint, path?, retryAt?}`, where `code` is to_string(Errc). No text of the request
/// is quoted, but for short printable names of members.
///
/// It serves `rpc.discover` (read) by itself: the OpenRPC document.
///
/// @thread_safety handle() and openrpc() are safe once the last method was added
/// @source JSON-RPC 2.0 Specification (2013-01-04); OpenRPC Specification 1.3.2
class RpcDispatcher {
 public:
  explicit RpcDispatcher(RpcInfo info = {}, RpcLimits limits = {});
  ~RpcDispatcher();
  RpcDispatcher(const RpcDispatcher&) = delete;
  RpcDispatcher& operator=(const RpcDispatcher&) = delete;

  /// Throws std::logic_error for a name that is there, or a schema that cannot be used: mistakes of
  /// the program.
  void add(RpcMethod method);

  /// Is told of what a method threw (a fault of the program), for the log.
  void on_fault(std::function<void(std::string_view method, std::string_view what)> tell);

  /// Answers one message, a request or a batch.
  /// @param called gets what was called, for a log: the method's name, "unknown" for none of ours,
  ///               and how many more a batch has ("health +2"); empty when the message is no such
  /// @return the answer; empty when nothing is answered (notifications only)
  std::string handle(std::string_view message, const RpcCaller& caller,
                     std::string* called = nullptr) const;

  /// The names of all methods, sorted.
  std::vector<std::string> methods() const;

  /// The OpenRPC document as JSON text; every method has its scope as `x-scope`.
  std::string openrpc() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/rpc/dispatcher.ipp>
#endif
