#pragma once
// SPDX-License-Identifier: MIT

// How this library reads TOML that others wrote. Internal: included by .ipp files only.

#include <credpool/core/result.hpp>

#include <toml++/toml.h>

#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The deepest run of brackets and braces outside of strings and comments: a cheap upper bound of
/// the nesting, taken before the recursive parser sees the text.
inline int toml_bracket_depth(std::string_view text) noexcept {
  int depth = 0;
  int deepest = 0;
  char quote = 0;
  bool comment = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (comment) {
      comment = c != '\n';
    } else if (quote != 0) {
      if (c == '\\' && quote == '"') {
        ++i;
      } else if (c == quote || c == '\n') {
        quote = 0;  // a multi-line string ends here too early: that only overestimates
      }
    } else if (c == '#') {
      comment = true;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

/// Parses TOML text.
/// @errors malformed with line and column (never the text); too_deep over 64 levels
inline Result<toml::table> parse_toml(std::string_view text) {
  constexpr int max_depth = 64;
  if (toml_bracket_depth(text) > max_depth)
    return fail(Errc::too_deep, "parsing TOML", "over " + std::to_string(max_depth) + " levels");
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    const auto& where = error.source().begin;
    return fail(Errc::malformed, "parsing TOML",
                "line " + std::to_string(where.line) + ", column " + std::to_string(where.column));
  }
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
