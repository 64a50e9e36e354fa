#pragma once
// SPDX-License-Identifier: MIT

#include "commands.hpp"

#include <credpool/config/settings.hpp>
#include <credpool/pool/default_pool.hpp>
#include <credpool/source/cursor_app.hpp>
#include <credpool/store/sealed.hpp>
#include <credpool/store/sealed_source.hpp>
#include <credpool/store/sqlite.hpp>
#include <credpool/store/state_directory.hpp>

#include <memory>
#include <string>
#include <vector>

namespace credpool_cli {

/// Every source of the library, the opt-in ones too, and the secrets that we keep ourselves.
using CliSources =
    credpool::AllSourcesAnd<credpool::CursorApp, credpool::SealedSource<credpool::SealedFile>>;

/// The pool of the command: every source, the policy that the configuration names, state in SQLite.
using CliPool = credpool::DefaultPoolWith<credpool::SqliteState, credpool::SystemClock, CliSources>;

/// The pool over the state directory, with what it lends already looked for.
struct OpenPool {
  credpool::Settings settings;
  credpool::StateDirectory directory;
  std::unique_ptr<CliPool> pool;
  credpool::Discovery discovery;
};

/// Reads the configuration; its warnings go to standard error.
credpool::Result<credpool::Settings> settings_of(const Session& session);

/// The directory of our own files; made when it is missing.
credpool::Result<credpool::StateDirectory> open_state_directory(const Session& session,
                                                                const credpool::Settings& settings);

/// Opens the pool over everything that the sources find.
credpool::Result<OpenPool> open_pool(const Session& session);

credpool::LeaseRequest lease_request(const RequestOptions& options,
                                     const credpool::Settings& settings);

/// Whether each name is that of a CLI we know.
/// @errors invalid_argument that lists the known ones
credpool::Result<void> check_cli_names(const credpool::Discovery& discovery,
                                       const std::vector<std::string>& clis);

/// Whether the CLI is among those that were named, or none was.
bool chosen(const std::vector<std::string>& clis, const std::string& cli);

}  // namespace credpool_cli
