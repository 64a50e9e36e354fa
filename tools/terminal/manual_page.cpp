// SPDX-License-Identifier: MIT
#include "manual_page.hpp"

#include <algorithm>
#include <cctype>

namespace credpool_cli {

namespace {

/// Text that roff prints as it is: no dash becomes a hyphen, no line becomes a request.
std::string roff(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\')
      safe += "\\e";
    else if (c == '-')
      safe += "\\-";
    else if (c == '\'' && safe.empty())
      safe += "\\(aq";
    else if (c == '.' && safe.empty())
      safe += "\\&.";
    else
      safe += c;
  }
  return safe;
}

void add_options(const CommandTree& command, std::string& text) {
  for (const auto& option : command.options) {
    text += ".TP\n";
    std::string names;
    for (const auto& name : option.names) {
      if (!names.empty()) names += ", ";
      names += (option.positional ? "\\fI" : "\\fB") + roff(name) + "\\fR";
    }
    if (option.takes_value && !option.positional) names += " \\fIVALUE\\fR";
    text += names + "\n" + roff(option.description) + "\n";
  }
}

void add_command(const CommandTree& command, const std::string& path, std::string& text) {
  text += ".SS " + roff(path) + "\n" + roff(command.description) + ".\n";
  add_options(command, text);
  for (const auto& child : command.children) add_command(child, path + " " + child.name, text);
}

void add_rows(const char* heading, char font, const ManualTexts::Rows& rows, std::string& text) {
  if (rows.empty()) return;
  text += std::string{".SH "} + heading + "\n";
  for (const auto& [term, meaning] : rows)
    text += std::string{".TP\n\\f"} + font + roff(term) + "\\fR\n" + roff(meaning) + "\n";
}

}  // namespace

std::string manual_page(const CommandTree& tree, const ManualTexts& texts) {
  auto title = tree.name;
  std::transform(title.begin(), title.end(), title.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string text = ".TH " + roff(title) + " 1 \"\" \"" + texts.version +
                     "\" \"User Commands\"\n.SH NAME\n" + roff(tree.name) + " \\- " +
                     roff(texts.purpose) + "\n.SH SYNOPSIS\n.B " + roff(tree.name) +
                     "\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
                     ".SH DESCRIPTION\n";
  text += roff(tree.description) + "\n.SH OPTIONS\n";
  add_options(tree, text);
  text += ".SH COMMANDS\n";
  for (const auto& child : tree.children) add_command(child, child.name, text);
  add_rows("EXIT STATUS", 'B', texts.exit_status, text);
  add_rows("ENVIRONMENT", 'B', texts.environment, text);
  add_rows("FILES", 'I', texts.files, text);
  return text;
}

}  // namespace credpool_cli
