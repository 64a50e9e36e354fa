#pragma once
// SPDX-License-Identifier: MIT

#include "command_tree.hpp"

#include <string>
#include <utility>
#include <vector>

namespace credpool_cli {

/// What a manual page says that the commands do not. A row is a term and what it means.
struct ManualTexts {
  using Rows = std::vector<std::pair<std::string, std::string>>;

  std::string version;  ///< "credpool 0.1.0"
  std::string purpose;  ///< what follows the program's name in one line
  Rows exit_status;
  Rows environment;
  Rows files;
};

/// The program's manual page as roff, made from the commands themselves.
std::string manual_page(const CommandTree& tree, const ManualTexts& texts);

}  // namespace credpool_cli
