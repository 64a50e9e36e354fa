// SPDX-License-Identifier: MIT
// The only file that sees the command line library.

#include "command_line.hpp"

#include "command_tree.hpp"
#include "commands.hpp"
#include "completion.hpp"
#include "exchange_helper.hpp"
#include "manual_page.hpp"

#include <credpool/core/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <span>
#include <string_view>
#include <utility>

namespace credpool_cli {

namespace {

void add_request_options(CLI::App& command, RequestOptions& request) {
  command.add_option("--provider", request.provider, "Only credentials of this provider");
  command.add_option("--model", request.model, "The model the request is for");
  command.add_option("--session", request.session,
                     "Keep requests of this session on one credential");
  command.add_option("--pin", request.pin, "This credential or none: its id or profile");
}

/// A copy of the command tree for the shell completions and the manual page.
CommandTree tree_of(const CLI::App& app) {
  CommandTree tree;
  tree.name = app.get_name();
  tree.description = app.get_description();
  for (const auto* option : app.get_options()) {
    CommandTree::Option copy;
    copy.description = option->get_description();
    copy.takes_value = option->get_items_expected_max() > 0;
    copy.value = option->get_type_name();
    if (option->get_positional()) {
      copy.names.push_back(option->get_name(true));
      copy.positional = true;
      copy.required = option->get_required();
    } else {
      for (const auto& name : option->get_snames()) copy.names.push_back("-" + name);
      for (const auto& name : option->get_lnames()) copy.names.push_back("--" + name);
    }
    tree.options.push_back(std::move(copy));
  }
  if (tree.name == "completion") tree.words = {"bash", "zsh", "fish"};
  for (const auto* child : app.get_subcommands(nullptr))
    if (!child->get_group().empty()) tree.children.push_back(tree_of(*child));  // else: hidden
  return tree;
}

ManualTexts manual_texts() {
  return {
      .version = "credpool " CREDPOOL_VERSION_STRING,
      .purpose = "lends the logins of AI coding CLIs in rotation",
      .exit_status = {{"0", "ok"},
                      {"1", "a credential is missing or expired, or the command failed"},
                      {"2", "a credential is expiring soon and cannot be refreshed"},
                      {"3", "the command line or the configuration is wrong"},
                      {"4", "a person must log in again"},
                      {"5", "a single-use token may or may not have been spent"}},
      .environment = {{"CREDPOOL_CONFIG", "the configuration file, as --config"},
                      {"NO_COLOR", "print without colours"},
                      {"XDG_CONFIG_HOME, XDG_STATE_HOME",
                       "where configuration and state are kept"}},
      .files = {{"~/.config/credpool/config.json5", "the configuration"},
                {"~/.local/state/credpool/", "state, sealed secrets and history"}},
  };
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{"Finds the logins of AI coding CLIs, checks them and lends them in rotation.",
               "credpool"};
  GlobalOptions global;
  global.arguments = argv;
  app.set_version_flag("--version", std::string{"credpool "} + CREDPOOL_VERSION_STRING);
  app.add_flag("--json", global.json, "Print JSON instead of text");
  app.add_flag("--no-color", global.no_colour, "Print without colours (NO_COLOR works too)");
  app.add_option("--config", global.config, "Read this configuration file")->type_name("FILE");
  app.add_option("--state-dir", global.state_directory, "Keep our own state in this directory")
      ->type_name("DIR");
  app.add_option("--store", global.store,
                 "Share logins with other hosts through this PostgreSQL (no password in it)")
      ->type_name("URL");
  app.require_subcommand(1);
  app.fallthrough();
  app.get_formatter()->column_width(34);

  // Commands run after the whole line was read, so that global options count wherever they stand.
  std::function<int(Session&)> chosen;
  const auto on = [&](CLI::App* command, std::function<int(Session&)> run) {
    command->callback([&chosen, run = std::move(run)] { chosen = run; });
  };

  ScanOptions scan;
  auto* scan_command = app.add_subcommand("scan", "Find the logins on this machine");
  scan_command->add_flag("--import", scan.import, "Allow what is found to be lent from now on");
  scan_command->add_flag("--validate", scan.validate, "Ask the providers whether they still work");
  scan_command->add_option("--cli", scan.clis, "Only this CLI (may be given again)");
  on(scan_command, [&](Session& session) { return run_scan(session, scan); });

  StatusOptions status;
  auto* status_command = app.add_subcommand("status", "How every credential stands right now");
  status_command->add_flag(
      "--check", status.check,
      "Only the exit code: 0 ok, 1 missing or expired, 2 expiring, 4 login needed");
  status_command->add_option("--cli", status.clis, "Only this CLI (may be given again)");
  on(status_command, [&](Session& session) { return run_status(session, status); });

  StatusOptions list;
  auto* list_command = app.add_subcommand("list", "The credentials that may be lent");
  list_command->add_option("--cli", list.clis, "Only this CLI (may be given again)");
  on(list_command, [&](Session& session) { return run_list(session, list); });

  const auto parse_and_run = [&] {
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      const int code = app.exit(error);
      return code == 0 ? 0 : 3;
    }
    Session session{global};
    return chosen(session);
  };
  // These are run by prompts and status bars: they do not wait for the others to be described.
  const std::span words{argv + 1, argv + argc};
  const auto first = std::find_if(words.begin(), words.end(), [](std::string_view word) {
    return word != "--json" && word != "--no-color";
  });
  const auto is_asked_for = [&](const CLI::App* command) {
    return first != words.end() && command->get_name() == *first;
  };
  if (!std::as_const(app).get_subcommands(is_asked_for).empty()) return parse_and_run();

