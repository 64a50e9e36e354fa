// SPDX-License-Identifier: MIT
#include "command_line.hpp"

#include <csignal>
#include <cstdio>
#include <exception>

#include <sys/resource.h>

int main(int argc, char** argv) {
  // A peer that closes its end must be an error of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // No core file: it would hold every token that was read.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  try {
    return credpool_cli::run_command_line(argc, argv);
  } catch (const std::exception& exception) {
    // Only programming errors and out-of-memory end here; their texts hold no data.
    std::fprintf(stderr, "credpool: internal error (%s); please report it\n", exception.what());
    return 1;
  }
}
