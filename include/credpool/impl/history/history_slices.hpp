#pragma once
// SPDX-License-Identifier: MIT

// Where the entries stand in the text of a history. Internal: included by .ipp files only.

#include <credpool/core/version.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A history document in pieces: what stands before, between and after the commas of "discovered".
struct HistorySlices {
  std::string_view before;  ///< up to the list's "["
  std::vector<std::string_view> elements;
  std::string_view after;  ///< from its "]"
};

/// The end of the string that begins at `at`, its closing quote; npos when there is none.
inline std::size_t history_string_end(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return at < text.size() ? at : std::string_view::npos;
}

/// Finds the pieces by brackets, quotes and commas alone. Where `before` + `after` is JSON and each
/// element is, the whole text is, and says the same; nothing else is promised.
///
/// @return none for a text that is not as plain as those that programs write (comments, escapes in
///         names, no list): it has to be read whole
inline std::optional<HistorySlices> slice_history(std::string_view text) {
  HistorySlices slices;
  std::string_view name;    // of the member at the top whose value is being passed
  std::string_view string;  // the last one at the top
  std::size_t depth = 0;
  std::size_t begin = 0;  // of an element
  bool inside = false;    // the list
  for (std::size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case '"': {
        const auto end = history_string_end(text, at);
        if (end == std::string_view::npos) return std::nullopt;
        if (depth == 1) string = text.substr(at + 1, end - at - 1);
        at = end;
        break;
      }
      case ':':
        if (depth != 1) break;
        name = string;
        if (name.find('\\') != std::string_view::npos) return std::nullopt;
        break;
      case '{':
      case '[':
        if (++depth != 2 || text[at] != '[' || name != "discovered") break;
        if (!slices.before.empty()) return std::nullopt;
        slices.before = text.substr(0, at + 1);
        begin = at + 1;
        inside = true;
        break;
      case '}':
      case ']':
        if (depth == 0) return std::nullopt;
        if (inside && depth == 2) {
          slices.elements.push_back(text.substr(begin, at - begin));
          slices.after = text.substr(at);
          inside = false;
        }
        --depth;
        break;
      case ',':
        if (inside && depth == 2) {
          slices.elements.push_back(text.substr(begin, at - begin));
          begin = at + 1;
        }
        break;
      case '/':
        return std::nullopt;
      default:
        break;
    }
  }
  if (slices.after.empty()) return std::nullopt;
  if (slices.elements.size() == 1 &&
      slices.elements[0].find_first_not_of(" \t\r\n") == std::string_view::npos)
    slices.elements.clear();
  return slices;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
