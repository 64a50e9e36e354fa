// SPDX-License-Identifier: MIT
// The network, in the program that goes without: the other program does it.
#include "../channel.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace openclaw_token {

std::unique_ptr<Channel> network_channel(const Session& session, const std::string&) {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto program = self.parent_path() / "openclaw-token-network";
  if (!failed) {
    ::execv(program.c_str(), session.options().arguments);
    failed = {errno, std::generic_category()};
  }
  std::fprintf(stderr,
               "openclaw-token: %s cannot be started (%s); it is installed beside this program\n",
               program.c_str(), failed.message().c_str());
  std::exit(1);
}

}  // namespace openclaw_token
