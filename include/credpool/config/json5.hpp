#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/json5_value.hpp>
#include <credpool/core/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What a reader of JSON5 refuses although the grammar allows it.
struct Json5Rules {
  std::size_t max_bytes = 1024 * 1024;
  int max_depth = 64;
  /// JSON5 lets the last of two equal keys win, which hides mistakes; off by default.
  bool allow_duplicate_keys = false;
  std::uint32_t source = 0;  ///< stands in every range of the document
};

/// A place in a text, both counted from 1; the column counts characters, not bytes.
struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 1;

  /// "line:column"
  std::string text() const;
};

/// Line and column of a byte offset. A line ends with LF, CR or CR LF.
/// @effects none
TextPosition position_of(std::string_view text, std::size_t offset) noexcept;

/// Reads one JSON5 document.
///
/// Also refused: invalid UTF-8, NUL bytes and lone surrogates, since neither can stand in UTF-8
/// text. A number too large for a double is Infinity, one too small is 0, as in JavaScript.
/// "__proto__" is a key like any other.
///
/// @errors malformed, duplicate_key, too_deep, too_large; the place is "line:column", the hint says
///         what was expected (or which key is there twice). The text itself is never quoted.
/// @source The JSON5 Data Interchange Format, version 1.0.0; ECMAScript 5.1, section 7.6
Result<Json5Value> parse_json5(std::string_view text, Json5Rules rules = {});

/// Whether the text can be a key without quotes (an IdentifierName of ECMAScript 5.1).
bool is_json5_identifier(std::string_view text) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/config/json5.ipp>
#endif