  const std::vector<std::string> refresh_methods{"oauth-refresh", "cli-command", "oauth-device",
                                                 "oauth-browser", "api-key-web", "manual"};
  RefreshOptions refresh;
  auto* refresh_command = app.add_subcommand("refresh", "Get a login a new access token now");
  refresh_command->add_option("LOGIN", refresh.name, "A CLI, a profile or an id")->required();
  refresh_command->add_option("--method", refresh.method, "How, if not as usual")
      ->check(CLI::IsMember(refresh_methods));
  refresh_command
      ->add_option("--ownership", refresh.ownership,
                   "Who may spend its refresh token, this time: borrow, co_own or adopt")
      ->check(CLI::IsMember({"borrow", "co_own", "adopt"}));
  refresh_command->add_flag("--force", refresh.force, "Also when the token is fresh");
  refresh_command->add_flag("--no-browser", refresh.no_browser,
                            "Open no page; paste its answer instead");
  on(refresh_command, [&](Session& session) { return run_refresh(session, refresh); });

  LoginOptions login;
  auto* login_command =
      app.add_subcommand("login", "Log in with a login of our own, which no CLI can spend");
  login_command->add_option("CLI", login.cli, "Whose service: kimi-code, codex-cli, ...")
      ->required();
  login_command->add_option("--method", login.method, "How (default: the provider's best)")
      ->check(CLI::IsMember({"oauth-device", "oauth-browser", "api-key-web", "manual"}));
  login_command->add_option("--profile", login.profile, "A name for it (default: own)");
  login_command->add_option("--region", login.region, "Kimi: mainland-cn or global");
  login_command->add_flag("--no-browser", login.no_browser,
                          "Open no page; paste its answer instead");
  on(login_command, [&](Session& session) { return run_login(session, login); });

