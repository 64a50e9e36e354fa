#pragma once
// SPDX-License-Identifier: MIT

namespace credpool_cli {

/// Reads the command line, runs the command, returns the exit code.
int run_command_line(int argc, char** argv);

}  // namespace credpool_cli
