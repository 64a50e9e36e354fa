#pragma once
// SPDX-License-Identifier: MIT

// How this library reads TOML that others wrote. Internal: included by .ipp files only.

#include <credpool/core/result.hpp>

#include <toml++/toml.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The position after the TOML string that begins at `start`.
inline std::size_t toml_string_end(std::string_view text, std::size_t start) noexcept {
  const char quote = text[start];
  const std::string_view triple = quote == '"' ? R"(""")" : "'''";
  const auto closing = text.substr(start).starts_with(triple) ? triple : triple.substr(0, 1);
  for (auto i = start + closing.size(); i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (closing.size() == 1 && text[i] == '\n') {
      return i;  // broken: the parser will say so
    } else if (text.substr(i).starts_with(closing)) {
      i += closing.size();
      // A multi-line string may end in quotes of its own.
      while (closing.size() == 3 && i < text.size() && text[i] == quote) ++i;
      return i;
    }
  }
  return text.size();
}

/// How deep the text nests: open brackets and braces, and the parts of one dotted key. Taken before
/// the parser sees the text, since it and the destructor of what it returns recurse.
inline int toml_depth(std::string_view text) noexcept {
  int open = 0;
  int dots = 0;
  int deepest = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if (c == '"' || c == '\'') {
      i = toml_string_end(text, i);
      continue;
    }
    if (c == '[' || c == '{') {
      ++open;
    } else if ((c == ']' || c == '}') && open > 0) {
      --open;
    }
    if (c == '.') {
      ++dots;
    } else if (c == '\n' || c == '=' || c == ',' || c == '[' || c == '{') {
      dots = 0;
    }
    deepest = std::max(deepest, open + dots);
    ++i;
  }
  return deepest;
}

/// Parses TOML text.
/// @errors malformed with line and column (never the text); too_deep over 64 levels
inline Result<toml::table> parse_toml(std::string_view text) {
  constexpr int max_depth = 64;
  if (toml_depth(text) > max_depth)
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
