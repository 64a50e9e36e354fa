// SPDX-License-Identifier: MIT
#include "command_line.hpp"

#include <credpool/core/platform.hpp>

#include <csignal>
#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  // A peer that closes its end must be an error of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  credpool::protect_process_memory();
  try {
    return openclaw_token::run_command_line(argc, argv);
  } catch (const std::exception& exception) {
    // Only programming errors and out-of-memory end here; their texts hold no data.
    std::fprintf(stderr, "openclaw-token: internal error (%s); please report it\n",
                 exception.what());
    return 1;
  }
}
