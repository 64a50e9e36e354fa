// SPDX-License-Identifier: MIT
#include "command_line.hpp"

#include "arguments.hpp"
#include "audit_log.hpp"
#include "channel.hpp"
#include "commands.hpp"
#include "completion.hpp"
#include "manual_page.hpp"
#include "profile_directory.hpp"

#include <credpool/core/environment.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

namespace openclaw_token {

namespace cp = credpool;

namespace {

/// Which release of the first program of this name it does everything of.
constexpr const char* version = "0.8.1";

struct Handler {
  std::string_view words;
  int (*run)(Session&, const Arguments&);
};

constexpr std::array handlers{
    Handler{"auth register", auth_register},
    Handler{"auth login", auth_login},
    Handler{"auth logout", auth_logout},
    Handler{"auth rotate", auth_rotate},
    Handler{"auth whoami", auth_whoami},
    Handler{"credits balance", credits_balance},
    Handler{"credits buy", credits_buy},
    Handler{"credits history", credits_history},
    Handler{"credits auto-topup", credits_auto_topup},
    Handler{"keys create", keys_create},
    Handler{"keys list", keys_list},
    Handler{"keys info", keys_info},
    Handler{"keys update", keys_update},
    Handler{"keys rotate", keys_rotate},
    Handler{"keys revoke", keys_revoke},
    Handler{"keys revoke-all", keys_revoke_all},
    Handler{"keys export", keys_export},
    Handler{"keys import", keys_import},
    Handler{"keys usage", keys_usage},
    Handler{"integrate", integrate},
    Handler{"profile create", profile_create},
    Handler{"profile switch", profile_switch},
    Handler{"profile list", profile_list},
    Handler{"profile current", profile_current},
    Handler{"profile delete", profile_delete},
    Handler{"audit show", audit_show},
    Handler{"audit clear", audit_clear},
    Handler{"config get", config_get},
    Handler{"config set", config_set},
    Handler{"config list", config_list},
    Handler{"config show", config_show},
    Handler{"config reset", config_reset},
};

/// What this process runs in. Not Environment::of_process(): the user data base behind it costs
/// more than most of our commands, and only a missing HOME would need it.
cp::Environment world() {
  cp::Environment::Facts facts;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    facts.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  if (const auto home = facts.variables.find("HOME"); home != facts.variables.end())
    facts.home = home->second;
  facts.user = ::geteuid();
  std::error_code ignored;  // a deleted working directory leaves the path empty
  facts.working_directory = std::filesystem::current_path(ignored);
  return cp::Environment{std::move(facts)};
}

credpool_cli::ManualTexts manual_texts() {
  return {
      .version = std::string{"openclaw-token "} + version,
      .purpose = "credits and API keys of an account, and a fallback for OpenClaw",
      .exit_status = {{"0", "ok"}, {"1", "the command failed"}},
      .environment = {{"OPENCLAW_TOKEN_KEY", "the management key, before the profile's"},
                      {"OPENCLAW_TOKEN_API_BASE",
                       "where the accounts are served, before the profile's"},
                      {"OPENCLAW_TOKEN_CONFIG_DIR", "the directory of profiles"},
                      {"OPENCLAW_TOKEN_PROFILE", "the profile, as --profile"},
                      {"OPENCLAW_TOKEN_MOCK", "1: as --mock"},
                      {"OPENCLAW_CONFIG_PATH, OPENCLAW_STATE_DIR, OPENCLAW_HOME",
                       "where OpenClaw's configuration is"},
                      {"HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS",
                       "how the network is used"},
                      {"NO_COLOR", "print without colours"}},
      .files = {{"~/.openclaw-token/profiles/NAME/config.json", "a profile's login"},
                {"~/.openclaw-token/current_profile", "the active profile's name"},
                {"~/.openclaw-token/audit.log", "what was done"},
                {"~/.openclaw-token/mock/", "the same of the made-up server, and its accounts"}},
  };
}

/// What needs no session: help, version, completions, the manual page. @return the exit code
std::optional<int> run_about_itself(const CommandTree& spec, Arguments& arguments) {
  const auto print = [](const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  };
  if (arguments.version) return print(std::string{version} + "\n");
  const auto words = arguments.words();
  if (words == "help") {
    Arguments asked;
    // With it nothing is missing that the command itself would need.
    std::vector<std::string> line{"--help"};
    line.insert(line.end(), arguments.positionals.begin(), arguments.positionals.end());
    if (const auto wrong = read_arguments(spec, line, asked)) {
      std::fprintf(stderr, "%s\n", wrong->text.c_str());
      return 1;
    }
    return print(help_text(spec, asked));
  }
  if (arguments.help) return print(help_text(spec, arguments));
  if (!arguments.command->children.empty()) {
    std::fputs(help_text(spec, arguments).c_str(), stderr);
    return 1;
  }
  if (words.starts_with("completion "))
    return print(credpool_cli::completion_script(spec, arguments.command->name));
  if (words == "man") return print(credpool_cli::manual_page(spec, manual_texts()));
  return std::nullopt;
}

/// Notes what was done. That the log cannot be written is said, and fails nothing.
void note_in_log(const Session& session, const Arguments& arguments, int code) {
  const auto profiles = ProfileDirectory::open(session);
  AuditEntry entry{session.timestamp(), arguments.path.at(0), {}, code == 0, {}};
  entry.args.assign(arguments.path.begin() + 1, arguments.path.end());
  entry.args.insert(entry.args.end(), arguments.positionals.begin(), arguments.positionals.end());
  if (arguments.words() == "config set" && arguments.positionals.at(0) == "management_key")
    entry.args.resize(2);
  if (session.failure()) entry.detail = *session.failure();
  const auto done = profiles ? AuditLog{profiles->path()}.append(entry)
                             : cp::Result<void>{cp::fail(profiles.error())};
  if (!done) session.warn(done.error().message());
}

/// The made-up server's first login is there before a command shows, changes or ends it.
cp::Result<void> begin_mock(const Session& session, const Arguments& arguments) {
  const auto& group = arguments.path.at(0);
  if (!session.options().mock || (group != "auth" && group != "config")) return {};
  const auto profiles = ProfileDirectory::open(session);
  if (!profiles) return cp::fail(profiles.error());
  const auto begun = mock_channel(session, *profiles);
  if (!begun) return cp::fail(begun.error());
  return {};
}

}  // namespace

int run_command_line(int argc, char** argv) {
  const auto spec = command_spec();
  Arguments arguments;
  if (const auto wrong = read_arguments(spec, {argv + 1, argv + argc}, arguments)) {
    std::fprintf(stderr, "%s\n", wrong->text.c_str());
    return 1;
  }
  if (const auto code = run_about_itself(spec, arguments)) return *code;

  const auto environment = world();
  GlobalOptions options;
  options.json = arguments.has("--json");
  options.mock = arguments.has("--mock") || environment.variable("OPENCLAW_TOKEN_MOCK") == "1";
  options.verbose = arguments.has("--verbose");
  options.no_colour = arguments.has("--no-color");
  options.insecure_http = arguments.has("--insecure-http");
  options.profile = arguments.value("--profile");
  options.arguments = argv;
  Session session{std::move(options), environment};

  const auto words = arguments.words();
  for (const auto& handler : handlers) {
    if (handler.words != words) continue;
    const auto begun = begin_mock(session, arguments);
    int code = begun ? handler.run(session, arguments) : session.fail(begun.error());
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      session.warn("The output could not be written whole.");
      code = 1;
    }
    if (arguments.path[0] != "audit") note_in_log(session, arguments, code);
    return code;
  }
  return 1;  // not reached: each command of the specification has a handler (a test sees to it)
}

}  // namespace openclaw_token
