// SPDX-License-Identifier: MIT
// renew install, uninstall and status: a systemd user service, or a crontab line where there is no
// systemd.

#include "commands.hpp"
#include "renew_service.hpp"

#include <credpool/core/file.hpp>
#include <credpool/refresh/process.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::string_view service_name = "credpool-renew.service";
/// Ends our line in the crontab, so that it is found again.
constexpr std::string_view cron_mark = "# credpool renew";

/// Where the CLIs and we ourselves keep things, if not at the default place: a service is started
/// without these. None of them holds a secret.
constexpr std::array<std::string_view, 13> carried_variables{
    "KIMI_SHARE_DIR",   "KIMI_CODE_HOME",    "CODEX_HOME",           "QWEN_HOME",
    "GEMINI_CLI_HOME",  "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME",      "XDG_DATA_HOME",
    "XDG_STATE_HOME",   "OPENCLAW_HOME",     "OPENCLAW_CONFIG_PATH", "OPENCLAW_STATE_DIR",
    "CREDPOOL_KEY_FILE"};

/// What a program printed, if it ended well.
cp::Result<std::string> run(const Session& session, std::string_view name,
                            std::vector<std::string> arguments,
                            const std::optional<std::string>& input = {}) {
  const auto& environment = session.environment();
  const auto program = environment.find_program(name);
  if (!program)
    return cp::fail(cp::Errc::not_found, "starting " + std::string{name}, {}, "it is not on PATH");
  cp::ProcessPlan plan;
  plan.program = *program;
  plan.arguments = std::move(arguments);
  plan.read_output = true;
  for (const auto* variable : {"HOME", "PATH", "USER", "LOGNAME", "XDG_RUNTIME_DIR",
                               "DBUS_SESSION_BUS_ADDRESS", "XDG_CONFIG_HOME"})
    if (const auto value = environment.variable(variable)) plan.variables[variable] = *value;
  auto process = cp::Process::start(plan);
  if (!process) return cp::fail(process.error());
  constexpr std::chrono::seconds patience{30};
  if (input)
    if (auto written = process->write(*input, patience); !written) return cp::fail(written.error());
  process->close_input();
  const auto end = process->wait(patience);
  if (!end)
    return cp::fail(cp::Errc::timeout, "waiting for " + std::string{name}, program->string());
  if (end->exit_code != 0 || end->signal != 0)
    return cp::fail(cp::Errc::io, "running " + std::string{name}, program->string(),
                    "it ended with exit code " + std::to_string(end->exit_code) +
                        "; run it by hand to see why");
  return process->output();
}

bool has_user_systemd(const Session& session) {
  return session.environment().find_program("systemctl") &&
         run(session, "systemctl", {"--user", "show-environment"}).has_value();
}

cp::Result<std::filesystem::path> unit_file(const Session& session) {
  auto config = session.environment().config_home();
  if (!config) return config;
  return *config / "systemd/user" / service_name;
}

/// This program, as it will be found after a reboot.
cp::Result<std::filesystem::path> own_path() {
  std::error_code failed;
  auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed || self.string().ends_with(" (deleted)"))
    return cp::fail(cp::Errc::not_found, "finding this program's own file", "/proc/self/exe",
                    "install credpool and run the installed one");
  return self;
}

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
  // A user without a crontab is an error to crontab -l, and an empty one to us.
  return run(session, "crontab", {"-l"}).value_or(std::string{});
}

/// The last lines of a text that ends with a line end.
std::string last_lines(std::string_view text, int count) {
  auto begin = text.size();
  for (int seen = 0; begin > 0; --begin)
    if (text[begin - 1] == '\n' && ++seen > count) break;
  return std::string{text.substr(begin)};
}

struct Installed {
  bool service = false;
  bool cron = false;
  std::filesystem::path unit;
};

Installed what_is_installed(const Session& session) {
  Installed installed;
  if (const auto unit = unit_file(session)) {
    installed.unit = *unit;
    std::error_code ignored;  // what cannot be looked at is not ours to use
    installed.service = std::filesystem::exists(*unit, ignored);
  }
  if (const auto table = installed_crontab(session))
    installed.cron = table->find(cron_mark) != std::string::npos;
  return installed;
}

}  // namespace

