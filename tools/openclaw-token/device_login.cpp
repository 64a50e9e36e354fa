// SPDX-License-Identifier: MIT
#include "device_login.hpp"

#include "fault.hpp"
#include "spinner.hpp"
#include "values.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace openclaw_token {

namespace cp = credpool;

namespace {

constexpr const char* client_id = "openclaw-cli";
constexpr const char* grant_type = "urn:ietf:params:oauth:grant-type:device_code";
constexpr const char* too_late = "Authorization timed out. Run 'auth login --github' again.";

std::chrono::seconds seconds_of(const Json& answer, const char* member, int otherwise, int most) {
  const auto found = answer.find(member);
  const auto given = found != answer.end() && found->is_number() ? found->get<double>() : otherwise;
  return std::chrono::seconds{static_cast<int>(std::clamp(given, 1.0, static_cast<double>(most)))};
}

/// Opens the page where a desktop is in front of the person, and leaves the opener alone.
void open_page(const Session& session, const std::string& url) {
  const auto& environment = session.environment();
  if (session.options().mock || !session.err().is_terminal || !url.starts_with("https://") ||
      environment.variable("SSH_CONNECTION") ||
      (!environment.variable("DISPLAY") && !environment.variable("WAYLAND_DISPLAY")))
    return;
  const auto opener = environment.find_program("xdg-open");
  if (!opener) return;
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", O_RDWR, 0);
  std::string name = "xdg-open", page = url;
  char* arguments[] = {name.data(), page.data(), nullptr};
  // A key in our environment is none of the browser's business.
  std::vector<std::string> variables;
  for (const auto& [variable, value] : environment.variables())
    if (!variable.starts_with("OPENCLAW_")) variables.push_back(variable + "=" + value);
  std::vector<char*> pointers;
  for (auto& variable : variables) pointers.push_back(variable.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawn(&child, opener->c_str(), &files, nullptr, arguments, pointers.data()) == 0)
    std::thread{[child] { ::waitpid(child, nullptr, 0); }}.detach();
  ::posix_spawn_file_actions_destroy(&files);
}

/// Asks again and again until the person has answered.
cp::Result<cp::Secret> wait_for_yes(Api& api, const std::string& device_code,
                                    std::chrono::seconds interval, std::chrono::seconds lifetime) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + lifetime;
  constexpr int most_losses = 3;  // in a row
  for (int losses = 0; losses < most_losses;) {
    if (Clock::now() + interval >= end) return mistake(too_late);
    std::this_thread::sleep_for(interval);
    auto call = post("/oauth/device/token",
                     Json{{"device_code", device_code}, {"grant_type", grant_type}}, false);
    const auto answer = api.anonymous(std::move(call), "Waiting for authorization...");
    if (answer) {
      auto token = shown(*answer, "access_token", "");
      if (token.empty())
        return fault(Fault::not_understood, "The server's answer holds no access token.");
      return cp::Secret{token};
    }
    const auto code = code_of(answer.error());
    if (code == "authorization_pending" || code == "slow_down") {
      losses = 0;
      if (code == "slow_down") interval += std::chrono::seconds{5};
    } else if (code == "expired_token") {
      return mistake(too_late);
    } else if (code == "access_denied") {
      return mistake("Authorization denied by user.");
    } else if (!code.empty()) {
      return cp::fail(answer.error());
    } else {
      ++losses;
    }
  }
  return fault(Fault::unreachable, "Network error. Check your connection and try again.");
}

}  // namespace

cp::Result<Json> device_login(Session& session, Api& api) {
  const auto begun = api.anonymous(
      post("/oauth/device/code", Json{{"client_id", client_id}}, false), "Asking for a code...");
  if (!begun) return begun;
  const auto device_code = shown(*begun, "device_code", "");
  const auto user_code = shown(*begun, "user_code", "");
  const auto page = shown(*begun, "verification_uri", "");
  if (device_code.empty() || user_code.empty() || page.empty())
    return fault(Fault::not_understood, "The server's answer holds no device code.");
  const auto lifetime = seconds_of(*begun, "expires_in", 900, 3600);
  std::fprintf(stderr,
               "\nEnter code %s at %s\n\nWaiting for authorization... (expires in %lld min)\n",
               credpool_cli::harmless(user_code).c_str(), credpool_cli::harmless(page).c_str(),
               static_cast<long long>(std::chrono::ceil<std::chrono::minutes>(lifetime).count()));
  open_page(session, page);
  auto token = wait_for_yes(api, device_code, seconds_of(*begun, "interval", 5, 60), lifetime);
  if (!token) return cp::fail(token.error());

  ApiCall call;
  call.path = "/oauth/userinfo";
  call.token = std::move(*token);
  const auto person = api.anonymous(std::move(call), "Fetching account info...");
  if (!person) return person;
  if (shown(*person, "management_key", "").empty())
    return fault(Fault::not_understood, "The server's answer holds no management key.");
  return Json{{"email", shown(*person, "email", "")},
              {"management_key", shown(*person, "management_key", "")},
              {"merged", is_true(*person, "merged")}};
}

}  // namespace openclaw_token
