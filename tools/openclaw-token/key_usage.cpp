// SPDX-License-Identifier: MIT
// keys usage: once, or again and again.

#include "api.hpp"
#include "commands.hpp"
#include "fault.hpp"
#include "values.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>

namespace openclaw_token {

namespace cp = credpool;

namespace {

volatile std::sig_atomic_t stopped = 0;

void note_stop(int) {
  stopped = 1;
}

/// Ctrl-C ends the watch, and is no failure, as long as this lives.
class StopSignal {
 public:
  StopSignal() {
    struct sigaction action {};
    action.sa_handler = note_stop;  // no SA_RESTART: it ends the pause as well
    for (std::size_t i = 0; i < signals.size(); ++i)
      ::sigaction(signals[i], &action, &previous_[i]);
  }
  ~StopSignal() {
    for (std::size_t i = 0; i < signals.size(); ++i)
      ::sigaction(signals[i], &previous_[i], nullptr);
  }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

 private:
  static constexpr std::array signals{SIGINT, SIGTERM};
  std::array<struct sigaction, signals.size()> previous_{};
};

void pause_for(std::chrono::seconds time) {
  timespec left{time.count(), 0};
  while (stopped == 0 && ::nanosleep(&left, &left) != 0) {
  }
}

Json usage_json(const Session& session, const Json& key) {
  Json json = Json::object();
  for (const auto* member :
       {"hash", "name", "usage", "usage_daily", "usage_weekly", "usage_monthly", "requests_count"})
    json[member] = key.contains(member) ? key[member] : Json(nullptr);
  json["timestamp"] = session.timestamp();
  return json;
}

std::string usage_line(const Session& session, const Json& key) {
  const auto now = std::chrono::system_clock::to_time_t(session.now());
  std::tm local{};
  ::localtime_r(&now, &local);
  char clock[16];
  std::strftime(clock, sizeof clock, "%H:%M:%S", &local);
  return std::string{"["} + clock + "] " + credpool_cli::harmless(shown(key, "name")) +
         " | Usage: " + dollars(key, "usage") + " | Daily: " + dollars(key, "usage_daily") +
         " | Weekly: " + dollars(key, "usage_weekly") +
         " | Requests: " + shown(key, "requests_count");
}

/// Whether asking again may help: the server could not, rather than would not.
bool may_pass(const cp::Error& error) {
  if (error.code == make_error_code(Fault::unreachable) ||
      error.code == make_error_code(Fault::lost))
    return true;
  return error.http_status && (*error.http_status >= 500 || *error.http_status == 429);
}

int watch(Session& session, Api& api, const std::string& path, std::chrono::seconds interval) {
  const StopSignal signal;
  const bool rewrites = session.out().is_terminal && !session.json();
  session.info("Watching, every " + std::to_string(interval.count()) + " s. Ctrl-C ends it.");
  while (stopped == 0) {
    const auto key = api.get(path, "Fetching usage...");
    if (stopped != 0) break;
    if (!key && !may_pass(key.error())) {
      if (rewrites) session.print("\n");
      return session.fail_line(key.error());
    }
    if (!key)
      session.warn(sentence_of(key.error()) + " Trying again.");
    else if (session.json())
      session.print_json_line(usage_json(session, *key));
    else
      session.print((rewrites ? "\r\x1b[K" : "") + usage_line(session, *key) +
                    (rewrites ? "" : "\n"));
    std::fflush(stdout);
    pause_for(interval);
  }
  if (rewrites) session.print("\n");
  return 0;
}

}  // namespace

int keys_usage(Session& session, const Arguments& arguments) {
  const auto interval = count_option(arguments, "--interval", 5, 1, 86'400);
  if (!interval) return session.fail(interval.error());
  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  const auto path = "/keys/" + url_part(arguments.positionals.at(0));
  if (arguments.has("--watch")) return watch(session, *api, path, std::chrono::seconds{*interval});
  const auto key = api->get(path, "Fetching usage...");
  if (!key) return session.fail(key.error());
  if (session.json())
    session.print_json(usage_json(session, *key));
  else
    session.print(usage_line(session, *key) + "\n");
  return 0;
}

}  // namespace openclaw_token
