// SPDX-License-Identifier: MIT
// acquire, explain, exec: the three ways to ask the pool for a credential.

#include "cli_pool.hpp"
#include "history_notes.hpp"
#include "pool_report.hpp"
#include "refresher.hpp"
#include "spinner.hpp"
#include "table.hpp"

#include <credpool/source/key_variables.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>

#include <unistd.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// The variable in which programs expect such a credential.
std::string variable_of(const cp::Credential& credential) {
  auto variable = cp::variable_for(credential.provider, credential.kind);
  if (variable.empty()) variable = cp::variable_for(credential.provider);
  return std::string{variable};
}

/// The provider whose keys a program reads first, by the program's name; empty when nobody knows.
std::string provider_of_program(const std::string& command) {
  const auto name = std::filesystem::path{command}.filename().string();
  std::string_view cli;
  cp::AllSources{}.for_each([&](const auto& source) {
    using Source = std::remove_cvref_t<decltype(source)>;
    if constexpr (cp::NamesItsPrograms<Source>)
      for (const auto program : Source::programs)
        if (program == name && cli.empty()) cli = Source::cli;
  });
  for (const auto& row : cp::key_variables)
    if (row.readers.front() == cli && !cli.empty()) return std::string{row.provider};
  return {};
}

/// Ends with why nothing was lent, and what to do about it.
int refuse(const Session& session, CliPool& pool, const cp::LeaseRequest& request,
           cp::Error error) {
  if (!cp::nobody_can_serve(error)) return session.fail(error);
  std::string next = "`credpool explain` shows each";
  for (const auto& candidate : pool.explain(request).candidates)
    if (candidate.verdict == cp::Eligibility::not_imported)
      next = "`credpool scan --import` lets them be lent";
  if (pool.credentials().empty()) next = "`credpool scan` says where it looks";
  error.hint += (error.hint.empty() ? "" : "; ") + next;
  return session.fail(error);
}

/// Lends a credential. Where nothing can serve but logins whose tokens have ended, those are
/// refreshed first: as many as it takes until one can.
cp::Result<cp::Lease> acquire_fresh(const Session& session, OpenPool& opened,
                                    const cp::LeaseRequest& request) {
  auto lease = opened.pool->acquire_in_transaction(request);
  if (lease || !cp::nobody_can_serve(lease.error())) return lease;
  Refresher refresher{session, opened.settings, opened.sources};
  for (const auto& candidate : opened.pool->explain(request).candidates) {
    if (candidate.verdict != cp::Eligibility::expired) continue;
    const auto& credential = *candidate.credential;
    const auto way = refresher.way_of(credential);
    if (!way) continue;
    const Spinner spinner{session.err(), "refreshing " + credential.profile_id};
    if (const auto report = refresher.refresh(credential, *way, {}); !report) {
      session.warn(with_short_home(harmless(report.error().message()), session.environment()));
      if (report.error().code == cp::Condition::login_needed)
        session.note("Next: " + next_login(credential.cli));
      continue;
    }
    auto again = open_pool(session, StateUse::keep);
    if (!again) return cp::fail(again.error());
    opened = std::move(*again);
    lease = opened.pool->acquire_in_transaction(request);
    if (lease) return lease;
  }
  return lease;
}

}  // namespace

int run_acquire(Session& session, const AcquireOptions& options) {
  auto opened = open_pool(session, StateUse::keep);
  if (!opened) return session.fail(opened.error());
  const auto request = lease_request(options.request, opened->settings);
  auto lease = acquire_fresh(session, *opened, request);
  if (!lease) return refuse(session, *opened->pool, request, lease.error());

  const auto& credential = lease->credential();
  note_lent(session, opened->settings, credential);
  const auto variable = variable_of(credential);
  if (session.options().json) {
    Json document{{"credential", credential_json(credential, session.now())},
                  {"lease", {{"variable", variable}, {"trial", lease->on_trial()}}}};
    if (options.reveal) document["secret"] = lease->secret().reveal();
    session.print_json(document);
  } else if (options.reveal) {
    session.print(std::string{lease->secret().reveal()} + "\n");
  } else {
    session.print(credential.profile_id + " (" + credential.cli + ", " + credential.id.short_hex() +
                  ")\n");
    session.note(
        "The secret stays hidden; --reveal prints it, `credpool exec` hands it to a program.");
  }
  return 0;
}

