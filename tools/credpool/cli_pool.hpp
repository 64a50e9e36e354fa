#pragma once
// SPDX-License-Identifier: MIT

#include "cli_state.hpp"
#include "commands.hpp"

#include <credpool/config/settings_file.hpp>
#include <credpool/pool/default_pool.hpp>
#include <credpool/proxy/configured_providers.hpp>
#include <credpool/refresh/cli_command.hpp>
#include <credpool/refresh/helper_process.hpp>
#include <credpool/refresh/oauth_refresh.hpp>
#include <credpool/source/cursor_app.hpp>
#include <credpool/source/discovery_memo.hpp>
#include <credpool/store/sealed.hpp>
#include <credpool/store/sealed_login.hpp>
#include <credpool/store/sealed_source.hpp>
#include <credpool/store/state_directory.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool_cli {

/// A source of things that we keep ourselves; empty where there is no place to keep them.
template <credpool::CredentialSource Source> class WherePossible {
 public:
  static constexpr std::string_view cli = Source::cli;
  static constexpr std::string_view provider = Source::provider;

  explicit WherePossible(std::optional<Source> source) : source_{std::move(source)} {}

  credpool::Result<std::vector<credpool::Credential>> discover(
      const credpool::Environment& environment) const {
    if (!source_) return std::vector<credpool::Credential>{};
    return source_->discover(environment);
  }

  credpool::Result<std::unique_ptr<credpool::LoginStore>> login_store(
      const credpool::Credential& credential,
      const credpool::Environment& environment) const requires credpool::StoresLogins<Source> {
    if (!source_)
      return credpool::fail(credpool::Errc::unsupported, "refreshing a login", credential.cli);
    return source_->login_store(credential, environment);
  }

 private:
  std::optional<Source> source_;
};

using OwnSecrets = WherePossible<credpool::SealedSource<credpool::SealedFile>>;
using OwnLogins = WherePossible<credpool::SealedLoginSource>;

/// Every source of the library, the opt-in ones too, what the configuration names, and what we keep
/// ourselves.
using CliSources = credpool::AllSourcesAnd<credpool::CursorApp, credpool::ConfiguredProviders,
                                           OwnSecrets, OwnLogins>;

/// How the command refreshes: the exchange in a process of its own, else the login's own CLI.
using CliRefresh =
    credpool::FirstOf<credpool::OAuthRefresh<credpool::HelperProcess>, credpool::CliCommand>;

/// The pool of the command: every source, the policy that the configuration names, its state.
using CliPool = credpool::DefaultPoolWith<CliState, credpool::TickClock, CliSources, CliRefresh>;

/// The pool over the state directory, with what it lends already looked for.
struct OpenPool {
  credpool::Settings settings;
  std::optional<credpool::StateDirectory> directory;  ///< none: there is no place for one
  std::shared_ptr<const CliSources> sources;
  std::unique_ptr<CliPool> pool;
  credpool::Discovery discovery;
  /// Of a command that shows tokens' hashes only, where there is a place for it.
  std::optional<credpool::OpenedStores> opened_stores;
  std::optional<credpool::DiscoveryMemo> memo;  ///< likewise
};

/// The error with which a command ends when its configuration is wrong; none when it is right.
std::optional<credpool::Error> settings_fault(const credpool::SettingsReport& report);

/// Reads the configuration; its warnings go to standard error.
credpool::Result<credpool::Settings> settings_of(const Session& session);
/// The same of another environment than the session's.
credpool::Result<credpool::Settings> settings_of(const Session& session,
                                                 const credpool::Environment& environment);

/// The directory of our own files; made when it is missing.
credpool::Result<credpool::StateDirectory> open_state_directory(const Session& session,
                                                                const credpool::Settings& settings);

/// Every source that the command knows.
/// @param directory of what we keep ourselves; null where there is no place for it
CliSources cli_sources(const credpool::Environment& environment, const credpool::Settings& settings,
                       const credpool::StateDirectory* directory);

/// What those find, as the configuration says.
credpool::Discovery discover(const CliSources& sources, const credpool::Environment& environment,
                             const credpool::Settings& settings,
                             credpool::OpenedStores* opened = nullptr);

/// What a command does with the pool's state.
enum class StateUse {
  look,              ///< reads what is there; makes no file
  keep_if_possible,  ///< changes it, and does without where nothing can be written
  keep,              ///< changes it, or fails
};

/// What a command does with the tokens.
enum class TokenUse {
  lend,  ///< needs them, or some of them
  show,  ///< what is known of them is enough: what has not changed is not read again
};

/// What a pool is made of.
struct PoolParts {
  credpool::Settings settings;
  std::optional<credpool::StateDirectory> directory;  ///< none: there is no place for one
  credpool::AnyRotation policy;
  CliState state;
  std::shared_ptr<const CliSources> sources;
  credpool::Discovery discovery;
  std::optional<credpool::OpenedStores> opened_stores;  ///< none: every store was opened
  std::optional<credpool::DiscoveryMemo> memo;          ///< none: every file was read
};

/// Reads the configuration, opens the state and looks for logins.
///
/// Where the state cannot be had and the command can do without it, the user is warned.
/// @param trace takes all that the discovery rests on, if it is looked for; null: nobody asks
credpool::Result<PoolParts> pool_parts(const Session& session, StateUse use,
                                       TokenUse tokens = TokenUse::lend,
                                       const std::shared_ptr<credpool::ReadTrace>& trace = {});

/// Opens the pool over everything that the sources find.
///
/// Where the state cannot be had and the command can do without it, the user is warned.
/// @param trace as above
credpool::Result<OpenPool> open_pool(const Session& session, StateUse use,
                                     TokenUse tokens = TokenUse::lend,
                                     const std::shared_ptr<credpool::ReadTrace>& trace = {});

credpool::LeaseRequest lease_request(const RequestOptions& options,
                                     const credpool::Settings& settings);

/// Whether each name is that of a CLI we know.
/// @errors invalid_argument that lists the known ones
credpool::Result<void> check_cli_names(const credpool::Discovery& discovery,
                                       const std::vector<std::string>& clis);

/// Whether the CLI is among those that were named, or none was.
bool chosen(const std::vector<std::string>& clis, const std::string& cli);

}  // namespace credpool_cli
