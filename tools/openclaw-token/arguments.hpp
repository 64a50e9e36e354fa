#pragma once
// SPDX-License-Identifier: MIT

#include "command_spec.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace openclaw_token {

/// A command line as it was understood.
struct Arguments {
  const CommandTree* command = nullptr;  ///< the one that was reached
  std::vector<std::string> path;         ///< its words: {"keys", "list"}
  std::map<std::string, std::vector<std::string>, std::less<>> options;  ///< "--limit" -> values
  std::vector<std::string> positionals;
  bool help = false;
  bool version = false;

  bool has(std::string_view option) const { return options.find(option) != options.end(); }
  /// The last value that was given; none when the option was not given.
  std::optional<std::string> value(std::string_view option) const;
  /// "keys list"
  std::string words() const;
};

/// What is wrong with a command line, in one line (and "(Did you mean ...?)").
struct UsageError {
  std::string text;
};

/// Reads a command line. Options of the root count wherever they stand; "--option=value" and
/// "--option value" are the same; what follows "--" is no option.
///
/// @param root must outlive what is filled in
/// @return the mistake, when there is one; a missing argument is none if help was asked for
std::optional<UsageError> read_arguments(const CommandTree& root,
                                         const std::vector<std::string>& words,
                                         Arguments& arguments);

/// The help of one command.
std::string help_text(const CommandTree& root, const Arguments& arguments);

}  // namespace openclaw_token
