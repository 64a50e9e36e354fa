// SPDX-License-Identifier: MIT
// serve install, uninstall and status: the server as a systemd service of this user.

#include "commands.hpp"
#include "renewal_text.hpp"
#include "user_service.hpp"

#include <algorithm>
#include <utility>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::string_view server_service = "credpool.service";

/// The words that start the same server again, wherever that is done.
std::vector<std::string> command_line(const Session& session, const ServeOptions& options,
                                      const std::filesystem::path& self) {
  const auto& environment = session.environment();
  std::vector<std::string> words{self.string()};
  const auto text = [&](const char* name, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {name, value});
  };
  const auto file = [&](const char* name, const std::string& value) {
    if (!value.empty()) text(name, std::filesystem::absolute(environment.expand(value)).string());
  };
  const auto flag = [&](const char* name, bool given) {
    if (given) words.emplace_back(name);
  };
  const auto list = [&](const char* name, const std::vector<std::string>& values) {
    for (const auto& value : values) text(name, value);
  };
  const auto& global = session.options();
  file("--config", global.config);
  file("--state-dir", global.state_directory);
  text("--store", global.store);
  words.emplace_back("serve");
  flag("--open", options.open);
  list("--listen", options.listen);
  file("--key-file", options.key_file);
  list("--allow", options.allow);
  if (options.log != "text") text("--log", options.log);
  file("--tls-cert", options.tls_certificate);
  file("--tls-key", options.tls_key);
  list("--only", options.only);
  flag("--no-ui", options.no_ui);
  list("--allow-host", options.allow_hosts);
  flag("--insecure-remote", options.insecure_remote);
  list("--trusted-proxy", options.trusted_proxies);
  if (options.threads > 0) text("--threads", std::to_string(options.threads));
  const auto& accounts = options.accounts;
  flag("--grant-credits", accounts.grant_credits);
  flag("--closed", accounts.closed);
  flag("--several-logins", accounts.several_logins);
  if (accounts.time_zone != "UTC") text("--time-zone", accounts.time_zone);
  file("--prices", accounts.prices);
  text("--keep-requests", std::to_string(accounts.keep_requests));
  list("--cors-origin", accounts.cors_origins);
  return words;
}

cp::Error no_systemd() {
  return {cp::Errc::unsupported,
          "installing the server",
          {},
          "there is no systemd for this user: run `credpool serve` by whatever starts programs "
          "here; examples/systemd has units for a whole machine"};
}

}  // namespace

int run_serve_install(Session& session, const ServeOptions& options) {
  if (!has_user_systemd(session)) return session.fail(no_systemd());
  const auto self = own_path();
  if (!self) return session.fail(self.error());
  const auto command = command_line(session, options, *self);
  for (const auto& word : command)
    if (has_control(word))
      return session.fail({cp::Errc::invalid_argument, "installing the server", harmless(word),
                           "systemd takes no line break in a word"});
  const auto unit = unit_file(session, server_service);
  if (!unit) return session.fail(unit.error());
  const auto text = systemd_unit(server_unit, command, carried_variables(session));
  if (auto done = install_user_service(session, *unit, text); !done)
    return session.fail(done.error());
  if (session.options().json) {
    session.print_json(Json{{"installed", "systemd"}, {"where", unit->string()}});
  } else {
    session.print("A service of this user serves from now on: " +
                  short_path(unit->string(), session.environment()) +
                  "\nNext: credpool serve status; credpool ui\n");
    session.note("It runs while you are logged in; for always: loginctl enable-linger");
    session.note("Keys in variables are not handed on: keep them with `credpool import-manual`");
  }
  return 0;
}

int run_serve_uninstall(Session& session) {
  const auto unit = unit_file(session, server_service);
  if (!unit) return session.fail(unit.error());
  std::error_code ignored;  // what cannot be looked at is not ours to remove
  const bool there = std::filesystem::exists(*unit, ignored);
  if (there)
    if (auto done = remove_user_service(session, *unit); !done) return session.fail(done.error());
  if (session.options().json)
    session.print_json(Json{{"removed", there}});
  else
    session.print(there ? "Removed.\n" : "Nothing was installed.\n");
  return 0;
}

int run_serve_status(Session& session) {
  const auto unit = unit_file(session, server_service);
  if (!unit) return session.fail(unit.error());
  std::error_code ignored;
  const bool there = std::filesystem::exists(*unit, ignored);
  const bool running = there && run_program(session, "systemctl",
                                            {"--user", "is-active", std::string{server_service}})
                                    .has_value();
  if (session.options().json)
    session.print_json(Json{{"installed", there ? Json("systemd") : Json(nullptr)},
                            {"running", running},
                            {"where", there ? Json(unit->string()) : Json(nullptr)}});
  else
    session.print(!there    ? "Not installed. Next: credpool serve install\n"
                  : running ? "A systemd service of this user, running.\n"
                            : "A systemd service of this user, not running: journalctl --user "
                              "--unit credpool\n");
  return running ? 0 : 1;
}

}  // namespace credpool_cli
