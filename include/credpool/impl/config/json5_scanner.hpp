#pragma once
// SPDX-License-Identifier: MIT

// The characters, white space and comments of JSON5. Internal: the reader and the editor share it.

#include <credpool/core/version.hpp>
#include <credpool/impl/config/identifier_ranges.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A character of UTF-8 text that is known to be valid; `size` 0 at the end of the text.
struct Json5Char {
  char32_t point = 0;
  std::size_t size = 0;
};

inline Json5Char json5_char_at(std::string_view text, std::size_t at) noexcept {
  if (at >= text.size()) return {};
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  char32_t point = lead & (0x7fU >> size);
  for (std::size_t k = 1; k < size; ++k)
    point = (point << 6) | (static_cast<unsigned char>(text[at + k]) & 0x3fU);
  return {point, size};
}

inline void json5_append(std::string& text, char32_t point) {
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | (point >> 6));
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3f));
    put(0x80 | ((point >> 6) & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

inline bool json5_line_end(char32_t c) noexcept {
  return c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029;
}

/// White space of section 8: that of ECMAScript 5.1, which is Unicode's category Zs and a few more.
inline bool json5_blank(char32_t c) noexcept {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000 || c == 0xfeff;
}

template <std::size_t N>
bool in_identifier_ranges(const std::array<IdentifierRange, N>& ranges, char32_t c) noexcept {
  const auto range =
      std::lower_bound(ranges.begin(), ranges.end(), c,
                       [](const IdentifierRange& r, char32_t p) { return r.last < p; });
  return range != ranges.end() && range->first <= c;
}

inline bool json5_identifier_start(char32_t c) noexcept {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
  return in_identifier_ranges(identifier_starts, c);
}

inline bool json5_identifier_part(char32_t c) noexcept {
  if (c < 0x80) return json5_identifier_start(c) || (c >= '0' && c <= '9');
  constexpr char32_t zero_width_non_joiner = 0x200c;
  constexpr char32_t zero_width_joiner = 0x200d;
  return json5_identifier_start(c) || in_identifier_ranges(identifier_parts, c) ||
         c == zero_width_non_joiner || c == zero_width_joiner;
}

inline int json5_hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// A key as it may stand in a message: short, and nothing in it can move a terminal's cursor.
inline std::string json5_shown(std::string_view key) {
  std::string shown{key.substr(0, 64)};
  for (auto& c : shown)
    if (c < ' ' || c == '\x7f') c = '?';
  return shown;
}

/// The offset behind white space and comments; npos when a block comment does not end.
inline std::size_t json5_skip_blanks(std::string_view text, std::size_t at) noexcept {
  while (true) {
    const auto c = json5_char_at(text, at);
    if (c.size != 0 && json5_blank(c.point)) {
      at += c.size;
    } else if (text.substr(at).starts_with("/*")) {
      const auto end = text.find("*/", at + 2);
      if (end == std::string_view::npos) return end;
      at = end + 2;
    } else if (text.substr(at).starts_with("//")) {
      while (true) {
        const auto next = json5_char_at(text, at);
        if (next.size == 0 || json5_line_end(next.point)) break;
        at += next.size;
      }
    } else {
      return at;
    }
  }
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
