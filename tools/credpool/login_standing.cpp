// SPDX-License-Identifier: MIT
#include "login_standing.hpp"

#include <credpool/refresh/login_providers.hpp>

#include <algorithm>
#include <array>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// The commands, the CLI's own first.
std::vector<std::string> login_commands(const std::string& cli) {
  std::vector<std::string> commands;
  const auto* login = cp::find_login_provider(cli);
  if (login == nullptr) return {cli};
  if (!login->command.empty()) commands.emplace_back(login->command);
  for (const auto method : {cp::LoginMethod::oauth_device, cp::LoginMethod::oauth_browser,
                            cp::LoginMethod::api_key_web})
    if (login->offers(method)) {
      commands.push_back("credpool login " + std::string{login->cli});
      break;
    }
  if (commands.empty()) commands.push_back("credpool import-manual " + cli);
  return commands;
}

}  // namespace

std::string_view to_string(RefreshState state) noexcept {
  constexpr std::array<std::string_view, 7> names{
      "none", "well", "waiting", "cut_off", "outcome_unknown", "dead", "signed_out"};
  return names[static_cast<std::size_t>(state)];
}

std::string next_login(const std::string& cli) {
  std::string text;
  for (const auto& command : login_commands(cli)) text += (text.empty() ? "" : ", or: ") + command;
  return text;
}

std::string how_to_log_in(const std::string& cli) {
  return "log in with: " + next_login(cli);
}

LoginStanding login_standing(const CliSources& sources, const cp::Credential& credential,
                             const cp::Environment& environment, cp::TimePoint now) {
  LoginStanding standing;
  if (credential.kind != cp::Kind::oauth || credential.reason == cp::Reason::service_ended)
    return standing;
  if (credential.status_at(now) == cp::Status::needs_login) {
    standing.state = RefreshState::signed_out;
    standing.what = "its CLI has signed out";
    if (credential.has_refresh_token()) standing.what = "both of its tokens have ended";
    standing.next = next_login(credential.cli);
    return standing;
  }
  if (!credential.has_refresh_token()) return standing;
  standing.state = RefreshState::well;
  const auto store = sources.login_store(credential, environment);
  if (!store) return standing;  // only read: there are no traces of ours
  const auto trace = cp::exchange_trace(**store);
  if (!trace) {
    standing.what = trace.error().message();
    return standing;
  }
  standing.trace = *trace;
  const auto refresh = "credpool refresh " + credential.profile_id;
  if (trace->dead) {
    standing.state = RefreshState::dead;
    standing.what = "the server refused its refresh token";
    if (credential.usable_at(now) && credential.expires_at)
      standing.what +=
          "; the access token still works, it ends " + relative_time(credential.expires_at, now);
    standing.next = next_login(credential.cli);
  } else if (trace->outcome_unknown) {
    standing.state = RefreshState::outcome_unknown;
    standing.what = "an answer was lost: the server may have exchanged its refresh token";
    standing.next = refresh + " (tries it once more)";
  } else if (trace->journal) {
    standing.state = RefreshState::cut_off;
    standing.what = "a refresh was cut off";
    standing.next = refresh + " (finishes it)";
  } else if (trace->failures > 0) {
    standing.state = RefreshState::waiting;
    standing.what = "the last refresh failed" +
                    (trace->failures > 1 ? " " + std::to_string(trace->failures) + " times" : "");
    standing.next = refresh;
    if (trace->not_before && *trace->not_before > now)
      standing.next += " (" + relative_time(trace->not_before, now) + ")";
  }
  return standing;
}

Json standing_json(const LoginStanding& standing) {
  return {{"state", to_string(standing.state)},
          {"failures", standing.trace.failures},
          {"notBefore", time_json(standing.trace.not_before)},
          {"detail", harmless(standing.what)},
          {"next", harmless(standing.next)}};
}

}  // namespace credpool_cli
