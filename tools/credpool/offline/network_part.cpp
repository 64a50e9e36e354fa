// SPDX-License-Identifier: MIT
// What needs the network, in the program that goes without: the other program does it.
#include "../network_part.hpp"

#include "../commands.hpp"
#include "../exchange_helper.hpp"
#include "../validator.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <unistd.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

[[noreturn]] void become_network_program(const Session& session) {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto program = self.parent_path() / "credpool-network";
  if (!failed) {
    ::execv(program.c_str(), session.options().arguments);
    failed = {errno, std::generic_category()};
  }
  std::exit(session.fail(
      {failed == std::errc::no_such_file_or_directory ? cp::Errc::not_found : cp::Errc::io,
       "starting the program that uses the network", program.string(),
       failed.message() + "; it is installed beside credpool"}));
}

}  // namespace

void need_network(const Session& session) {
  become_network_program(session);
}

int run_login(Session& session, const LoginOptions&) {
  become_network_program(session);
}
int run_serve(Session& session, const ServeOptions&) {
  become_network_program(session);
}
int run_rpc(Session& session, const RpcOptions&) {
  become_network_program(session);
}
int run_top(Session& session, const TopOptions&) {
  become_network_program(session);
}
int run_ui(Session& session, const UiOptions&) {
  become_network_program(session);
}
int run_demo(Session& session, const DemoOptions&) {
  become_network_program(session);
}
int run_accounts_import(Session& session, const AccountsImportOptions&) {
  become_network_program(session);
}
int run_accounts_grant(Session& session, const AccountsGrantOptions&) {
  become_network_program(session);
}
int run_accounts_list(Session& session) {
  become_network_program(session);
}
int run_accounts_payments(Session& session) {
  become_network_program(session);
}
int run_exchange_helper(const Session& session) {
  become_network_program(session);
}

std::vector<cp::Verdict> validate_all(const Session& session, const cp::Settings&,
                                      std::vector<cp::Credential>&) {
  become_network_program(session);
}
cp::Verdict validate_one(const Session& session, const cp::Settings&, const cp::Credential&) {
  become_network_program(session);
}

}  // namespace credpool_cli
