// SPDX-License-Identifier: MIT
// renew install, uninstall and status: a systemd user service, or a crontab line where there is no
// systemd.

#include "cli_pool.hpp"
#include "renewal_text.hpp"

#include <credpool/core/file.hpp>
#include <credpool/refresh/process.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::string_view service_name = "credpool-renew.service";

/// Where the CLIs and we ourselves keep things, which servers are asked and where programs are
/// found, if not at the default place: a service is started without these. None holds a secret.
constexpr std::array<std::string_view, 26> carried_variables{"PATH",
                                                             "KIMI_SHARE_DIR",
                                                             "KIMI_CODE_HOME",
                                                             "KIMI_CODE_OAUTH_HOST",
                                                             "KIMI_OAUTH_HOST",
                                                             "KIMI_CODE_BASE_URL",
                                                             "KIMI_DISABLE_OAUTH_LOCK",
                                                             "CODEX_HOME",
                                                             "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
                                                             "QWEN_HOME",
                                                             "GEMINI_CLI_HOME",
                                                             "CLAUDE_CONFIG_DIR",
                                                             "CLAUDE_SECURESTORAGE_CONFIG_DIR",
                                                             "CLOUDSDK_CONFIG",
                                                             "HTTPS_PROXY",
                                                             "NO_PROXY",
                                                             "NODE_EXTRA_CA_CERTS",
                                                             "SSL_CERT_FILE",
                                                             "XDG_CONFIG_HOME",
                                                             "XDG_DATA_HOME",
                                                             "XDG_STATE_HOME",
                                                             "OPENCLAW_HOME",
                                                             "OPENCLAW_CONFIG_PATH",
                                                             "OPENCLAW_STATE_DIR",
                                                             "CREDPOOL_CONFIG",
                                                             "CREDPOOL_KEY_FILE"};
constexpr std::size_t most_output = 4 << 20;
/// Cron refuses a longer line.
constexpr std::size_t longest_cron_line = 990;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; });
}

/// Those of the variables that are set here. An address with a password in it is left out.
std::map<std::string, std::string> carried(const Session& session) {
  std::map<std::string, std::string> variables;
  for (const auto name : carried_variables) {
    const auto value = session.environment().variable(name);
    if (!value || value->empty() || has_control(*value)) continue;
    if (name == "HTTPS_PROXY" && value->find('@') != std::string::npos) {
      session.warn("HTTPS_PROXY is not handed on: there is a password in it");
      continue;
    }
    variables.emplace(name, *value);
  }
  return variables;
}

/// What a program printed, if it ended well.
/// @errors not_found when it is not on PATH, or said no (exit code 1) and printed nothing
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
  plan.max_output = most_output;
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
  if (end->exit_code == 1 && process->output().empty())
    return cp::fail(cp::Errc::not_found, "running " + std::string{name}, program->string(),
                    "it ended with exit code 1; run it by hand to see why");
  if (end->exit_code != 0 || end->signal != 0)
    return cp::fail(cp::Errc::io, "running " + std::string{name}, program->string(),
                    "it ended with exit code " + std::to_string(end->exit_code) +
                        "; run it by hand to see why");
  if (process->output().size() >= most_output)
    return cp::fail(cp::Errc::too_large, "reading what " + std::string{name} + " printed",
                    program->string());
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
  auto table = run(session, "crontab", {"-l"});
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
  if (const auto unit = unit_file(session)) {
    installed.unit = *unit;
    std::error_code ignored;  // what cannot be looked at is not ours to use
    installed.service = std::filesystem::exists(*unit, ignored);
  }
  if (const auto table = installed_crontab(session))
    installed.cron = without_cron_line(*table) != *table;
  return installed;
}

cp::Result<void> remove_service(const Session& session, const std::filesystem::path& unit) {
  const bool systemd = has_user_systemd(session);
  if (systemd)
    if (auto done =
            run(session, "systemctl", {"--user", "disable", "--now", std::string{service_name}});
        !done)
      return cp::fail(done.error());
  std::error_code failed;
  std::filesystem::remove(unit, failed);
  if (failed)
    return cp::fail(cp::Errc::permission_denied, "removing the service", unit.string(),
                    failed.message());
  if (systemd)
    if (auto done = run(session, "systemctl", {"--user", "daemon-reload"}); !done)
      return cp::fail(done.error());
  return {};
}

cp::Result<void> remove_cron_line(const Session& session) {
  const auto table = installed_crontab(session);
  if (!table) return cp::fail(table.error());
  if (auto done = run(session, "crontab", {"-"}, without_cron_line(*table)); !done)
    return cp::fail(done.error());
  return {};
}

cp::Result<void> install_service(const Session& session, const std::filesystem::path& unit,
                                 const std::vector<std::string>& command) {
  if (auto made = cp::make_private_directory(unit.parent_path()); !made) return made;
  if (auto written = cp::replace_file(unit, systemd_unit(command, carried(session)), 0600);
      !written)
    return written;
  for (const auto& words : {std::vector<std::string>{"--user", "daemon-reload"},
                            {"--user", "enable", std::string{service_name}},
                            {"--user", "restart", std::string{service_name}}})
    if (auto done = run(session, "systemctl", words); !done) return cp::fail(done.error());
  return {};
}

cp::Result<void> install_cron_line(const Session& session,
                                   const std::vector<std::string>& command) {
  const auto table = installed_crontab(session);
  if (!table) return cp::fail(table.error());
  auto variables = carried(session);
  auto text = with_cron_line(*table, command, variables);
  if (last_line_length(text) > longest_cron_line && variables.erase("PATH") > 0)
    text = with_cron_line(*table, command, variables);
  if (auto done = run(session, "crontab", {"-"}, text); !done) return cp::fail(done.error());
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
    const auto unit = unit_file(session);
    if (!unit) return session.fail(unit.error());
    if (auto done = install_service(session, *unit, command); !done)
      return session.fail(done.error());
    where = unit->string();
  } else if (auto done = install_cron_line(session, command); !done) {
    return session.fail(done.error());
  }
  // One of the two renews: the other kind of an earlier installation goes.
  if (systemd ? before.cron : before.service)
    if (auto done = systemd ? remove_cron_line(session) : remove_service(session, before.unit);
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
    if (auto done = remove_service(session, installed.unit); !done)
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