  ServeOptions serve;
  auto* serve_command =
      app.add_subcommand("serve", "One OpenAI- and Anthropic-compatible endpoint over the pool");
  serve_command->add_flag(
      "--open", serve.open,
      "For programs of this machine, with one key; without it there are accounts with credits");
  serve_command
      ->add_option("--listen", serve.listen,
                   "127.0.0.1:PORT, [::1]:PORT or unix:/PATH; default 127.0.0.1:8484 "
                   "(may be given again)")
      ->type_name("ADDRESS");
  serve_command
      ->add_option("--key-file", serve.key_file,
                   "The key that callers send; made when missing (default: serve.key in the state "
                   "directory)")
      ->type_name("FILE");
  serve_command
      ->add_option("--allow", serve.allow,
                   "Lend this provider's logins although its terms leave it to you "
                   "(may be given again)")
      ->type_name("PROVIDER");
  serve_command
      ->add_option("--log", serve.log, "A line for each request: text (the default), json or off")
      ->check(CLI::IsMember({"text", "json", "off"}));
  auto* tls_certificate =
      serve_command->add_option("--tls-cert", serve.tls_certificate, "PEM file: serve https")
          ->type_name("FILE");
  auto* tls_key = serve_command->add_option("--tls-key", serve.tls_key, "PEM file of its key")
                      ->type_name("FILE");
  tls_certificate->needs(tls_key);
  tls_key->needs(tls_certificate);
  serve_command
      ->add_option("--trusted-proxy", serve.trusted_proxies,
                   "Believe this reverse proxy's X-Forwarded-For: an address, a network, or unix "
                   "(may be given again)")
      ->type_name("CIDR");
  serve_command->add_flag("--grant-credits", serve.accounts.grant_credits,
                          "Accounts: give credits without a payment");
  serve_command->add_flag("--closed", serve.accounts.closed,
                          "Accounts: strangers may not register");
  serve_command->add_flag("--several-logins", serve.accounts.several_logins,
                          "Accounts: a login does not end the account's other ones");
  serve_command->add_option("--time-zone", serve.accounts.time_zone,
                            "Accounts: where days and months begin (default: UTC)");
  serve_command
      ->add_option("--prices", serve.accounts.prices,
                   "Accounts: what models cost (default: the prices that came with this version)")
      ->type_name("FILE");
  serve_command
      ->add_option("--cors-origin", serve.accounts.cors_origins,
                   "Accounts: web pages of that origin may call (may be given again)")
      ->type_name("ORIGIN");
  serve_command
      ->add_option("--keep-requests", serve.accounts.keep_requests,
                   "Accounts: forget single requests after so many days (default: 400); sums by "
                   "day stay")
      ->type_name("DAYS")
      ->check(CLI::Range(1, 36'500));
  serve_command
      ->add_option("--only", serve.only, "Start these parts: accounts,proxy,gateway,ui,refresh")
      ->delimiter(',')
      ->check(CLI::IsMember({"accounts", "proxy", "gateway", "ui", "refresh"}))
      ->type_name("LIST");
  serve_command->add_flag("--no-ui", serve.no_ui, "Without the Control UI");
  serve_command
      ->add_option("--allow-host", serve.allow_hosts,
                   "The gateway answers to this name too (may be given again)")
      ->type_name("NAME");
  serve_command->add_flag("--insecure-remote", serve.insecure_remote,
                          "Listen for other machines without TLS");
  serve_command->add_option("--ui-directory", serve.ui_directory)->group("");
  serve_command->add_option("--threads", serve.threads, "Event loops (default: one a processor)")
      ->check(CLI::Range(1U, 64U));
  serve_command->require_subcommand(0, 1);
  serve_command->callback([&] {  // called after those of its own commands
    if (serve_command->get_subcommands().empty())
      chosen = [&](Session& session) { return run_serve(session, serve); };
  });
  on(serve_command->add_subcommand(
         "install", "Serve always, with these options: a systemd service of this user"),
     [&](Session& session) { return run_serve_install(session, serve); });
  on(serve_command->add_subcommand("uninstall", "Take that back"),
     [](Session& session) { return run_serve_uninstall(session); });
  on(serve_command->add_subcommand("status", "Whether that service runs"),
     [](Session& session) { return run_serve_status(session); });

  UiOptions ui;
  auto* ui_command =
      app.add_subcommand("ui", "Open the Control UI of the running `credpool serve`");
  ui_command->add_flag("--no-browser", ui.no_browser, "Only print the link");
  ui_command->add_flag("--sign-out", ui.sign_out, "Make no link: sign all browsers out");
  on(ui_command, [&](Session& session) { return run_ui(session, ui); });

  RpcOptions rpc;
  auto* rpc_command = app.add_subcommand("rpc", "Call a method of the running `credpool serve`");
  rpc_command->add_option("METHOD", rpc.method, "tokenDiscovery.status, ...; rpc.discover lists");
  rpc_command
      ->add_option("--params", rpc.params,
                   "Its parameters: a JSON object, @FILE, or - for standard input")
      ->type_name("JSON");
  rpc_command
      ->add_option("--url", rpc.url,
                   "Another server: http://127.0.0.1:PORT, https://HOST:PORT or unix:/PATH")
      ->type_name("URL");
  rpc_command
      ->add_option("--token-file", rpc.token_file,
                   "Its token (default: gateway.token in the state directory)")
      ->type_name("FILE");
  rpc_command->add_flag("--stdio", rpc.stdio,
                        "Serve the methods: a line of JSON-RPC in, a line out; needs no server");
  on(rpc_command, [&](Session& session) { return run_rpc(session, rpc); });

  TopOptions top;
  auto* top_command =
      app.add_subcommand("top", "The pool of the running `serve`, live in the terminal");
  top_command->add_flag("--once", top.once, "One picture, then the end (also for pipes)");
  on(top_command, [&](Session& session) { return run_top(session, top); });

  auto* accounts_command =
      app.add_subcommand("accounts", "The accounts of `serve`, for who runs it");
  accounts_command->require_subcommand(1);
  on(accounts_command->add_subcommand("list", "Every account, its keys and what it has left"),
     [](Session& session) { return run_accounts_list(session); });
  AccountsGrantOptions accounts_grant;
  auto* grant_command =
      accounts_command->add_subcommand("grant", "Give an account credits without a payment");
  grant_command->add_option("EMAIL", accounts_grant.email, "Whose account")->required();
  grant_command->add_option("AMOUNT", accounts_grant.amount, "US dollars, as 12.50")->required();
  grant_command
      ->add_option("--note", accounts_grant.note,
                   "What the account's history says (default: Granted)")
      ->type_name("TEXT");
  on(grant_command, [&](Session& session) { return run_accounts_grant(session, accounts_grant); });
  on(accounts_command->add_subcommand("payments",
                                      "Payments that were made for accounts that are gone"),
     [](Session& session) { return run_accounts_payments(session); });
  AccountsImportOptions accounts_import;
  auto* import_command = accounts_command->add_subcommand(
      "import", "Take over the accounts of a server of the first kind (openclaw-token's)");
  import_command
      ->add_option("--from", accounts_import.from, "Its PostgreSQL database (no password in it)")
      ->type_name("URL")
      ->required();
  import_command->add_flag("--dry-run", accounts_import.dry_run, "Only say what would be done");
  import_command->add_option("--time-zone", accounts_import.time_zone,
                             "Where days and months begin, as given to serve (default: UTC)");
  on(import_command,
     [&](Session& session) { return run_accounts_import(session, accounts_import); });

  LogoutOptions logout;
  auto* logout_command = app.add_subcommand("logout", "Remove a login or key of our own store");
  logout_command->add_option("LOGIN", logout.name, "Its profile or id")->required();
  logout_command->add_flag("--yes", logout.yes, "Do not ask");
  on(logout_command, [&](Session& session) { return run_logout(session, logout); });

  RenewOptions renew;
  bool renew_once = false;
  auto* renew_command = app.add_subcommand("renew", "Keep the logins fresh: now, or always");
  renew_command->add_flag("--once", renew_once, "What is due now, then end (for cron)");
  renew_command->add_flag("--watch", renew.watch, "For as long as it runs")->excludes("--once");
  renew_command->add_option("--cli", renew.clis, "Only this CLI (may be given again)");
  renew_command->add_option("--log", renew.log, "Append to this file instead of printing")
      ->type_name("FILE");
  renew_command->require_subcommand(0, 1);
  renew_command->callback([&] {  // called after those of its own commands
    if (renew_command->get_subcommands().empty())
      chosen = [&](Session& session) { return run_renew(session, renew); };
  });
  auto* renew_install = renew_command->add_subcommand(
      "install", "Renew always: a systemd service of this user, or a line of the crontab");
  renew_install->add_flag("--cron", renew.cron, "The crontab, also where there is systemd");
  on(renew_install, [&](Session& session) { return run_renew_install(session, renew); });
  on(renew_command->add_subcommand("uninstall", "Take that back"),
     [](Session& session) { return run_renew_uninstall(session); });
  on(renew_command->add_subcommand("status", "Whether it runs, and what it did last"),
     [](Session& session) { return run_renew_status(session); });

  AcquireOptions acquire;
  auto* acquire_command = app.add_subcommand("acquire", "Lend one credential, by rotation");
  add_request_options(*acquire_command, acquire.request);
  acquire_command->add_flag("--reveal", acquire.reveal, "Print the secret");
  on(acquire_command, [&](Session& session) { return run_acquire(session, acquire); });

  ExecOptions exec;
  auto* exec_command =
      app.add_subcommand("exec", "Run a program with a lent credential in the variable it expects");
  add_request_options(*exec_command, exec.request);
  exec_command->add_option("--variable", exec.variable,
                           "Put the secret into this environment variable instead");
  exec_command->add_option("COMMAND", exec.command, "The program and its arguments, after --")
      ->required();
  exec_command->prefix_command(false);
  exec_command->positionals_at_end();
  on(exec_command, [&](Session& session) { return run_exec(session, exec); });

  RequestOptions explain;
  auto* explain_command =
      app.add_subcommand("explain", "Why each credential would serve a request, or would not");
  add_request_options(*explain_command, explain);
  on(explain_command, [&](Session& session) { return run_explain(session, explain); });

  CooldownOptions cooldown;
  auto* cooldown_command =
      app.add_subcommand("cooldown", "Credentials that wait for a limit's end");
  cooldown_command->require_subcommand(1);
  auto* cooldown_list = cooldown_command->add_subcommand("list", "Show the cooldowns");
  on(cooldown_list, [&](Session& session) { return run_cooldown(session, cooldown); });
  auto* cooldown_clear = cooldown_command->add_subcommand("clear", "End cooldowns now");
  cooldown_clear->add_option("CREDENTIAL", cooldown.credential, "Its id or profile");
  cooldown_clear->add_option("--model", cooldown.model, "Only the cooldown of this model");
  cooldown_clear->add_flag("--all", cooldown.all, "Of every credential");
  on(cooldown_clear, [&](Session& session) {
    cooldown.clear = true;
    return run_cooldown(session, cooldown);
  });

  HistoryOptions history;
  auto* history_command =
      app.add_subcommand("history", "What was found and used when (hashes only)");
  history_command->add_option("--limit", history.limit, "At most so many entries, newest first");
  history_command->add_option("--cli", history.cli, "Only this CLI");
  history_command->add_flag("--verify", history.verify, "Check that nobody changed it");
  history_command
      ->add_option("--export", history.export_file, "Write it all to a file (- is stdout)")
      ->type_name("FILE");
  history_command->add_flag("--clear", history.clear, "Remove all entries");
  history_command->add_flag("--yes", history.yes, "Do not ask");
  on(history_command, [&](Session& session) { return run_history(session, history); });

  ImportManualOptions manual;
  auto* manual_command =
      app.add_subcommand("import-manual", "Keep an API key or token in our own encrypted store");
  manual_command->add_option("CLI", manual.cli, "Whose key it is: kimi-cli, codex-cli, ...")
      ->required();
  manual_command->add_option(
      "TOKEN", manual.token,
      "The token; unsafe here, since every process can read it: leave it out to be asked");
  manual_command->add_flag("--stdin", manual.from_stdin, "Read it from standard input");
  manual_command->add_option("--file", manual.file, "Read it from a file")->type_name("FILE");
  manual_command->add_option("--profile", manual.profile, "A name for it (default: manual)");
  manual_command->add_option("--provider", manual.provider,
                             "Its provider, where the CLI has several");
  manual_command->add_option("--base-url", manual.base_url, "Where it is used, if not the default");
  manual_command->add_flag("--no-validate", manual.no_validate, "Do not ask the provider first");
  on(manual_command, [&](Session& session) { return run_import_manual(session, manual); });

  auto* config_command = app.add_subcommand("config", "The configuration and where it comes from");
  config_command->require_subcommand(1);
  on(config_command->add_subcommand("show", "Every setting, its value and its origin"),
     [](Session& session) { return run_config(session, ConfigVerb::show); });
  on(config_command->add_subcommand("check", "Whether the files are right"),
     [](Session& session) { return run_config(session, ConfigVerb::check); });
  on(config_command->add_subcommand("path", "The files that are read, in their order"),
     [](Session& session) { return run_config(session, ConfigVerb::path); });

  on(app.add_subcommand("doctor", "Look for what is wrong on this machine, and say how to mend it"),
     [](Session& session) { return run_doctor(session); });

  SimulateOptions simulate;
  auto* simulate_command =
      app.add_subcommand("simulate", "Replay requests and limits through rotation policies");
  simulate_command->add_option("--policy", simulate.policy, "Only this policy (default: all)");
  simulate_command->add_option("--trace", simulate.trace, "NDJSON file of requests and limits")
      ->type_name("FILE");
  simulate_command->add_option("--requests", simulate.requests, "Requests to generate")
      ->capture_default_str();
  simulate_command->add_option("--credentials", simulate.credentials, "Credentials to have")
      ->capture_default_str();
  simulate_command
      ->add_option("--limit", simulate.limit_per_minute,
                   "Requests a minute that each credential allows")
      ->capture_default_str();
  simulate_command->add_option("--sessions", simulate.sessions, "Sessions the requests belong to")
      ->capture_default_str();
  simulate_command->add_option("--seed", simulate.seed, "Seed of the generated trace")
      ->capture_default_str();
  on(simulate_command, [&](Session& session) { return run_simulate(session, simulate); });

  DemoOptions demo;
  auto* demo_command = app.add_subcommand(
      "demo", "See it all work in a throw-away home with made-up logins and a local provider");
  demo_command->add_option("--home", demo.home, "Make the made-up home there and leave it")
      ->type_name("DIR");
  demo_command->add_flag("--serve", demo.serve, "Keep the local provider running until Ctrl-C");
  on(demo_command, [&](Session& session) { return run_demo(session, demo); });

  std::string shell;
  auto* completion_command = app.add_subcommand("completion", "Print a shell completion script");
  completion_command->add_option("SHELL", shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  on(completion_command, [&](Session&) {
    std::cout << completion_script(tree_of(app), shell);
    return 0;
  });
  on(app.add_subcommand("man", "Print the manual page (roff)"), [&](Session&) {
    std::cout << manual_page(tree_of(app), manual_texts());
    return 0;
  });

  // Not for people: started by this program itself.
  on(app.add_subcommand("exchange-helper", "Run one exchange")->group(""),
     [](Session& session) { return run_exchange_helper(session); });

  return parse_and_run();
}

}  // namespace credpool_cli
