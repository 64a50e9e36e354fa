// SPDX-License-Identifier: MIT
#include "api.hpp"
#include "box_table.hpp"
#include "commands.hpp"
#include "confirmation.hpp"
#include "device_login.hpp"
#include "fault.hpp"
#include "prompt.hpp"
#include "values.hpp"

#include <credpool/account/password.hpp>

#include <unistd.h>

namespace openclaw_token {

namespace cp = credpool;

namespace {

enum class Account { fresh, existing };

struct LoginData {
  std::string email;
  cp::Secret password;
};

cp::Unexpected no_terminal() {
  return mistake("There is no terminal to ask on.",
                 "Give --email, and pipe the password in with --password-stdin.");
}

cp::Result<cp::Secret> ask_password(const Arguments& arguments, Account account) {
  if (arguments.has("--password-stdin")) return credpool_cli::read_secret_from_stdin();
  if (::isatty(STDIN_FILENO) != 1) return no_terminal();
  auto password = credpool_cli::ask_hidden("Password: ");
  if (!password || account == Account::existing) return password;
  const auto again = credpool_cli::ask_hidden("Confirm password: ");
  if (!again) return again;
  if (!(*again == *password)) return mistake("Passwords do not match");
  return password;
}

cp::Result<LoginData> ask_login_data(const Arguments& arguments, Account account) {
  LoginData data;
  if (const auto given = arguments.value("--email")) {
    data.email = *given;
  } else {
    auto line = credpool_cli::ask_line("Email: ");
    if (!line && line.error().code == cp::Errc::configuration) return no_terminal();
    if (!line) return cp::fail(line.error());
    data.email = std::move(*line);
  }
  if (!is_email(data.email)) return mistake("Invalid input: this is no e-mail address.");
  auto password = ask_password(arguments, account);
  if (!password) return cp::fail(password.error());
  // An existing password is whatever it is: only a new one has to be good.
  if (account == Account::fresh)
    if (const auto wrong = cp::password_fault(password->reveal()); !wrong.empty())
      return mistake("Invalid input: " + std::string{wrong});
  data.password = std::move(*password);
  return data;
}

/// Logs in or registers with e-mail and password.
cp::Result<Json> enter(Api& api, const Arguments& arguments, Account account) {
  const auto data = ask_login_data(arguments, account);
  if (!data) return cp::fail(data.error());
  const bool fresh = account == Account::fresh;
  auto call = post(fresh ? "/auth/register" : "/auth/login",
                   Json{{"email", data->email}, {"password", data->password.reveal()}}, fresh);
  call.repeatable = true;  // a second login only makes the first one's key void
  auto answer = api.anonymous(std::move(call), fresh ? "Registering..." : "Logging in...");
  if (!answer) return answer;
  if (shown(*answer, "management_key", "").empty())
    return fault(Fault::not_understood, "The server's answer holds no management key.");
  return answer;
}

}  // namespace

cp::Result<void> keep_login(const Session& session, const Api& api, const Json& answer) {
  ProfileConfig config;
  config.management_key = cp::Secret{shown(answer, "management_key", "")};
  config.api_base = api.effective().api_base.value;
  config.email = shown(answer, "email", "");
  config.created_at = shown(answer, "created_at", session.timestamp());
  config.last_login = shown(answer, "last_login", session.timestamp());
  return api.profiles().write(config);
}

namespace {

int keep_and_show(Session& session, const Api& api, const Json& answer, const std::string& text) {
  const auto kept = keep_login(session, api, answer);
  if (session.json() && kept) session.print_json(answer);
  if (!kept) return session.fail(kept.error());
  session.success(text);
  if (api.effective().key_from_environment)
    session.warn("OPENCLAW_TOKEN_KEY is set and goes before this login.");
  return 0;
}

}  // namespace

int auth_register(Session& session, const Arguments& arguments) {
  auto api = Api::open(session, Api::Needs::nothing);
  if (!api) return session.fail(api.error());
  const auto answer = enter(*api, arguments, Account::fresh);
  if (!answer) return session.fail(answer.error());
  return keep_and_show(session, *api, *answer, "Account registered! Management key saved.");
}

int auth_login(Session& session, const Arguments& arguments) {
  auto api = Api::open(session, Api::Needs::nothing);
  if (!api) return session.fail(api.error());
  const bool github = arguments.has("--github");
  const auto answer =
      github ? device_login(session, *api) : enter(*api, arguments, Account::existing);
  if (!answer) return session.fail(answer.error());
  const bool merged = is_true(*answer, "merged");
  return keep_and_show(
      session, *api, *answer,
      "Logged in as " + shown(*answer, "email") + (merged ? " (account merged)" : ""));
}

int auth_logout(Session& session, const Arguments& arguments) {
  const auto profiles = ProfileDirectory::open(session);
  if (!profiles) return session.fail(profiles.error());
  const auto config = profiles->read();
  const bool has_key = config && !config->management_key.empty();
  std::optional<std::string> not_ended;
  if (has_key && !arguments.has("--local")) {
    auto api = Api::open(session, Api::Needs::nothing);
    if (!api) return session.fail(api.error());
    ApiCall call;
    call.method = "DELETE";
    call.path = "/auth/keys/current";
    call.token = config->management_key;
    call.patient = false;
    const auto ended = api->call(std::move(call), "Logging out...");
    // A key that the server does not know any more has ended as well.
    if (!ended && ended.error().http_status != 401) not_ended = sentence_of(ended.error());
  }
  if (auto done = profiles->remove_config(); !done) return session.fail(done.error());
  if (not_ended)
    session.warn("The key is forgotten here, but the server may still accept it: " + *not_ended);
  if (session.json()) session.print_json(Json{{"success", true}});
  session.success("Logged out successfully.");
  return 0;
}

int auth_rotate(Session& session, const Arguments& arguments) {
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  const auto agreed =
      confirmed(session, arguments,
                "Rotate your management key? The old key will be immediately invalidated.");
  if (!agreed) return session.fail(agreed.error());
  if (!*agreed) return 0;

  // Once the key is rotated the new one must be kept: find out now whether it can be.
  const bool keep = !api->effective().key_from_environment;
  auto config = api->profiles().read();
  if (!config) return session.fail(config.error());
  if (keep)
    if (auto probe = api->profiles().write(*config); !probe) return session.fail(probe.error());

  const auto answer =
      api->call(post("/auth/rotate", Json::object(), false), "Rotating management key...");
  if (!answer && answer.error().code == make_error_code(Fault::lost))
    return session.fail(
        mistake("Rotation status unknown. Run `auth whoami` to check your current key.").error);
  if (!answer) return session.fail(answer.error());
  config->management_key = cp::Secret{shown(*answer, "management_key", "")};
  const auto kept = keep ? api->profiles().write(*config) : cp::Result<void>{};
  // Shown whatever became of the file: it is the only copy.
  if (session.json()) {
    session.print_json(*answer);
  } else {
    session.warn("This key will only be shown ONCE. Save it now!");
    session.print(box_table(session.out(), {"Field", "Value"},
                            {{"Management Key", shown(*answer, "management_key")},
                             {"Email", shown(*answer, "email")},
                             {"Rotated At", shown(*answer, "rotated_at")}}));
    if (kept) session.success("Management key rotated successfully.");
  }
  if (!keep) session.warn("Update your OPENCLAW_TOKEN_KEY environment variable with the new key.");
  if (kept) return 0;
  session.warn("The key was rotated, but could not be kept: " + kept.error().message());
  return 1;
}

int auth_whoami(Session& session, const Arguments&) {
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  const auto answer = api->get("/auth/me", "Fetching account info...");
  if (!answer) return session.fail(answer.error());
  if (session.json())
    session.print_json(*answer);
  else
    session.print(box_table(session.out(), {"Field", "Value"},
                            {{"Email", shown(*answer, "email")},
                             {"Plan", shown(*answer, "plan")},
                             {"Credits Remaining", dollars(*answer, "credits_remaining")},
                             {"Keys", shown(*answer, "keys_count")},
                             {"Created", shown(*answer, "created_at")}}));
  return 0;
}

}  // namespace openclaw_token
