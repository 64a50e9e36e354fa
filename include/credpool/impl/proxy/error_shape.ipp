#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/error_shape.hpp>

#include <credpool/impl/core/json.hpp>
#include <credpool/validation/shown_text.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline std::string error_text(std::string_view text, std::size_t max_bytes) {
  return shown_text(text, Credential{}, max_bytes);
}

/// A short word for programs; null when there is none.
inline OrderedJson error_word(std::string_view word) {
  return word.empty() ? OrderedJson(nullptr) : OrderedJson(error_text(word, 100));
}

inline std::string_view error_code(const ProxyError& error) noexcept {
  if (!error.code.empty()) return error.code;
  switch (error.status) {
    case 401:
      return "invalid_api_key";
    case 429:
      return "rate_limit_exceeded";
    case 504:
      return "timeout";
    default:
      return {};
  }
}

inline OrderedJson openai_error(const ProxyError& error) {
  const auto code = error_code(error);
  return {{"message", error_text(error.message, 1000)},
          {"type", error_type(Dialect::openai, error.status, code)},
          {"param", error_word(error.param)},
          {"code", error_word(code)}};
}

/// One event of a stream. Appended piece by piece: for `"text" + std::string{}` g++ 12 warns of an
/// overlap that is none.
inline std::string error_event(std::string_view before, std::string_view data) {
  std::string text{before};
  text += data;
  text += "\n\n";
  return text;
}

}  // namespace detail

CREDPOOL_INLINE std::string_view error_type(Dialect dialect, int status,
                                            std::string_view code) noexcept {
  if (dialect == Dialect::openai) {
    if (code == "insufficient_quota") return "insufficient_quota";
    switch (status) {
      case 401:
        return "authentication_error";
      case 403:
        return "permission_error";
      case 408:
      case 504:
        return "timeout_error";
      case 429:
        return "rate_limit_error";
      case 503:
      case 529:
        return "overloaded_error";
      default:
        return status >= 500 ? "server_error" : "invalid_request_error";
    }
  }
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 408:
    case 504:
      return "timeout_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

CREDPOOL_INLINE std::string error_body(Dialect dialect, const ProxyError& error,
                                       std::string_view request_id) {
  if (dialect == Dialect::openai)
    return detail::dump_json(detail::OrderedJson{{"error", detail::openai_error(error)}});
  const detail::OrderedJson inner{{"type", error_type(dialect, error.status)},
                                  {"message", detail::error_text(error.message, 1000)}};
  return detail::dump_json(detail::OrderedJson{
      {"type", "error"}, {"error", inner}, {"request_id", detail::error_word(request_id)}});
}

CREDPOOL_INLINE std::string stream_error_event(Operation operation, const ProxyError& error,
                                               std::string_view request_id,
                                               std::uint64_t sequence_number) {
  if (operation == Operation::messages)
    return detail::error_event("event: error\ndata: ",
                               error_body(Dialect::anthropic, error, request_id));
  if (operation != Operation::responses)
    return detail::error_event("data: ", error_body(Dialect::openai, error, request_id));
  // The reference has code, message and param in the event itself; the service also sends `error`,
  // which is what the SDKs for Python raise on.
  const auto inner = detail::openai_error(error);
  const detail::OrderedJson event{{"type", "error"},
                                  {"code", inner["code"]},
                                  {"message", inner["message"]},
                                  {"param", inner["param"]},
                                  {"sequence_number", sequence_number},
                                  {"error", inner}};
  return detail::error_event("event: error\ndata: ", detail::dump_json(event));
}

}  // namespace credpool::inline CREDPOOL_ABI
