// SPDX-License-Identifier: MIT
// renew install, uninstall and status: a systemd user service, or a crontab line where there is no
// systemd.

#include "cli_pool.hpp"
#include "renewal_text.hpp"
#include "user_service.hpp"

#include <credpool/core/file.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::string_view renewal_service = "credpool-renew.service";

/// Cron refuses a longer line.
constexpr std::size_t longest_cron_line = 990;

std::filesystem::path log_file(const Session& session, const RenewOptions& options,
                               const cp::StateDirectory& directory) {
  if (!options.log.empty()) return session.environment().expand(options.log);
  return directory.path() / "logs/token-renewal.log";
}

std::vector<std::string> command_line(const Session& session, const RenewOptions& options,
                                      const std::filesystem::path& self,
                                      const std::filesystem::path& log, std::string_view mode) {
  std::vector<std::string> words{self.string()};
  const auto& global = session.options();
  if (!global.config.empty())
    words.insert(words.end(), {"--config", session.environment().expand(global.config).string()});
  if (!global.state_directory.empty())
    words.insert(words.end(),
                 {"--state-dir", session.environment().expand(global.state_directory).string()});
  words.insert(words.end(), {"renew", std::string{mode}, "--log", log.string()});
  for (const auto& cli : options.clis) words.insert(words.end(), {"--cli", cli});
  return words;
}

cp::Result<std::string> installed_crontab(const Session& session) {
  if (!session.environment().find_program("crontab"))
    return cp::fail(cp::Errc::not_found, "looking for crontab", {},
                    "there is neither systemd for this user nor cron: run `credpool renew "
                    "--watch` by whatever starts programs here");
  auto table = run_program(session, "crontab", {"-l"});
  // A user without a crontab is exit code 1 to crontab -l, and an empty one to us. Any other
  // failure must not end in a crontab without the user's own lines.
  if (!table && table.error().errc() == cp::Errc::not_found) return std::string{};
  return table;
}

/// The last lines of a text that ends with a line end.
std::string last_lines(std::string_view text, int count) {
  auto begin = text.size();
  for (int seen = 0; begin > 0; --begin)
    if (text[begin - 1] == '\n' && ++seen > count) break;
  return std::string{text.substr(begin)};
}

std::size_t last_line_length(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text.size() - (text.rfind('\n') + 1);  // npos + 1 is 0
}

struct Installed {
  bool service = false;
  bool cron = false;
  std::filesystem::path unit;
};

Installed what_is_installed(const Session& session) {
  Installed installed;
  if (const auto unit = unit_file(session, renewal_service)) {
    installed.unit = *unit;
    std::error_code ignored;  // what cannot be looked at is not ours to use
    installed.service = std::filesystem::exists(*unit, ignored);
  }
  if (const auto table = installed_crontab(session))
    installed.cron = without_cron_line(*table) != *table;
  return installed;
}

cp::Result<void> remove_cron_line(const Session& session) {
  const auto table = installed_crontab(session);
  if (!table) return cp::fail(table.error());
  if (auto done = run_program(session, "crontab", {"-"}, without_cron_line(*table)); !done)
    return cp::fail(done.error());
  return {};
}

cp::Result<void> install_cron_line(const Session& session,
                                   const std::vector<std::string>& command) {
  const auto table = installed_crontab(session);
  if (!table) return cp::fail(table.error());
  auto variables = carried_variables(session);
  auto text = with_cron_line(*table, command, variables);
  if (last_line_length(text) > longest_cron_line && variables.erase("PATH") > 0)
    text = with_cron_line(*table, command, variables);
  if (auto done = run_program(session, "crontab", {"-"}, text); !done)
    return cp::fail(done.error());
  return {};
}

}  // namespace