int run_explain(Session& session, const RequestOptions& options) {
  auto opened = open_pool(session, StateUse::look);
  if (!opened) return session.fail(opened.error());
  const auto explanation = opened->pool->explain(lease_request(options, opened->settings));
  const auto now = session.now();

  if (session.options().json) {
    session.print_json(explanation_json(options, explanation));
    return explanation.chosen ? 0 : 1;
  }

  Table table{{"", "PROFILE...", "?CLI", "VERDICT", "UNTIL", "USES", "SCORE"}};
  std::size_t others = 0;  // of providers that were not asked for: known without a line for each
  for (const auto& candidate : explanation.candidates) {
    if (candidate.verdict == cp::Eligibility::wrong_provider) {
      ++others;
      continue;
    }
    std::string verdict{cp::to_string(candidate.verdict)};
    for (auto& c : verdict)
      if (c == '_') c = ' ';
    if (candidate.on_trial) verdict += " (one trial)";
    const bool eligible = candidate.verdict == cp::Eligibility::eligible;
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "%.2f", candidate.use);
    const std::string uses = number.data();
    std::snprintf(number.data(), number.size(), "%.2f", candidate.rank.value);
    table.add({candidate.chosen ? ">" : "",
               candidate.credential->profile_id,
               candidate.credential->cli,
               {verdict, eligible ? Style::good : Style::warning},
               candidate.until ? relative_time(candidate.until, now) : std::string{"-"},
               uses,
               eligible ? std::string{number.data()} : std::string{"-"}});
  }
  if (explanation.candidates.empty()) {
    session.print("There is no credential at all; `credpool scan` says where it looks.\n");
    return 1;
  }
  if (!table.empty()) session.print(table.render(session.out()) + "\n");
  if (others > 0)
    session.print(
        (table.empty() ? "No credential of " + harmless(options.provider) + "; " : "Left out: ") +
        std::to_string(others) + " of other providers.\n");
  session.print("Strategy: " + explanation.policy + ". ");
  if (explanation.chosen) {
    session.print("The one marked > would be lent now.\n");
  } else {
    session.print("None can serve this now" +
                  (explanation.retry_at ? "; try again " + relative_time(explanation.retry_at, now)
                                        : std::string{}) +
                  ".\n");
  }
  return explanation.chosen ? 0 : 1;
}

int run_exec(Session& session, const ExecOptions& options) {
  auto wanted = options.request;
  if (wanted.provider.empty() && wanted.pin.empty())
    wanted.provider = provider_of_program(options.command.front());
  if (wanted.provider.empty() && wanted.pin.empty())
    return session.fail({cp::Errc::invalid_argument, "running a program with a credential",
                         options.command.front(), "say whose credential it needs with --provider"});
  auto opened = open_pool(session, StateUse::keep);
  if (!opened) return session.fail(opened.error());
  const auto request = lease_request(wanted, opened->settings);
  auto lent = acquire_fresh(session, *opened, request);
  if (!lent) return refuse(session, *opened->pool, request, lent.error());
  std::optional<cp::Lease> lease{std::move(*lent)};
  const auto credential = lease->credential();

  const auto variable = options.variable.empty() ? variable_of(credential) : options.variable;
  if (variable.empty() || variable.find('=') != std::string::npos)
    return session.fail({cp::Errc::invalid_argument, "running a program with a credential",
                         credential.profile_id,
                         "name the environment variable it expects with --variable"});
  note_lent(session, opened->settings, credential);
  session.note("lending " + credential.profile_id + " in " + variable);
  lease.reset();  // how the program fared with it, nobody tells us
  opened->pool.reset();

  // The program takes our place, so that signals, terminal and exit code are its own. It gets back
  // the signal handling that we were started with.
  const auto program = options.command.front();
  ::setenv(variable.c_str(), std::string{credential.secret.reveal()}.c_str(), 1);
  if (!credential.base_url.empty())
    if (const auto* row = cp::find_key_variable(variable); row && !row->base_url_variable.empty())
      ::setenv(std::string{row->base_url_variable}.c_str(), credential.base_url.c_str(), 1);
  std::signal(SIGPIPE, SIG_DFL);
  std::vector<char*> arguments;
  for (const auto& argument : options.command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execvp(program.c_str(), arguments.data());
  const int number = errno;
  return session.fail({number == ENOENT ? cp::Errc::not_found : cp::Errc::permission_denied,
                       "running a program", program,
                       std::error_code{number, std::generic_category()}.message()});
}

}  // namespace credpool_cli
