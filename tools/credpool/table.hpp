#pragma once
// SPDX-License-Identifier: MIT

#include "terminal.hpp"

#include <string>
#include <vector>

namespace credpool_cli {

/// Rows under a heading, aligned; on a narrow terminal the columns marked flexible are cut first.
class Table {
 public:
  struct Cell {
    std::string text;
    Style style = Style::plain;

    Cell(std::string text_, Style style_ = Style::plain) : text{std::move(text_)}, style{style_} {}
    Cell(const char* text_, Style style_ = Style::plain) : text{text_}, style{style_} {}
  };

  /// A heading that ends in "..." marks a flexible column (the dots are not shown).
  explicit Table(std::vector<std::string> headings);

  void add(std::vector<Cell> row);
  bool empty() const noexcept { return rows_.empty(); }

  /// The whole table, each line ended.
  std::string render(const Terminal& terminal) const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> flexible_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace credpool_cli
