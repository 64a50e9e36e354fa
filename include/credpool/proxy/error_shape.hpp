#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/operation.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// An error of the proxy itself, to be told to a caller.
struct ProxyError {
  /// HTTP status. An error inside a stream has one too: it decides the type.
  int status = 500;
  /// For a person: what failed and what to do. Any bytes; shown as one line of at most 1,000 bytes.
  /// Words of an upstream must have gone through shown_text() with the credential that was sent.
  std::string_view message;
  std::string_view code =
      {};  ///< for programs, OpenAI only: "model_not_found"; empty: the status's
  std::string_view param = {};  ///< the member at fault, OpenAI only: "model"; may be empty
};

/// What the services themselves call an error of that status.
///
/// @param code "insufficient_quota" is a type of its own at OpenAI
/// @source OpenAI and Anthropic API references, "Errors"
std::string_view error_type(Dialect dialect, int status, std::string_view code = {}) noexcept;

/// The body of an error answer (application/json), as that service would write it.
/// @param request_id of ours, as it stands in x-request-id; Anthropic's shape has it in the body
std::string error_body(Dialect dialect, const ProxyError& error, std::string_view request_id);

/// The server-sent event that ends a stream which broke; to be sent at an event boundary.
///
/// The official SDKs raise on it: openai-node and openai-python look for a member `error` in any
/// event, Anthropic's for the event's name "error".
///
/// @param sequence_number of the Responses API: one more than the last event's; 0 when not known
std::string stream_error_event(Operation operation, const ProxyError& error,
                               std::string_view request_id, std::uint64_t sequence_number = 0);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/error_shape.ipp>
#endif
