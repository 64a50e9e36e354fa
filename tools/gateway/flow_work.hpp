#pragma once
// SPDX-License-Identifier: MIT

#include "cli_pool.hpp"
#include "flow_person.hpp"

#include <credpool/refresh/cli_command.hpp>
#include <credpool/refresh/oauth_browser.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace credpool_cli {

/// What a flow is to do.
struct FlowTask {
  credpool::LoginProvider login;
  credpool::LoginMethod method = credpool::LoginMethod::manual;
  std::string profile = {};
  credpool::BrowserReturn comes_back = credpool::BrowserReturn::loopback;
};

/// Sees that a CLI has got another login than it had; also the other CLIs of that provider, which
/// may share the program.
class LoginWatch {
 public:
  LoginWatch(const Session& session, std::shared_ptr<const CliSources> sources,
             const credpool::Settings& settings, const credpool::LoginProvider& login);

  /// The login or key of that CLI that is new or another one since the beginning, and can be used.
  std::optional<credpool::Credential> changed() const;

 private:
  std::vector<credpool::Credential> look() const;

  const Session& session_;
  std::shared_ptr<const CliSources> sources_;
  const credpool::Settings settings_;
  credpool::SourceSettingsByCli places_;
  std::map<std::string, std::string> before_;  ///< token hash by credential
};

/// Does one flow to its end.
/// @errors those of log_in(); for cli-command: not_found, unsafe_file, login_needed when the CLI
///         ended and has no other login than before, cancelled, timeout
credpool::Result<Kept> do_flow(const Session& session, std::shared_ptr<const CliSources> sources,
                               const credpool::Settings& settings, const FlowTask& task,
                               FlowPerson& person);

}  // namespace credpool_cli
