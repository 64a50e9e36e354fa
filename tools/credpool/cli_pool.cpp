// SPDX-License-Identifier: MIT
#include "cli_pool.hpp"

#include "refresher.hpp"
#include "spinner.hpp"

#include <credpool/pool/from_settings.hpp>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include <sys/stat.h>

namespace credpool_cli {

namespace cp = credpool;

std::optional<cp::Error> settings_fault(const cp::SettingsReport& report) {
  for (const auto& problem : report.problems) {
    if (problem.severity != cp::SettingsProblem::Severity::error) continue;
    // Whatever is the matter with the files: the configuration is wrong, which has its exit code.
    auto error = problem.error();
    error.code = cp::Errc::configuration;
    return error;
  }
  return std::nullopt;
}

cp::Result<cp::Settings> settings_of(const Session& session) {
  return settings_of(session, session.environment());
}

cp::Result<cp::Settings> settings_of(const Session& session, const cp::Environment& environment) {
  const auto report = cp::read_settings(environment);
  if (auto wrong = settings_fault(report)) return cp::fail(std::move(*wrong));
  for (const auto& problem : report.problems) session.warn(harmless(problem.error().message()));
  return report.settings;
}

cp::Result<cp::StateDirectory> open_state_directory(const Session& session,
                                                    const cp::Settings& settings) {
  return cp::StateDirectory::locate(session.environment(), settings.state_directory);
}

CliSources cli_sources(const cp::Environment& environment, const cp::Settings& settings,
                       const cp::StateDirectory* directory) {
  std::optional<cp::SealedSource<cp::SealedFile>> secrets;
  std::optional<cp::SealedLoginSource> logins;
  if (directory != nullptr) {
    secrets.emplace(cp::SealedFile{*directory, environment});
    logins.emplace(cp::SealedLogins{*directory, environment});
  }
  return cp::all_sources_and(cp::CursorApp{}, cp::ConfiguredProviders{settings.providers},
                             OwnSecrets{std::move(secrets)}, OwnLogins{std::move(logins)});
}

namespace {

/// The same world with the directories of PATH that are there, each once: many a PATH names a
/// directory twice, or by way of a link, and every program is looked for in every one of them.
cp::Environment with_short_path(const cp::Environment& environment) {
  const auto path = environment.variable("PATH");
  if (!path) return environment;
  std::string shorter;
  std::set<std::pair<dev_t, ino_t>> taken;
  std::istringstream entries{*path};
  for (std::string entry; std::getline(entries, entry, ':');) {
    struct stat facts {};
    if (!entry.starts_with('/')) continue;
    environment.note_look(entry, cp::ReadTrace::Of::identity);
    if (::stat(entry.c_str(), &facts) != 0 || !taken.emplace(facts.st_dev, facts.st_ino).second)
      continue;
    shorter += (shorter.empty() ? "" : ":") + entry;
  }
  return environment.with_variable("PATH", std::move(shorter));
}

}  // namespace

cp::Discovery discover(const CliSources& sources, const cp::Environment& environment,
                       const cp::Settings& settings, cp::OpenedStores* opened) {
  auto discovery = sources.discover_all(with_short_path(environment),
                                        cp::source_settings(settings, CliSources::clis), opened);
  cp::apply_ownership(settings, discovery.credentials);
  return discovery;
}

namespace {

cp::Result<CliState> open_state(const Session& session,
                                const cp::Result<cp::StateDirectory>& directory, StateUse use) {
  if (directory) {
    std::error_code ignored;  // what cannot be looked at is opened, which tells why
    if (use == StateUse::look && !std::filesystem::exists(directory->state_file(), ignored) &&
        !ignored)
      return CliState{};
    auto state = cp::SqliteState::open(*directory, session.environment());
    if (state) return CliState{*std::move(state)};
    if (use == StateUse::keep) return cp::fail(state.error());
    session.warn(harmless(state.error().message()) +
                 "; going on without what earlier runs learned");
    return CliState{};
  }
  if (use == StateUse::keep) return cp::fail(directory.error());
  session.warn(harmless(directory.error().message()) + "; nothing is remembered");
  return CliState{};
}

/// This program's file; empty when it has none any more. What it finds, another build may find
/// otherwise.
std::string own_program() {
  std::error_code failed;
  auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
  return failed ? std::string{} : std::move(program).native();
}

}  // namespace

cp::Result<PoolParts> pool_parts(const Session& session, StateUse use, TokenUse tokens,
                                 const std::shared_ptr<cp::ReadTrace>& trace) {
  const auto environment = session.environment().traced_in(trace);
  auto settings = settings_of(session, environment);
  if (!settings) return cp::fail(settings.error());
  auto policy = cp::AnyRotation::by_name(settings->rotation_strategy);
  if (!policy) return cp::fail(policy.error());
  const auto directory = open_state_directory(session, *settings);
  auto state = open_state(session, directory, use);
  if (!state) return cp::fail(state.error());

  const Spinner spinner{session.err(), "looking for logins"};
  const auto* const own = directory ? &*directory : nullptr;
  auto sources =
      std::make_shared<const CliSources>(cli_sources(session.environment(), *settings, own));
  std::optional<cp::OpenedStores> opened;
  std::optional<cp::DiscoveryMemo> memo;
  std::optional<cp::Discovery> discovery;
  std::string program;
  if (tokens == TokenUse::show && directory) {
    opened.emplace(directory->opened_stores_file(), session.environment());
    program = own_program();
    memo.emplace(directory->discovery_memo_file(), session.environment(), program);
    discovery = memo->recall();
  }
  if (!discovery) {
    discovery = discover(cli_sources(environment, *settings, own), environment, *settings,
                         opened ? &*opened : nullptr);
    if (memo && trace) {
      if (!trace->look(program).value_or(false)) trace->spoil();
      memo->note(*discovery, *trace);
    }
  }
  PoolParts parts{std::move(*settings), {},
                  std::move(*policy),   std::move(*state),
                  std::move(sources),   *std::move(discovery),
                  std::move(opened),    std::move(memo)};
  if (directory) parts.directory = *directory;
  return parts;
}

cp::Result<OpenPool> open_pool(const Session& session, StateUse use, TokenUse tokens,
                               const std::shared_ptr<cp::ReadTrace>& trace) {
  auto parts = pool_parts(session, use, tokens, trace);
  if (!parts) return cp::fail(parts.error());
  auto pool = std::make_unique<CliPool>(
      *parts->sources, std::move(parts->policy),
      refresh_methods(session, parts->settings, parts->sources), std::move(parts->state),
      cp::TickClock{}, cp::pool_settings(parts->settings, parts->discovery.credentials),
      session.environment());
  if (auto replaced = pool->replace_credentials(parts->discovery.credentials);
      !replaced && use == StateUse::keep)
    return cp::fail(replaced.error());
  return OpenPool{std::move(parts->settings),  std::move(parts->directory),
                  std::move(parts->sources),   std::move(pool),
                  std::move(parts->discovery), std::move(parts->opened_stores),
                  std::move(parts->memo)};
}

cp::LeaseRequest lease_request(const RequestOptions& options, const cp::Settings& settings) {
  cp::LeaseRequest request;
  request.provider = options.provider;
  request.model = options.model;
  request.session = options.session;
  request.pin = options.pin;
  request.affinity = settings.affinity_mode == cp::AffinityMode::none   ? cp::Affinity::none
                     : settings.affinity_mode == cp::AffinityMode::hard ? cp::Affinity::hard
                                                                        : cp::Affinity::soft;
  return request;
}

cp::Result<void> check_cli_names(const cp::Discovery& discovery,
                                 const std::vector<std::string>& clis) {
  std::set<std::string> known;
  for (const auto& cli : discovery.clis) known.insert(cli.cli);
  for (const auto& credential : discovery.credentials) known.insert(credential.cli);
  for (const auto& name : clis) {
    if (known.contains(name)) continue;
    std::string list;
    for (const auto& one : known) list += (list.empty() ? "" : ", ") + one;
    return cp::fail(cp::Errc::invalid_argument, "choosing a CLI", "--cli " + name,
                    "it is one of " + list);
  }
  return {};
}

bool chosen(const std::vector<std::string>& clis, const std::string& cli) {
  return clis.empty() || std::find(clis.begin(), clis.end(), cli) != clis.end();
}

}  // namespace credpool_cli
