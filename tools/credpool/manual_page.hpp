#pragma once
// SPDX-License-Identifier: MIT

#include "command_tree.hpp"

#include <string>

namespace credpool_cli {

/// The manual page credpool(1) as roff, made from the commands themselves.
std::string manual_page(const CommandTree& tree);

}  // namespace credpool_cli
