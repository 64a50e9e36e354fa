// SPDX-License-Identifier: MIT
// doctor: what is wrong on this machine, and the command that mends it.

#include "history_notes.hpp"
#include "login_standing.hpp"
#include "table.hpp"

#include <credpool/config/settings_file.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/store/audit.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace credpool_cli {

namespace cp = credpool;

namespace {

struct Finding {
  enum class Severity { note, warning, error };
  Severity severity;
  std::string what;
  std::string where;
  std::string repair;
};

std::string_view to_string(Finding::Severity severity) noexcept {
  switch (severity) {
    case Finding::Severity::note:
      return "note";
    case Finding::Severity::warning:
      return "warning";
    case Finding::Severity::error:
      return "error";
  }
  return "unknown";
}

using Findings = std::vector<Finding>;
using Severity = Finding::Severity;

void look_at_configuration(const Session& session, Findings& findings) {
  for (const auto& problem : cp::read_settings(session.environment()).problems) {
    const bool error = problem.severity == cp::SettingsProblem::Severity::error;
    findings.push_back({error ? Severity::error : Severity::warning,
                        "configuration: " + problem.setting + " " + problem.text, problem.place,
                        problem.hint});
  }
}

/// What the sources warn about: modes, parents, hard links of the CLIs' stores.
void look_at_stores(const cp::Discovery& discovery, Findings& findings) {
  for (const auto& credential : discovery.credentials)
    for (const auto& place : credential.places)
      for (const auto& warning : place.warnings) {
        const auto colon = warning.find(": ");
        auto kind = warning.substr(0, colon);
        std::replace(kind.begin(), kind.end(), '_', ' ');
        findings.push_back(
            {Severity::warning, "the store is " + kind, place.location,
             colon == std::string::npos ? std::string{} : warning.substr(colon + 2)});
      }
  for (const auto& failure : discovery.failures)
    findings.push_back({Severity::error, failure.error.message(), failure.cli, failure.error.hint});
}

/// Two live copies of one single-use refresh token: the first refresh kills the other copy.
void look_for_copies(const cp::Discovery& discovery, const cp::Environment& environment,
                     Findings& findings) {
  for (const auto& credential : discovery.credentials) {
    if (credential.refresh_token.empty() || credential.provider == "google-gemini-cli") continue;
    std::set<std::string> files;
    for (const auto& place : credential.places) files.insert(place.location);
    if (files.size() < 2) continue;
    std::string where;
    for (const auto& file : files)
      where += (where.empty() ? "" : ", ") + short_path(file, environment);
    findings.push_back({Severity::warning,
                        "one single-use login in " + std::to_string(files.size()) +
                            " places: whoever refreshes first logs the others out",
                        where, "keep one, and log in separately with the other program"});
  }
  // The same refresh token under access tokens of different age is a copy that has diverged.
  std::map<std::string, const cp::Credential*> by_refresh_token;
  for (const auto& credential : discovery.credentials) {
    if (credential.refresh_token.empty() || credential.places.empty()) continue;
    const auto [known, fresh] =
        by_refresh_token.emplace(cp::token_hash(credential.refresh_token.reveal()), &credential);
    if (!fresh)
      findings.push_back({Severity::warning,
                          "two stores hold the same refresh token with different access tokens",
                          short_path(known->second->places.front().location, environment) + ", " +
                              short_path(credential.places.front().location, environment),
                          "log in again with one of the two programs"});
  }
}

/// What exchanges of refresh tokens have left beside the logins.
void look_at_exchanges(const OpenPool& opened, const Session& session, Findings& findings) {
  std::set<std::filesystem::path> seen;
  for (const auto& credential : opened.discovery.credentials) {
    const auto login =
        login_standing(*opened.sources, credential, session.environment(), session.now());
    const auto store = opened.sources->login_store(credential, session.environment());
    if (!store || !seen.insert((*store)->file()).second) continue;
    const auto file = (*store)->file();
    if (login.state == RefreshState::dead || login.state == RefreshState::outcome_unknown ||
        login.state == RefreshState::cut_off)
      findings.push_back({Severity::warning, credential.profile_id + ": " + login.what,
                          file.string(), login.next});
    if (login.state == RefreshState::well && !login.what.empty())
      findings.push_back({Severity::error, login.what, file.string(), ""});
    const auto prefix = ".credpool-" + file.filename().string() + ".parked-";
    std::error_code failed;  // what cannot be listed was reported with the store
    for (std::filesystem::directory_iterator entry{file.parent_path(), failed}, end;
         !failed && entry != end; entry.increment(failed))
      if (entry->path().filename().string().starts_with(prefix))
        findings.push_back({Severity::note,
                            credential.profile_id +
                                ": an answer that lost against a newer login is kept beside it",
                            entry->path().string(),
                            "nothing: the next refresh that succeeds removes it"});
  }
}

/// Where logins that are refreshed may stand, and whose they are.
std::map<std::filesystem::path, std::string> login_directories(const OpenPool& opened,
                                                               const cp::Environment& environment) {
  std::map<std::filesystem::path, std::string> directories;
  opened.sources->for_each([&](const auto& source) {
    using Source = std::remove_cvref_t<decltype(source)>;
    if constexpr (cp::StoresLogins<Source> && cp::NamesItsFiles<Source>)
      for (const auto& file : source.locations(environment))
        directories.emplace(file.parent_path(), std::string{Source::cli});
  });
  if (opened.directory) directories.emplace(opened.directory->logins_directory(), std::string{});
  return directories;
}

/// What exchanges have left of logins whose file is gone: no refresh finds them.
void look_for_stranded_exchanges(const OpenPool& opened, const Session& session,
                                 Findings& findings) {
  for (const auto& [directory, cli] : login_directories(opened, session.environment())) {
    const auto stranded = cp::stranded_exchanges(directory);
    if (!stranded) {
      findings.push_back(
          {Severity::error, stranded.error().message(), directory.string(), stranded.error().hint});
      continue;
    }
    for (const auto& left : *stranded) {
      const auto log_in = cli.empty() ? std::string{"credpool login"} : next_login(cli);
      if (!left.has_answer) {
        findings.push_back({Severity::error, left.has_answer.error().message(), left.left.string(),
                            left.has_answer.error().hint});
      } else if (!*left.has_answer) {
        findings.push_back({Severity::note,
                            "a refresh of a login whose file is gone was cut off; no answer is in "
                            "its journal, and its old refresh token may have been spent",
                            left.left.string(),
                            "log in again (" + log_in + "), and remove this file"});
      } else {
        const auto back = left.parked ? ", rename this file to .credpool-" +
                                            left.file.filename().string() + ".journal"
                                      : std::string{};
        findings.push_back(
            {Severity::warning,
             "the file of a login is gone, and a refresh has kept its new tokens here: they may "
             "stand nowhere else",
             left.left.string(),
             "put any older copy of " + short_path(left.file.string(), session.environment()) +
                 " back" + back +
                 " and run `credpool refresh`, which stores them; if you have "
                 "logged out, remove this file"});
      }
    }
  }
}

void look_at_programs(const cp::Discovery& discovery, const cp::Environment& environment,
                      Findings& findings) {
  std::string clis;
  std::string files;
  for (const auto& cli : discovery.clis) {
    const bool has_login = std::any_of(
        discovery.credentials.begin(), discovery.credentials.end(), [&](const auto& credential) {
          return credential.cli == cli.cli && credential.kind == cp::Kind::oauth &&
                 credential.ownership == cp::Ownership::borrow;
        });
    if (!has_login || cli.program) continue;
    clis += (clis.empty() ? "" : ", ") + cli.cli;
    if (!cli.files_found.empty())
      files +=
          (files.empty() ? "" : ", ") + short_path(cli.files_found.front().string(), environment);
  }
  if (!clis.empty())
    findings.push_back(
        {Severity::note, "not on PATH, and nobody else may refresh their logins: " + clis, files,
         "install the programs, log in with `credpool login`, or set ownership.<cli> to co_own"});
  for (const auto& credential : discovery.credentials)
    if (credential.reason == cp::Reason::service_ended)
      findings.push_back(
          {Severity::note, "a login of a service that has ended",
           credential.places.empty() ? credential.cli : credential.places.front().location,
           credential.detail});
}

/// A clock that is wrong makes every expiry wrong.
void look_at_clock(const cp::Discovery& discovery, cp::TimePoint now, Findings& findings) {
  // The day this version was made: no right clock shows an earlier one.
  const auto made = cp::parse_iso8601("2026-11-01T00:00:00Z");
  if (made && now < *made)
    findings.push_back({Severity::error, "the clock is behind this program's own date",
                        cp::format_iso8601(now), "set the clock (timedatectl set-ntp true)"});
  for (const auto& credential : discovery.credentials)
    for (const auto& place : credential.places) {
      std::error_code failed;
      const auto written = std::filesystem::last_write_time(place.location, failed);
      if (failed) continue;
      const auto ahead = written - std::filesystem::file_time_type::clock::now();
      if (ahead > std::chrono::minutes{5})
        findings.push_back({Severity::warning,
                            "the store was written in the future: the clock has jumped",
                            place.location, "set the clock (timedatectl set-ntp true)"});
    }
}

void look_at_our_files(const Session& session, const OpenPool& opened, Findings& findings) {
  if (!opened.directory) {
    findings.push_back({Severity::error, "there is no place for our own files", "HOME",
                        "set HOME to your home directory"});
    return;
  }
  for (const auto& finding : cp::audit_files(opened.directory->path(), session.environment())) {
    auto kind = std::string{cp::to_string(finding.kind)};
    std::replace(kind.begin(), kind.end(), '_', ' ');
    findings.push_back(
        {Severity::error, "our own file: " + kind, finding.path.string(), finding.repair});
  }
  const auto history = open_history(session, opened.settings);
  if (!history) {
    findings.push_back(
        {Severity::error, history.error().message(), history.error().place, history.error().hint});
    return;
  }
  const auto verified = history->verify();
  if (!verified) {
    findings.push_back({Severity::error, verified.error().message(), history->path().string(),
                        verified.error().hint});
  } else if (!verified->ok()) {
    findings.push_back({Severity::warning, "the history was changed by hand: " + verified->detail,
                        history->path().string(), "credpool history --clear starts it anew"});
  }
}

/// Secrets in clear in anything that we wrote.
void look_for_clear_secrets(const std::filesystem::path& place,
                            const std::vector<cp::Secret>& known, Findings& findings) {
  for (const auto& finding : cp::find_clear_secrets(place, known))
    findings.push_back({Severity::error, "a secret stands in clear in a file of ours",
                        finding.path.string(), finding.repair});
}

}  // namespace

