// SPDX-License-Identifier: MIT
#include "manual_page.hpp"

#include <credpool/core/version.hpp>

#include <algorithm>

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

}  // namespace

std::string manual_page(const CommandTree& tree) {
  std::string text =
      ".TH CREDPOOL 1 \"\" \"credpool " CREDPOOL_VERSION_STRING
      "\" \"User Commands\"\n"
      ".SH NAME\ncredpool \\- lends the logins of AI coding CLIs in rotation\n"
      ".SH SYNOPSIS\n.B credpool\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
      ".SH DESCRIPTION\n";
  text += roff(tree.description) + "\n.SH OPTIONS\n";
  add_options(tree, text);
  text += ".SH COMMANDS\n";
  for (const auto& child : tree.children) add_command(child, child.name, text);
  text +=
      ".SH EXIT STATUS\n"
      ".TP\n\\fB0\\fR\nok\n"
      ".TP\n\\fB1\\fR\na credential is missing or expired, or the command failed\n"
      ".TP\n\\fB2\\fR\na credential is expiring soon and cannot be refreshed\n"
      ".TP\n\\fB3\\fR\nthe command line or the configuration is wrong\n"
      ".TP\n\\fB4\\fR\na person must log in again\n"
      ".TP\n\\fB5\\fR\na single\\-use token may or may not have been spent\n"
      ".SH ENVIRONMENT\n"
      ".TP\n\\fBCREDPOOL_CONFIG\\fR\nthe configuration file, as \\-\\-config\n"
      ".TP\n\\fBNO_COLOR\\fR\nprint without colours\n"
      ".TP\n\\fBXDG_CONFIG_HOME\\fR, \\fBXDG_STATE_HOME\\fR\nwhere configuration and state are "
      "kept\n"
      ".SH FILES\n"
      ".TP\n\\fI~/.config/credpool/config.json5\\fR\nthe configuration\n"
      ".TP\n\\fI~/.local/state/credpool/\\fR\nstate, sealed secrets and history\n";
  return text;
}

}  // namespace credpool_cli
