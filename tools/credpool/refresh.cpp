// SPDX-License-Identifier: MIT
// refresh: gets a login a new access token now.

#include "commands.hpp"
#include "history_notes.hpp"
#include "login_standing.hpp"
#include "refresh_login.hpp"
#include "spinner.hpp"

#include <algorithm>

namespace credpool_cli {

namespace cp = credpool;

namespace {

using Credentials = std::vector<std::shared_ptr<const cp::Credential>>;

/// The logins that a CLI's name means, or the one of that profile or id.
cp::Result<Credentials> named(const OpenPool& opened, const std::string& name) {
  Credentials logins;
  for (const auto& credential : opened.pool->credentials())
    if (credential->cli == name && credential->kind == cp::Kind::oauth)
      logins.push_back(credential);
  if (!logins.empty()) return logins;
  auto one = opened.pool->find(name);
  if (one) return Credentials{*one};
  if (check_cli_names(opened.discovery, {name}))
    return cp::fail(cp::Errc::not_found, "refreshing a login", name,
                    "it has no login here that could be refreshed; " + how_to_log_in(name));
  return cp::fail(one.error().errc(), "refreshing a login", name,
                  "name a CLI, a profile or an id of `credpool status`");
}

std::string in_words(const cp::ExchangeReport& report, const Session& session) {
  const auto now = session.now();
  std::string text;
  switch (report.outcome) {
    case cp::ExchangeOutcome::still_fresh:
      text = "fresh";
      break;
    case cp::ExchangeOutcome::adopted:
      text = "refreshed by another program; its token is used";
      break;
    case cp::ExchangeOutcome::exchanged:
      text = "refreshed";
      break;
    case cp::ExchangeOutcome::recovered:
      text = "refreshed: an exchange that was cut off is finished";
      break;
    case cp::ExchangeOutcome::kept:
      text = "not refreshed, the token still works";
      break;
  }
  if (report.tokens.expires_at) text += ", ends " + relative_time(report.tokens.expires_at, now);
  text += "\n";
  if (!report.note.empty())
    text += wrapped(session.out(),
                    (report.outcome == cp::ExchangeOutcome::kept ? "Why: " : "Note: ") +
                        with_short_home(harmless(report.note), session.environment()),
                    5) +
            "\n";
  if (report.outcome == cp::ExchangeOutcome::still_fresh)
    text += "Next: --force refreshes it all the same\n";
  if (report.retry_at) text += "Next: try again " + relative_time(report.retry_at, now) + "\n";
  return text;
}

}  // namespace

int run_refresh(Session& session, const RefreshOptions& options) {
  const bool by_person = options.method == "oauth-device" || options.method == "oauth-browser" ||
                         options.method == "api-key-web" || options.method == "manual";
  auto opened = open_pool(session, StateUse::look);
  if (!opened) return session.fail(opened.error());
  if (by_person) {
    // A new login or key: for the CLI of what was named.
    const auto logins = named(*opened, options.name);
    return run_login(session, {.cli = logins ? logins->front()->cli : options.name,
                               .method = options.method,
                               .no_browser = options.no_browser});
  }
  const auto logins = named(*opened, options.name);
  if (!logins) return session.fail(logins.error());
  if (options.ownership == "adopt")
    return session.fail({cp::Errc::unsupported, "adopting a login", options.name,
                         "its CLI would be left with a token that we spend. `credpool login " +
                             logins->front()->cli + "` makes a login that is ours alone"});

  Refresher refresher{session, opened->settings, opened->sources};
  Json entries = Json::array();
  int code = 0;
  for (const auto& login : *logins) {
    auto credential = *login;
    if (options.ownership == "borrow") credential.ownership = cp::Ownership::borrow;
    if (options.ownership == "co_own" && credential.ownership != cp::Ownership::adopt)
      credential.ownership = cp::Ownership::co_own;
    const auto way = way_to_refresh(refresher, credential, options.method);
    cp::Result<cp::ExchangeReport> report = [&]() -> cp::Result<cp::ExchangeReport> {
      if (!way) return cp::fail(way.error());
      const Spinner spinner{session.err(), "refreshing " + credential.profile_id};
      return refresher.refresh(credential, *way, {.refused_token = {}, .force = options.force});
    }();
    if (logins->size() == 1 && !report) {
      const int failed = session.fail(report.error());
      if (report.error().code == cp::Condition::login_needed)
        session.note("Next: " + next_login(credential.cli));
      else if (report.error().retry_at)
        session.note("Next: try again " + relative_time(report.error().retry_at, session.now()));
      return failed;
    }
    code = std::max(code, report ? 0 : cp::exit_code(report.error()));
    entries.push_back(refreshed_json(credential, report));
    if (session.options().json) continue;
    session.print(
        credential.profile_id + " (" + credential.cli + "): " +
        (report ? in_words(*report, session)
                : styled(session.out(), Style::bad, harmless(report.error().message())) + "\n"));
    if (!report && report.error().code == cp::Condition::login_needed)
      session.print("Next: " + next_login(credential.cli) + "\n");
  }
  // The new hashes go on record; the tokens themselves are where they were.
  if (auto again = open_pool(session, StateUse::look))
    if (auto noted = note_discovered(session, again->settings, again->discovery.credentials);
        !noted && again->directory)
      session.warn(harmless(noted.error().message()));
  if (session.options().json) session.print_json(Json{{"refreshed", entries}});
  return code;
}

}  // namespace credpool_cli
