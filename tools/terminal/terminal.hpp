#pragma once
// SPDX-License-Identifier: MIT

#include <cstdio>
#include <string>
#include <string_view>

namespace credpool_cli {

/// How much colour and width an output stream takes.
struct Terminal {
  bool is_terminal = false;
  bool colour = false;  ///< a terminal, NO_COLOR unset, TERM not "dumb", no --no-color
  int columns = 100;    ///< 0 when the width is not limited (a pipe)

  static Terminal of(std::FILE* stream, bool no_colour);
};

enum class Style { plain, bold, dim, good, warning, bad };

/// The text in a style, or as it is where there is no colour.
std::string styled(const Terminal& terminal, Style style, std::string_view text);

/// How many columns UTF-8 text takes, counting one for each code point that is not a combining
/// mark.
std::size_t display_width(std::string_view text) noexcept;

/// The text cut to that many columns, with "..." at its end when it was longer.
std::string shortened(std::string_view text, std::size_t columns);

/// The text with line breaks between words where the terminal ends; lines after the first begin
/// with `indent` blanks. As it is where the width is not limited.
std::string wrapped(const Terminal& terminal, std::string_view text, std::size_t indent);

/// The text with control characters and escapes made harmless: for anything that a file, a server
/// or the environment gave us.
std::string harmless(std::string_view text);

}  // namespace credpool_cli
