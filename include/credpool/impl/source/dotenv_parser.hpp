#pragma once
// SPDX-License-Identifier: MIT

// The reader behind parse_dotenv(), for the internal headers that dotenv.ipp includes itself.

#include <credpool/core/secret.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// One pass over a .env text whose lines end in LF.
class DotenvParser {
 public:
  explicit DotenvParser(std::string_view text) : rest_{text} {}

  std::vector<std::pair<std::string, std::string>> parse() {
    std::vector<std::pair<std::string, std::string>> entries;
    while (!rest_.empty()) {
      skip(" \t\v\f");
      if (auto name = take_name(); !name.empty()) {
        auto value = take_value();
        const auto known = std::find_if(entries.begin(), entries.end(),
                                        [&](const auto& entry) { return entry.first == name; });
        if (known == entries.end()) {
          entries.emplace_back(std::move(name), std::move(value));
        } else {
          known->second = std::move(value);
        }
      }
      const auto end_of_line = rest_.find('\n');
      rest_.remove_prefix(end_of_line == rest_.npos ? rest_.size() : end_of_line + 1);
    }
    return entries;
  }

 private:
  static constexpr std::string_view blanks = " \t\v\f";

  static bool is_name(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  }

  void skip(std::string_view characters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }

  std::string_view word() {
    std::size_t size = 0;
    while (size < rest_.size() && is_name(rest_[size])) ++size;
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  /// The name and the sign after it; empty when the line is no assignment.
  std::string take_name() {
    auto name = word();
    if (name == "export" && !rest_.empty() && blanks.find(rest_.front()) != blanks.npos) {
      const auto after_export = rest_;
      skip(blanks);
      if (const auto next = word(); !next.empty()) {
        name = next;
      } else {
        rest_ = after_export;  // a variable called "export"
      }
    }
    const auto end_of_name = rest_;
    skip(blanks);
    const bool colon = end_of_name.starts_with(':') && end_of_name.size() > 1 &&
                       blanks.find(end_of_name[1]) != blanks.npos;
    if (name.empty() || !(rest_.starts_with('=') || colon)) return {};
    rest_.remove_prefix(1);
    return std::string{name};
  }

  std::string take_value() {
    skip(blanks);
    const char quote = rest_.empty() ? '\0' : rest_.front();
    const bool may_be_quoted = quote == '\'' || quote == '"' || quote == '`';
    if (may_be_quoted) {
      if (const auto end = end_of_quoted(quote)) {
        const auto text = rest_.substr(1, *end - 1);
        rest_.remove_prefix(*end + 1);
        return quote == '"' ? expanded(text) : std::string{text};
      }
    }
    auto text = rest_.substr(0, rest_.find_first_of("#\n"));
    rest_.remove_prefix(text.size());
    while (!text.empty() && blanks.find(text.back()) != blanks.npos) text.remove_suffix(1);
    // As in 'it's': the quotes around the whole go, whatever stands between them.
    if (may_be_quoted && text.size() > 1 && text.back() == quote) {
      text = text.substr(1, text.size() - 2);
      if (quote == '"') return expanded(text);
    }
    return std::string{text};
  }

  /// Where the quote that `rest_` begins with is closed; none when it is not, or not at a line's
  /// end.
  std::optional<std::size_t> end_of_quoted(char quote) const {
    std::size_t i = 1;
    while (i < rest_.size() && rest_[i] != quote)
      i += rest_[i] == '\\' && i + 1 < rest_.size() && rest_[i + 1] == quote ? 2 : 1;
    if (i >= rest_.size()) return std::nullopt;
    const auto after = rest_.find_first_not_of(blanks, i + 1);
    if (after != rest_.npos && rest_[after] != '\n' && rest_[after] != '#') return std::nullopt;
    return i;
  }

  static std::string expanded(std::string_view text) {
    std::string value;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
      if (next == 'n' || next == 'r') {
        value.push_back(next == 'n' ? '\n' : '\r');
        ++i;
      } else {
        value.push_back(text[i]);
      }
    }
    return value;
  }

  std::string_view rest_;
};

/// See parse_dotenv().
inline std::vector<std::pair<std::string, std::string>> parse_dotenv_text(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::string lines;
  lines.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    lines.push_back(text[i] == '\r' ? '\n' : text[i]);
  }
  auto entries = DotenvParser{lines}.parse();
  wipe(lines.data(), lines.size());
  return entries;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
