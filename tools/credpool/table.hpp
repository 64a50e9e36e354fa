#pragma once
// SPDX-License-Identifier: MIT

#include "terminal.hpp"

#include <string>
#include <utility>
#include <vector>

namespace credpool_cli {

/// Rows under a heading, aligned. No line is longer than the terminal is wide: where it is narrow,
/// columns that can be missed go first, then the flexible ones are cut, then all.
class Table {
 public:
  struct Cell {
    std::string text;
    Style style = Style::plain;

    Cell(std::string text_, Style style_ = Style::plain) : text{std::move(text_)}, style{style_} {}
    Cell(const char* text_, Style style_ = Style::plain) : text{text_}, style{style_} {}
  };

  /// A heading that ends in "..." marks a flexible column; one that begins with "?" marks a column
  /// that can be missed, the first of them first (neither mark is shown).
  explicit Table(std::vector<std::string> headings);

  void add(std::vector<Cell> row);
  bool empty() const noexcept { return rows_.empty(); }

  /// The whole table, each line ended.
  std::string render(const Terminal& terminal) const;

 private:
  std::vector<std::string> headings_;
  /// The columns to show on that terminal, as (index, width).
  std::vector<std::pair<std::size_t, std::size_t>> layout(const Terminal& terminal) const;

  std::vector<bool> flexible_;
  std::vector<bool> missable_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace credpool_cli
