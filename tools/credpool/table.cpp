// SPDX-License-Identifier: MIT
#include "table.hpp"

#include <algorithm>
#include <numeric>

namespace credpool_cli {

Table::Table(std::vector<std::string> headings) : headings_{std::move(headings)} {
  for (auto& heading : headings_) {
    const bool flexible = heading.ends_with("...");
    if (flexible) heading.resize(heading.size() - 3);
    flexible_.push_back(flexible);
  }
}

void Table::add(std::vector<Cell> row) {
  for (auto& cell : row) cell.text = harmless(cell.text);
  row.resize(headings_.size(), Cell{""});
  rows_.push_back(std::move(row));
}

std::string Table::render(const Terminal& terminal) const {
  constexpr std::size_t gap = 2;
  constexpr std::size_t narrowest = 8;
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < headings_.size(); ++column) {
    auto width = display_width(headings_[column]);
    for (const auto& row : rows_) width = std::max(width, display_width(row[column].text));
    widths.push_back(width);
  }
  if (terminal.columns > 0) {
    auto total = std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1));
    for (std::size_t column = headings_.size(); column-- > 0;) {
      const auto limit = static_cast<std::size_t>(terminal.columns);
      if (total <= limit || !flexible_[column] || widths[column] <= narrowest) continue;
      const auto spare = std::min(total - limit, widths[column] - narrowest);
      widths[column] -= spare;
      total -= spare;
    }
  }

  std::string text;
  const auto put = [&](const std::string& cell, Style style, std::size_t column) {
    const auto shown = shortened(cell, widths[column]);
    text += styled(terminal, style, shown);
    if (column + 1 < headings_.size())
      text.append(widths[column] - display_width(shown) + gap, ' ');
  };
  const auto end_line = [&] {
    while (!text.empty() && text.back() == ' ') text.pop_back();
    text += '\n';
  };
  for (std::size_t column = 0; column < headings_.size(); ++column)
    put(headings_[column], Style::dim, column);
  end_line();
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column)
      put(row[column].text, row[column].style, column);
    end_line();
  }
  return text;
}

}  // namespace credpool_cli
