// SPDX-License-Identifier: MIT
#include "command_spec.hpp"

#include <utility>

namespace openclaw_token {

namespace {

using Option = CommandTree::Option;
using Options = std::vector<Option>;

Option flag(std::string name, std::string description) {
  return {.names = {std::move(name)}, .description = std::move(description)};
}

Option option(std::string name, std::string value, std::string description) {
  return {.names = {std::move(name)},
          .description = std::move(description),
          .value = std::move(value),
          .takes_value = true};
}

Option required(Option option) {
  option.required = true;
  return option;
}

Option argument(std::string name, std::string description, std::string value = {}) {
  return {.names = {std::move(name)},
          .description = std::move(description),
          .value = std::move(value),
          .takes_value = true,
          .positional = true,
          .required = true};
}

Option yes() {
  return flag("--yes", "Do not ask");
}

Option key_hash() {
  return argument("hash", "The key's hash, as `keys list` shows it");
}

CommandTree command(std::string name, std::string description, Options options = {}) {
  options.push_back({.names = {"-h", "--help"}, .description = "Show this help"});
  return {.name = std::move(name),
          .description = std::move(description),
          .options = std::move(options),
          .children = {}};
}

CommandTree group(std::string name, std::string description, std::vector<CommandTree> children) {
  auto made = command(std::move(name), std::move(description));
  made.children = std::move(children);
  return made;
}

CommandTree auth() {
  const auto email = option("--email", "email", "Do not ask for the e-mail address");
  const auto password =
      flag("--password-stdin", "Read the password from standard input instead of asking");
  return group(
      "auth", "Account authentication",
      {command("register", "Create a new account", {email, password}),
       command("login", "Log in with e-mail and password, or through GitHub",
               {flag("--github", "Log in through GitHub, on any device"), email, password}),
       command("logout", "Forget the management key here, and end it at the server",
               {flag("--local", "Forget it here only")}),
       command("rotate", "Replace the management key; the old one ends at once", {yes()}),
       command("whoami", "Show the account")});
}

CommandTree credits() {
  auto history =
      command("history", "List transactions, newest first",
              {option("--limit", "n", "At most so many (default: 20)"),
               option("--offset", "n", "Pass over so many (default: 0)"),
               option("--type", "type", "Only: purchase, usage, refund, auto_topup, grant")});
  return group(
      "credits", "Credits",
      {command("balance", "Show total, used and remaining credits"),
       command("buy", "Buy credits: at least $5, with a fee of 5.5 % (at least $0.80)",
               {required(option("--amount", "usd", "How much")), yes(),
                option("--wait", "seconds",
                       "With a payment page: how long to wait for the payment (default: 300)")}),
       std::move(history),
       command("auto-topup", "Show or change how credits are filled up",
               {flag("--enable", "Switch it on"), flag("--disable", "Switch it off"),
                option("--threshold", "usd", "Fill up when no more than this remains"),
                option("--amount", "usd", "By how much")})});
}

CommandTree keys() {
  const auto limit = option("--limit", "usd", "What it may spend; none: no limit of its own");
  const auto reset =
      option("--limit-reset", "period", "Begin the limit anew: daily, weekly, monthly or none");
  return group(
      "keys", "Provisioned API keys",
      {command(
           "create", "Make a new key",
           {required(option("--name", "name", "Its name: letters, digits, _ and -")), limit, reset,
            option("--expires", "date", "When it ends: 2026-12-31, or a full ISO 8601")}),
       command("list", "List the keys",
               {option("--sort", "field", "By name, usage or created_at; -usage: most first"),
                option("--filter", "expression",
                       "Only: active, disabled, usage>N, usage>=N, usage<N, usage<=N, usage=N"),
                flag("--include-revoked", "Revoked keys too"),
                option("--limit", "n", "At most so many"),
                option("--offset", "n", "Pass over so many")}),
       command("info", "Show a key and what it used", {key_hash()}),
       command("update", "Change a key",
               {key_hash(), limit, reset, flag("--disabled", "Let nobody use it for now"),
                flag("--enabled", "Let it be used again")}),
       command("rotate", "Give a key a new value; the old one ends at once", {key_hash(), yes()}),
       command("revoke", "End a key for ever", {key_hash(), yes()}),
       command("revoke-all", "End every key that is not disabled", {yes()}),
       command("export", "Write the keys (never their values) as JSON or CSV",
               {option("--format", "format", "json (the default) or csv"),
                option("--output", "FILE", "Into this file"),
                flag("--include-revoked", "Revoked keys too")}),
       command("import", "Make keys from a JSON or CSV file, as `keys export` writes it",
               {argument("file", "The file", "FILE"), yes()}),
       command("usage", "Show what a key uses",
               {key_hash(), flag("--watch", "Again and again, until Ctrl-C"),
                option("--interval", "seconds", "How often (default: 5)")})});
}

CommandTree integrate() {
  return command(
      "integrate", "Make a provisioned key a fallback of OpenClaw",
      {flag("--status", "Only show whether it is"), flag("--remove", "Undo it"),
       option("--key", "hash", "Give this key a new value and use it, instead of a key of its own"),
       option("--model", "id", "A model to offer (may be given again); the first is the fallback"),
       yes()});
}

CommandTree profile() {
  const auto name = argument("name", "Letters, digits, _ and -; at most 63");
  return group(
      "profile", "Profiles: several accounts or servers",
      {command("create", "Make a profile", {name}),
       command("switch", "Make a profile the active one", {name}),
       command("list", "List the profiles"), command("current", "Show the active profile's name"),
       command("delete", "Remove a profile that is not active", {name, yes()})});
}

CommandTree audit() {
  return group("audit", "What was done with this command here",
               {command("show", "Show the last entries",
                        {option("--limit", "n", "At most so many (default: 20)")}),
                command("clear", "Remove all entries")});
}

CommandTree config() {
  const auto key = argument("key", "api_base, management_key or email");
  return group(
      "config", "The profile's configuration",
      {command("get", "Print one value", {key}),
       command("set", "Change one value",
               {key,
                {.names = {"value"},
                 .description = "The value; a management key is read from standard input",
                 .takes_value = true,
                 .positional = true}}),
       command("list", "Show all values", {flag("--reveal", "Print the management key whole")}),
       command("show", "Show all values, and where each comes from",
               {flag("--reveal", "Print the management key whole")}),
       command("reset", "Back to the defaults, which ends the login here", {yes()})});
}

}  // namespace

CommandTree command_spec() {
  auto completion =
      group("completion", "Print a shell completion script",
            {command("bash", "For bash"), command("zsh", "For zsh"), command("fish", "For fish")});
  CommandTree root;
  root.name = "openclaw-token";
  root.description =
      "Manages an account of credits and provisioned API keys, and makes a key a fallback of "
      "OpenClaw.";
  root.options = {
      {.names = {"-V", "--version"}, .description = "Print the version"},
      flag("--json", "Print JSON instead of text"),
      flag("--mock", "Use a made-up server in this process (OPENCLAW_TOKEN_MOCK=1)"),
      flag("--no-color", "Print without colours (NO_COLOR)"),
      flag("--verbose", "Show the requests"),
      option("--profile", "name", "Use this profile (OPENCLAW_TOKEN_PROFILE)"),
      flag("--insecure-http", "Allow plain http to another machine: everybody between can read it"),
      {.names = {"-h", "--help"}, .description = "Show help"}};
  root.children = {auth(),
                   credits(),
                   keys(),
                   integrate(),
                   profile(),
                   audit(),
                   config(),
                   std::move(completion),
                   command("man", "Print the manual page (roff)"),
                   command("help", "Show the help of a command",
                           {{.names = {"command"},
                             .description = "Which",
                             .takes_value = true,
                             .positional = true}})};
  return root;
}

}  // namespace openclaw_token
