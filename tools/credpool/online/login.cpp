// SPDX-License-Identifier: MIT
// login: a login of our own, a family of tokens that no CLI spends.

#include "../commands.hpp"
#include "../terminal_interaction.hpp"
#include "log_in.hpp"

namespace credpool_cli {

namespace cp = credpool;

namespace {

cp::Result<cp::LoginMethod> chosen_method(const cp::LoginProvider& login, const std::string& name) {
  std::string list;
  bool its_own_first = false;
  for (const auto method : login.offered()) {
    its_own_first |= list.empty() && method == cp::LoginMethod::cli_command;
    if (!is_for_log_in(method)) continue;
    if ((name.empty() && !its_own_first) || cp::to_string(method) == name) return method;
    list += (list.empty() ? "" : ", ") + std::string{cp::to_string(method)};
  }
  const auto by_hand = login.command.empty() ? std::string{} : "run: " + std::string{login.command};
  return cp::fail(cp::Errc::unsupported, "logging in to " + std::string{login.name},
                  name.empty() ? std::string{} : "--method " + name,
                  by_hand + (by_hand.empty() || list.empty() ? "" : "; ") +
                      (list.empty() ? std::string{} : "there is --method " + list));
}

void tell_kept_login(const Session& session, const Kept& kept) {
  if (!kept.warning.empty()) session.warn(kept.warning);
  if (session.options().json) {
    session.print_json(Json{{"profileId", kept.profile_id},
                            {"id", kept.id},
                            {"tokenHash", kept.token_hash},
                            {"expiresAt", time_json(kept.expires_at)}});
  } else {
    session.print("Logged in: " + kept.profile_id + ", a login of our own, sealed in " +
                  short_path(kept.file.string(), session.environment()) +
                  ".\nNext: credpool renew install (keeps it fresh)\n");
  }
}

}  // namespace

int run_login(Session& session, const LoginOptions& options) {
  const auto* login = cp::find_login_provider(options.cli);
  if (login == nullptr) {
    std::string list;
    for (const auto& each : cp::login_providers())
      list += (list.empty() ? "" : ", ") + std::string{each.cli};
    return session.fail(
        {cp::Errc::invalid_argument, "logging in", options.cli, "it is one of " + list});
  }
  const auto method = chosen_method(*login, options.method);
  if (!method) return session.fail(method.error());
  if (!login->note.empty()) session.note(std::string{login->note});

  const bool opens_browser = !options.no_browser && browser_opener(session.environment());
  TerminalInteraction person{session.environment(), session.err(), !options.no_browser};
  const auto kept =
      log_in(session,
             {.login = login,
              .method = *method,
              .profile = options.profile,
              .region = options.region,
              .comes_back = opens_browser ? cp::BrowserReturn::loopback : cp::BrowserReturn::paste},
             person);
  if (!kept) return session.fail(kept.error());
  const bool is_key = *method == cp::LoginMethod::api_key_web || *method == cp::LoginMethod::manual;
  is_key ? tell_kept_key(session, *kept) : tell_kept_login(session, *kept);
  return 0;
}

}  // namespace credpool_cli
