#pragma once
// SPDX-License-Identifier: MIT

#include "command_tree.hpp"

namespace openclaw_token {

using credpool_cli::CommandTree;

/// Every command with its options and arguments: what the command line is read by, and what help,
/// completions and the manual page are made from.
CommandTree command_spec();

}  // namespace openclaw_token
