// SPDX-License-Identifier: MIT
#include "box_table.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace openclaw_token {

namespace {

using credpool_cli::Terminal;

constexpr std::string_view vertical = "\xe2\x94\x82";
constexpr std::string_view horizontal = "\xe2\x94\x80";

std::string coloured(const Terminal& terminal, std::string_view code, std::string_view text) {
  if (!terminal.colour) return std::string{text};
  return "\x1b[" + std::string{code} + "m" + std::string{text} + "\x1b[39m";
}

std::string border(const Terminal& terminal, std::string_view text) {
  return coloured(terminal, "90", text);
}

std::string rule(const Terminal& terminal, const std::vector<std::size_t>& widths,
                 std::string_view left, std::string_view middle, std::string_view right) {
  std::string line{left};
  for (std::size_t column = 0; column < widths.size(); ++column) {
    if (column > 0) line += middle;
    for (std::size_t i = 0; i < widths[column] + 2; ++i) line += horizontal;
  }
  line += right;
  return border(terminal, line) + "\n";
}

}  // namespace

std::string box_table(const Terminal& terminal, const std::vector<std::string>& headings,
                      const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> shown{headings};
  for (const auto& row : rows) {
    auto& cells = shown.emplace_back();
    for (const auto& cell : row) cells.push_back(credpool_cli::harmless(cell));
  }
  std::vector<std::size_t> widths(headings.size());
  for (const auto& row : shown)
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], credpool_cli::display_width(row[column]));

  auto text = rule(terminal, widths, "\xe2\x94\x8c", "\xe2\x94\xac", "\xe2\x94\x90");
  for (std::size_t row = 0; row < shown.size(); ++row) {
    if (row > 0) text += rule(terminal, widths, "\xe2\x94\x9c", "\xe2\x94\xbc", "\xe2\x94\xa4");
    for (std::size_t column = 0; column < widths.size(); ++column) {
      const auto& cell = shown[row][column];
      text += border(terminal, vertical) + " " +
              (row == 0 ? coloured(terminal, "36", cell) : cell) +
              std::string(widths[column] - credpool_cli::display_width(cell) + 1, ' ');
    }
    text += border(terminal, vertical) + "\n";
  }
  return text + rule(terminal, widths, "\xe2\x94\x94", "\xe2\x94\xb4", "\xe2\x94\x98");
}

}  // namespace openclaw_token
