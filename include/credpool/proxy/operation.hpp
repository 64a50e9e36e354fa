#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What a caller of the LLM proxy asks for.
enum class Operation {
  chat_completions,  ///< POST /v1/chat/completions
  responses,         ///< POST /v1/responses
  embeddings,        ///< POST /v1/embeddings
  completions,       ///< POST /v1/completions
  messages,          ///< POST /v1/messages
  count_tokens,      ///< POST /v1/messages/count_tokens
  models,            ///< GET /v1/models and GET /v1/models/{id}
};

/// Whose API a caller speaks: in its shape it expects errors.
enum class Dialect { openai, anthropic };

/// The operation's name as it stands in logs ("chat_completions").
std::string_view to_string(Operation operation) noexcept;
std::string_view to_string(Dialect dialect) noexcept;

/// The dialect of a caller.
///
/// @param anthropic_version whether it sent the header `anthropic-version`, which alone tells the
///                          two kinds of callers of `models` apart
Dialect dialect_of(Operation operation, bool anthropic_version) noexcept;

/// Where an operation is reached below an upstream's base URL that ends before the operation, such
/// as "/chat/completions" and "/messages".
std::string_view path_of(Operation operation) noexcept;

/// The operation that a request line names.
struct Route {
  Operation operation = Operation::chat_completions;
  std::string model;  ///< the id of GET /v1/models/{id}, decoded; empty otherwise
};

/// The outcome of find_route().
struct RouteSearch {
  std::optional<Route> route;  ///< none: no such path, or another method
  std::string_view allowed;    ///< the methods that the path has, for `Allow`; empty: no such path
};

/// Finds the operation of a request. The paths are the same with and without "/v1" in front.
///
/// An id of a model may hold "/" and percent-encoded bytes; one that is longer than 256 bytes, is
/// no valid UTF-8, holds a control character or a broken escape is no such path.
///
/// @param path without the query
/// @effects none (pure)
RouteSearch find_route(std::string_view method, std::string_view path);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/operation.ipp>
#endif