std::string systemd_unit(const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& variables) {
  // Quoting as systemd.syntax(7) has it; % begins a specifier, $ a variable.
  const auto quoted = [](std::string_view word) {
    std::string text = "\"";
    for (const char c : word) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
      if (c == '%' || c == '$') text += c;
    }
    return text + '"';
  };
  std::string start;
  for (const auto& word : command) start += (start.empty() ? "" : " ") + quoted(word);
  std::string unit =
      "[Unit]\n"
      "Description=credpool: keeps the logins of AI coding CLIs fresh\n"
      "Documentation=man:credpool(1)\n"
      "\n"
      "[Service]\n"
      "ExecStart=" +
      start +
      "\n"
      "ExecReload=/bin/kill -HUP $MAINPID\n"
      "Restart=on-failure\n"
      "RestartSec=30\n"
      "# An exchange that has begun lives on in a process of its own: it must not be killed.\n"
      "KillMode=process\n"
      "NoNewPrivileges=yes\n"
      "UMask=0077\n";
  for (const auto& [name, value] : variables) {
    // Environment= knows no $, so only % is doubled there.
    std::string text = "\"";
    for (const char c : name + '=' + value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
      if (c == '%') text += c;
    }
    unit += "Environment=" + text + "\"\n";
  }
  return unit + "\n[Install]\nWantedBy=default.target\n";
}

std::string with_cron_line(std::string_view table, const std::vector<std::string>& command,
                           const std::map<std::string, std::string>& variables) {
  // The line goes to sh; and to cron a % is the end of the command.
  const auto quoted = [](std::string_view word) {
    std::string text = "'";
    for (const char c : word) {
      if (c == '\'') {
        text += "'\\''";
        continue;
      }
      if (c == '%') text += '\\';
      text += c;
    }
    return text + '\'';
  };
  std::string line = "*/5 * * * *";
  for (const auto& [name, value] : variables) line += ' ' + name + '=' + quoted(value);
  for (const auto& word : command) line += ' ' + quoted(word);
  auto text = without_cron_line(table);
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  return text + line + ' ' + std::string{cron_mark} + '\n';
}

std::string without_cron_line(std::string_view table) {
  std::string kept;
  while (!table.empty()) {
    const auto end = std::min(table.find('\n'), table.size() - 1);
    const auto line = table.substr(0, end + 1);
    auto bare = line;
    while (bare.ends_with('\n') || bare.ends_with(' ')) bare.remove_suffix(1);
    if (!bare.ends_with(cron_mark)) kept += line;
    table.remove_prefix(end + 1);
  }
  return kept;
}

int run_renew_install(Session& session, const RenewOptions& options) {
  const auto settings = settings_of(session);
  if (!settings) return session.fail(settings.error());
  const auto directory = open_state_directory(session, *settings);
  if (!directory) return session.fail(directory.error());
  const auto self = own_path();
  if (!self) return session.fail(self.error());
  const auto log = log_file(session, options, *directory);
  std::map<std::string, std::string> variables;
  for (const auto name : carried_variables)
    if (const auto value = session.environment().variable(name)) variables.emplace(name, *value);

  const bool systemd = !options.cron && has_user_systemd(session);
  std::string where;
  if (systemd) {
    const auto unit = unit_file(session);
    if (!unit) return session.fail(unit.error());
    if (auto made = cp::make_private_directory(unit->parent_path()); !made)
      return session.fail(made.error());
    const auto text =
        systemd_unit(command_line(session, options, *self, log, "--watch"), variables);
    if (auto written = cp::replace_file(*unit, text, 0600); !written)
      return session.fail(written.error());
    for (const auto& words : {std::vector<std::string>{"--user", "daemon-reload"},
                              {"--user", "enable", std::string{service_name}},
                              {"--user", "restart", std::string{service_name}}})
      if (auto done = run(session, "systemctl", words); !done) return session.fail(done.error());
    where = unit->string();
  } else {
    const auto table = installed_crontab(session);
    if (!table) return session.fail(table.error());
    const auto text =
        with_cron_line(*table, command_line(session, options, *self, log, "--once"), variables);
    if (auto done = run(session, "crontab", {"-"}, text); !done) return session.fail(done.error());
    where = "crontab";
  }
  if (session.options().json) {
    session.print_json(
        Json{{"installed", systemd ? "systemd" : "cron"}, {"where", where}, {"log", log.string()}});
  } else {
    session.print((systemd ? "A service of this user renews from now on: " + where + "\n"
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
  if (installed.service) {
    // A service that is not running is as good as stopped.
    if (has_user_systemd(session))
      if (auto done =
              run(session, "systemctl", {"--user", "disable", "--now", std::string{service_name}});
          !done)
        return session.fail(done.error());
    std::error_code failed;
    std::filesystem::remove(installed.unit, failed);
    if (failed)
      return session.fail({cp::Errc::permission_denied, "removing the service",
                           installed.unit.string(), failed.message()});
    if (has_user_systemd(session))
      if (auto done = run(session, "systemctl", {"--user", "daemon-reload"}); !done)
        return session.fail(done.error());
  }
  if (installed.cron) {
    const auto table = installed_crontab(session);
    if (!table) return session.fail(table.error());
    if (auto done = run(session, "crontab", {"-"}, without_cron_line(*table)); !done)
      return session.fail(done.error());
  }
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
        run(session, "systemctl", {"--user", "is-active", std::string{service_name}});
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
