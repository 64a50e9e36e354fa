// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include <credpool/core/encoding.hpp>

#include <algorithm>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace credpool_cli {

Terminal Terminal::of(std::FILE* stream, bool no_colour) {
  Terminal terminal;
  const int descriptor = ::fileno(stream);
  terminal.is_terminal = ::isatty(descriptor) == 1;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  terminal.colour = terminal.is_terminal && !no_colour &&
                    (no_color == nullptr || *no_color == '\0') && term != nullptr &&
                    std::string_view{term} != "dumb";
  terminal.columns = 0;
  if (terminal.is_terminal) {
    winsize size{};
    const bool known = ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    terminal.columns = known ? size.ws_col : 100;
  }
  return terminal;
}

std::string styled(const Terminal& terminal, Style style, std::string_view text) {
  if (!terminal.colour || style == Style::plain) return std::string{text};
  std::string_view code;
  switch (style) {
    case Style::plain:
      break;
    case Style::bold:
      code = "1";
      break;
    case Style::dim:
      code = "2";
      break;
    case Style::good:
      code = "32";
      break;
    case Style::warning:
      code = "33";
      break;
    case Style::bad:
      code = "31";
      break;
  }
  return "\x1b[" + std::string{code} + "m" + std::string{text} + "\x1b[0m";
}

std::size_t display_width(std::string_view text) noexcept {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) == 0x80) continue;  // inside a code point
    // U+0300..U+036F, the combining marks of Latin text, take no column of their own.
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == 0xcc || (byte == 0xcd && next < 0xb0)) continue;
    ++columns;
  }
  return columns;
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string{text};
  if (columns <= 3) return std::string(columns, '.');
  std::string cut;
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t next = i + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
    const auto point = text.substr(i, next - i);
    if (used + display_width(point) > columns - 3) break;
    used += display_width(point);
    cut += point;
    i = next;
  }
  return cut + "...";
}

std::string wrapped(const Terminal& terminal, std::string_view text, std::size_t indent) {
  if (terminal.columns <= 0) return std::string{text};
  const auto limit = static_cast<std::size_t>(terminal.columns);
  std::string lines;
  std::size_t used = 0;
  for (std::size_t start = 0; start < text.size();) {
    // A word with the blanks before it, which vanish at a line break.
    const auto word = std::min(text.find_first_not_of(' ', start), text.size());
    const auto end = std::min(text.find(' ', word), text.size());
    const auto width = display_width(text.substr(start, end - start));
    if (used > indent && used + width > limit) {
      lines += "\n" + std::string(indent, ' ');
      used = indent;
      start = word;
    }
    lines += text.substr(start, end - start);
    used += display_width(text.substr(start, end - start));
    start = end;
  }
  return lines;
}

std::string harmless(std::string_view text) {
  const bool valid = credpool::is_valid_utf8(text);
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool control = byte < 0x20 || byte == 0x7f;
    // The C1 controls, U+0080 to U+009F, begin escapes in some terminals.
    const bool c1 =
        byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    clean += control || c1 || (!valid && byte >= 0x80) ? '?' : text[i];
  }
  return clean;
}

}  // namespace credpool_cli