int run_renew_install(Session& session, const RenewOptions& options) {
  const auto settings = settings_of(session);
  if (!settings) return session.fail(settings.error());
  const auto directory = open_state_directory(session, *settings);
  if (!directory) return session.fail(directory.error());
  const auto self = own_path();
  if (!self) return session.fail(self.error());
  const auto log = log_file(session, options, *directory);
  const bool systemd = !options.cron && has_user_systemd(session);
  const auto command = command_line(session, options, *self, log, systemd ? "--watch" : "--once");
  for (const auto& word : command)
    if (has_control(word))
      return session.fail({cp::Errc::invalid_argument, "installing the renewal", harmless(word),
                           "neither systemd nor cron takes a line break in a path"});
  const auto before = what_is_installed(session);
  std::string where = "crontab";
  if (systemd) {
    const auto unit = unit_file(session, renewal_service);
    if (!unit) return session.fail(unit.error());
    if (auto done = install_user_service(
            session, *unit, systemd_unit(renewal_unit, command, carried_variables(session)));
        !done)
      return session.fail(done.error());
    where = unit->string();
  } else if (auto done = install_cron_line(session, command); !done) {
    return session.fail(done.error());
  }
  // One of the two renews: the other kind of an earlier installation goes.
  if (systemd ? before.cron : before.service)
    if (auto done = systemd ? remove_cron_line(session) : remove_user_service(session, before.unit);
        !done)
      return session.fail(done.error());
  if (session.options().json) {
    session.print_json(
        Json{{"installed", systemd ? "systemd" : "cron"}, {"where", where}, {"log", log.string()}});
  } else {
    session.print((systemd ? "A service of this user renews from now on: " +
                                 short_path(where, session.environment()) + "\n"
                           : std::string{"A line of your crontab renews every 5 minutes.\n"}) +
                  "Log: " + short_path(log.string(), session.environment()) +
                  "\nNext: credpool renew status\n");
    if (systemd)
      session.note("It runs while you are logged in; for always: loginctl enable-linger");
  }
  return 0;
}

int run_renew_uninstall(Session& session) {
  const auto installed = what_is_installed(session);
  if (installed.service)
    if (auto done = remove_user_service(session, installed.unit); !done)
      return session.fail(done.error());
  if (installed.cron)
    if (auto done = remove_cron_line(session); !done) return session.fail(done.error());
  const bool any = installed.service || installed.cron;
  if (session.options().json)
    session.print_json(Json{{"removed", any}});
  else
    session.print(any ? "Removed. Logins are renewed by their own CLIs only.\n"
                      : "Nothing was installed.\n");
  return 0;
}

int run_renew_status(Session& session) {
  const auto settings = settings_of(session);
  if (!settings) return session.fail(settings.error());
  const auto directory = open_state_directory(session, *settings);
  if (!directory) return session.fail(directory.error());
  const auto installed = what_is_installed(session);
  std::string state = "not installed";
  bool running = installed.cron;
  if (installed.service) {
    const auto active =
        run_program(session, "systemctl", {"--user", "is-active", std::string{renewal_service}});
    running = active.has_value();
    state = running ? "a systemd service of this user, running"
                    : "a systemd service of this user, not running";
  } else if (installed.cron) {
    state = "a line of your crontab, every 5 minutes";
  }
  const auto log = log_file(session, {}, *directory);
  std::string tail;
  if (const auto text =
          cp::read_file(log, session.environment(),
                        {.max_bytes = 2 << 20, .follow_symlink = false, .holds_secret = false})) {
    tail = last_lines(text->bytes.reveal(), 10);
  }
  if (session.options().json) {
    session.print_json(Json{{"installed", installed.service ? Json("systemd")
                                          : installed.cron  ? Json("cron")
                                                            : Json(nullptr)},
                            {"running", running},
                            {"log", log.string()}});
  } else {
    session.print("Renewal: " + state + ".\n");
    if (!installed.service && !installed.cron) session.print("Next: credpool renew install\n");
    if (!tail.empty())
      session.print("\n" + short_path(log.string(), session.environment()) + ":\n" + tail);
  }
  return running ? 0 : 1;
}

}  // namespace credpool_cli
