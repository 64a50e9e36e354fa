// SPDX-License-Identifier: MIT
#include "user_service.hpp"

#include <credpool/core/file.hpp>
#include <credpool/refresh/process.hpp>

#include <algorithm>
#include <array>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// Where the CLIs and we ourselves keep things, which servers are asked and where programs are
/// found, if not at the default place: a service is started without these. None holds a secret.
constexpr std::array<std::string_view, 26> carried_names{"PATH",
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

}  // namespace

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; });
}

std::map<std::string, std::string> carried_variables(const Session& session) {
  std::map<std::string, std::string> variables;
  for (const auto name : carried_names) {
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

cp::Result<std::string> run_program(const Session& session, std::string_view name,
                                    std::vector<std::string> arguments,
                                    const std::optional<std::string>& input) {
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
         run_program(session, "systemctl", {"--user", "show-environment"}).has_value();
}

cp::Result<std::filesystem::path> unit_file(const Session& session, std::string_view name) {
  auto config = session.environment().config_home();
  if (!config) return config;
  return *config / "systemd/user" / name;
}

cp::Result<std::filesystem::path> own_path() {
  std::error_code failed;
  auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed || self.string().ends_with(" (deleted)"))
    return cp::fail(cp::Errc::not_found, "finding this program's own file", "/proc/self/exe",
                    "install credpool and run the installed one");
  return self;
}

cp::Result<void> remove_user_service(const Session& session, const std::filesystem::path& unit) {
  const auto name = unit.filename().string();
  const bool systemd = has_user_systemd(session);
  if (systemd)
    if (auto done = run_program(session, "systemctl", {"--user", "disable", "--now", name}); !done)
      return cp::fail(done.error());
  std::error_code failed;
  std::filesystem::remove(unit, failed);
  if (failed)
    return cp::fail(cp::Errc::permission_denied, "removing the service", unit.string(),
                    failed.message());
  if (systemd)
    if (auto done = run_program(session, "systemctl", {"--user", "daemon-reload"}); !done)
      return cp::fail(done.error());
  return {};
}

cp::Result<void> install_user_service(const Session& session, const std::filesystem::path& unit,
                                      const std::string& text) {
  const auto name = unit.filename().string();
  if (auto made = cp::make_private_directory(unit.parent_path()); !made) return made;
  if (auto written = cp::replace_file(unit, text, 0600); !written) return written;
  for (const auto& words : {std::vector<std::string>{"--user", "daemon-reload"},
                            {"--user", "enable", name},
                            {"--user", "restart", name}})
    if (auto done = run_program(session, "systemctl", words); !done) return cp::fail(done.error());
  return {};
}

}  // namespace credpool_cli