int run_doctor(Session& session) {
  Findings findings;
  look_at_configuration(session, findings);
  auto opened = open_pool(session, StateUse::look);
  if (!opened) {
    findings.push_back(
        {Severity::error, opened.error().message(), opened.error().place, opened.error().hint});
  } else {
    look_at_stores(opened->discovery, findings);
    look_for_copies(opened->discovery, session.environment(), findings);
    look_at_exchanges(*opened, session, findings);
    look_for_stranded_exchanges(*opened, session, findings);
    look_at_programs(opened->discovery, session.environment(), findings);
    look_at_clock(opened->discovery, session.now(), findings);
    look_at_our_files(session, *opened, findings);
    std::vector<cp::Secret> known;
    for (const auto& credential : opened->discovery.credentials) {
      known.push_back(credential.secret);
      known.push_back(credential.refresh_token);
    }
    opened->pool.reset();  // closed before its files are read, so that no lock of it is dropped
    if (opened->directory) look_for_clear_secrets(opened->directory->path(), known, findings);
    const auto history = open_history(session, opened->settings);
    if (history &&
        (!opened->directory || history->path().parent_path() != opened->directory->path()))
      for (const auto& file : {history->path(), history->chain_path()})
        look_for_clear_secrets(file, known, findings);
  }
  std::stable_sort(findings.begin(), findings.end(), [](const auto& a, const auto& b) {
    return static_cast<int>(a.severity) > static_cast<int>(b.severity);
  });
  const bool ok = findings.empty() || findings.front().severity != Severity::error;

  if (session.options().json) {
    Json list = Json::array();
    for (const auto& finding : findings)
      list.push_back({{"severity", to_string(finding.severity)},
                      {"what", harmless(finding.what)},
                      {"where", harmless(finding.where)},
                      {"repair", harmless(finding.repair)}});
    session.print_json(Json{{"ok", ok}, {"findings", list}});
    return ok ? 0 : 1;
  }
  for (const auto& finding : findings) {
    const auto style = finding.severity == Severity::error     ? Style::bad
                       : finding.severity == Severity::warning ? Style::warning
                                                               : Style::dim;
    const std::string severity{to_string(finding.severity)};
    // Coloured after the line breaks were found: an escape has no width.
    const auto what = wrapped(session.out(), severity + ": " + harmless(finding.what), 2);
    session.print(styled(session.out(), style, severity) + what.substr(severity.size()) + "\n" +
                  wrapped(session.out(),
                          "  at: " + short_path(harmless(finding.where), session.environment()),
                          6) +
                  "\n");
    // A command stays in one piece: it is there to be copied.
    if (!finding.repair.empty()) session.print("  do: " + harmless(finding.repair) + "\n");
  }
  session.print(findings.empty() ? "All is well.\n"
                : ok             ? "Nothing is broken.\n"
                                 : "Something is broken; the lines above say what to do.\n");
  return ok ? 0 : 1;
}

}  // namespace credpool_cli
