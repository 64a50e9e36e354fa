#pragma once
// SPDX-License-Identifier: MIT

#include <string>
#include <vector>

namespace credpool_cli {

/// The commands and options, free of the library that reads them: what completions and the manual
/// page are made from.
struct CommandTree {
  struct Option {
    std::vector<std::string> names;  ///< "-h", "--help"; a positional has its one name
    std::string description;
    std::string value = {};  ///< what its value is: "FILE" and "DIR" are completed as such
    bool takes_value = false;
    bool positional = false;
    bool required = false;
  };

  std::string name;
  std::string description;
  std::vector<Option> options;
  std::vector<std::string> words = {};  ///< that its positional argument may be
  std::vector<CommandTree> children;
};

}  // namespace credpool_cli
