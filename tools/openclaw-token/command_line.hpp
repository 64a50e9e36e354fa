#pragma once
// SPDX-License-Identifier: MIT

namespace openclaw_token {

/// Reads the command line, runs the command, notes it in the audit log, returns the exit code:
/// 0 ok, 1 anything else.
int run_command_line(int argc, char** argv);

}  // namespace openclaw_token
