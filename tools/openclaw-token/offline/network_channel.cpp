// SPDX-License-Identifier: MIT
// The network, in the program that goes without: the other program does it.
#include "../channel.hpp"

#include "../fault.hpp"

#include <cerrno>
#include <cstdlib>

#include <unistd.h>

namespace openclaw_token {

std::unique_ptr<Channel> network_channel(Session& session, const std::string&) {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto program = self.parent_path() / "openclaw-token-network";
  if (!failed) {
    ::execv(program.c_str(), session.options().arguments);
    failed = {errno, std::generic_category()};
  }
  std::exit(session.fail(mistake("The program that uses the network cannot be started: " +
                                     program.string() + ": " + failed.message(),
                                 "It is installed beside this one.")
                             .error));
}

}  // namespace openclaw_token
