// SPDX-License-Identifier: MIT
#include "csv.hpp"

namespace openclaw_token {

std::string csv_line(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += ',';
    if (cells[i].find_first_of(",\"\r\n") == std::string::npos) {
      line += cells[i];
      continue;
    }
    line += '"';
    for (const char c : cells[i]) line += c == '"' ? std::string{"\"\""} : std::string{c};
    line += '"';
  }
  return line + '\n';
}

std::optional<std::vector<std::vector<std::string>>> read_csv(std::string_view text) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> cells;
  std::string cell;
  bool quoted = false;      // inside quotes
  bool was_quoted = false;  // the cell began with one
  const auto end_cell = [&] {
    cells.push_back(std::move(cell));
    cell.clear();
    was_quoted = false;
  };
  const auto end_line = [&] {
    if (!cells.empty() || !cell.empty() || was_quoted) {
      end_cell();
      lines.push_back(std::move(cells));
    }
    cells.clear();
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c != '"')
        cell += c;
      else if (at + 1 < text.size() && text[at + 1] == '"')
        cell += text[++at];
      else
        quoted = false;
    } else if (c == '"') {
      if (!cell.empty() || was_quoted) return std::nullopt;
      quoted = was_quoted = true;
    } else if (c == ',') {
      end_cell();
    } else if (c == '\n') {
      end_line();
    } else if (c == '\r' && at + 1 < text.size() && text[at + 1] == '\n') {
      continue;
    } else {
      if (was_quoted) return std::nullopt;
      cell += c;
    }
  }
  if (quoted) return std::nullopt;
  end_line();
  return lines;
}

}  // namespace openclaw_token
