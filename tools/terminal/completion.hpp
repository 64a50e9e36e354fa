#pragma once
// SPDX-License-Identifier: MIT

#include "command_tree.hpp"

#include <string>
#include <string_view>

namespace credpool_cli {

/// A completion script made from the commands themselves, so that it cannot go stale.
/// @param shell "bash", "zsh" or "fish"
std::string completion_script(const CommandTree& tree, std::string_view shell);

}  // namespace credpool_cli
