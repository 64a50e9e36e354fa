#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/operation.hpp>

#include <credpool/core/encoding.hpp>

#include <algorithm>
#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

struct OperationRow {
  Operation operation;
  std::string_view name;
  std::string_view path;
  std::string_view method;
};

/// In the order of the enumerators.
inline constexpr std::array<OperationRow, 7> operation_rows{{
    {Operation::chat_completions, "chat_completions", "/chat/completions", "POST"},
    {Operation::responses, "responses", "/responses", "POST"},
    {Operation::embeddings, "embeddings", "/embeddings", "POST"},
    {Operation::completions, "completions", "/completions", "POST"},
    {Operation::messages, "messages", "/messages", "POST"},
    {Operation::count_tokens, "count_tokens", "/messages/count_tokens", "POST"},
    {Operation::models, "models", "/models", "GET"},
}};

/// A percent-decoded id of a model; none when it is not one that we would look up.
inline std::optional<std::string> operation_model_id(std::string_view text) {
  constexpr std::size_t most_bytes = 256;
  if (text.empty() || text.size() > 3 * most_bytes) return std::nullopt;
  std::string id;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      id += text[at];
      continue;
    }
    const auto byte = decode_hex(text.substr(at + 1, 2));
    if (!byte || byte->size() != 1) return std::nullopt;
    id += *byte;
    at += 2;
  }
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
  if (id.size() > most_bytes || !is_valid_utf8(id) || std::any_of(id.begin(), id.end(), is_control))
    return std::nullopt;
  return id;
}

}  // namespace detail

CREDPOOL_INLINE std::string_view to_string(Operation operation) noexcept {
  return detail::operation_rows[static_cast<std::size_t>(operation)].name;
}

CREDPOOL_INLINE std::string_view to_string(Dialect dialect) noexcept {
  return dialect == Dialect::openai ? "openai" : "anthropic";
}

CREDPOOL_INLINE Dialect dialect_of(Operation operation, bool anthropic_version) noexcept {
  const bool anthropic = operation == Operation::messages || operation == Operation::count_tokens ||
                         (operation == Operation::models && anthropic_version);
  return anthropic ? Dialect::anthropic : Dialect::openai;
}

CREDPOOL_INLINE std::string_view path_of(Operation operation) noexcept {
  return detail::operation_rows[static_cast<std::size_t>(operation)].path;
}

CREDPOOL_INLINE RouteSearch find_route(std::string_view method, std::string_view path) {
  constexpr std::string_view one_model = "/models/";
  constexpr auto& rows = detail::operation_rows;
  RouteSearch search;
  if (path.starts_with("/v1/")) path.remove_prefix(3);
  std::optional<std::string> model;
  const auto* row = std::find_if(rows.begin(), rows.end(),
                                 [path](const auto& known) { return path == known.path; });
  if (row == rows.end() && path.starts_with(one_model)) {
    model = detail::operation_model_id(path.substr(one_model.size()));
    if (model) row = &rows[static_cast<std::size_t>(Operation::models)];
  }
  if (row == rows.end()) return search;
  search.allowed = row->method;
  if (method != row->method) return search;
  search.route.emplace().operation = row->operation;
  if (model) search.route->model = std::move(*model);
  return search;
}

}  // namespace credpool::inline CREDPOOL_ABI
