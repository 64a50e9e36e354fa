// SPDX-License-Identifier: MIT
#include "table.hpp"

#include <algorithm>

namespace credpool_cli {

namespace {

constexpr std::size_t gap = 2;  // between two columns

}  // namespace

Table::Table(std::vector<std::string> headings) : headings_{std::move(headings)} {
  for (auto& heading : headings_) {
    missable_.push_back(heading.starts_with('?'));
    if (missable_.back()) heading.erase(0, 1);
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

std::vector<std::pair<std::size_t, std::size_t>> Table::layout(const Terminal& terminal) const {
  std::vector<std::pair<std::size_t, std::size_t>> columns;
  for (std::size_t column = 0; column < headings_.size(); ++column) {
    auto width = display_width(headings_[column]);
    for (const auto& row : rows_) width = std::max(width, display_width(row[column].text));
    columns.emplace_back(column, width);
  }
  if (terminal.columns <= 0) return columns;
  const auto limit = static_cast<std::size_t>(terminal.columns);
  const auto total = [&](std::size_t narrowest) {
    std::size_t sum = gap * (columns.size() - 1);
    for (const auto& [column, width] : columns)
      sum += flexible_[column] ? std::min(width, narrowest) : width;
    return sum;
  };
  constexpr std::size_t comfortable = 22;
  for (auto column = columns.begin(); column != columns.end() && total(comfortable) > limit;)
    column = missable_[column->first] ? columns.erase(column) : column + 1;

  // The widest of those that may be cut gives way, so that none becomes narrower than it must.
  const auto cut = [&](bool all, std::size_t narrowest) {
    for (auto excess = total(std::string::npos); excess > limit; --excess) {
      auto widest = columns.end();
      for (auto column = columns.begin(); column != columns.end(); ++column)
        if ((all || flexible_[column->first]) && column->second > narrowest &&
            (widest == columns.end() || column->second > widest->second))
          widest = column;
      if (widest == columns.end()) return;
      --widest->second;
    }
  };
  cut(false, 8);
  cut(true, 3);
  return columns;
}

std::string Table::render(const Terminal& terminal) const {
  const auto columns = layout(terminal);
  std::string text;
  const auto put_line = [&](const auto& cell_of) {
    std::string line;
    std::size_t owed = 0;  // blanks before the next cell that is not empty
    for (const auto& [column, width] : columns) {
      const Cell cell = cell_of(column);
      const auto shown = shortened(cell.text, width);
      if (!shown.empty()) {
        line.append(owed, ' ');
        line += styled(terminal, cell.style, shown);
        owed = 0;
      }
      owed += width - display_width(shown) + gap;
    }
    text += line + '\n';
  };
  put_line([&](std::size_t column) { return Cell{headings_[column], Style::dim}; });
  for (const auto& row : rows_) put_line([&](std::size_t column) { return row[column]; });
  return text;
}

}  // namespace credpool_cli
