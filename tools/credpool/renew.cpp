// SPDX-License-Identifier: MIT
// renew: keeps access tokens fresh, once (for cron) or for as long as it runs.

#include "commands.hpp"
#include "refresher.hpp"
#include "renewal_log.hpp"

#include <credpool/refresh/scheduler.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>

#include <signal.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// A login whose token we keep fresh.
struct Renewable {
  cp::Credential credential;
  RefreshWay way;
};

/// The logins of one look that can be refreshed without a person and are not ended.
std::vector<Renewable> renewable(const OpenPool& opened, const Refresher& refresher,
                                 const std::vector<std::string>& clis, cp::TimePoint now) {
  std::vector<Renewable> all;
  for (const auto& credential : opened.discovery.credentials) {
    if (!chosen(clis, credential.cli) || !credential.can_refresh_at(now)) continue;
    if (credential.status != cp::Status::active && credential.status != cp::Status::expired)
      continue;
    if (credential.reason == cp::Reason::service_ended) continue;
    if (const auto way = refresher.way_of(credential)) all.push_back({credential, *way});
  }
  return all;
}

/// Renews one login after another and says so.
class Renewer {
 public:
  Renewer(const Session& session, Refresher& refresher, RenewalLog& log)
      : session_{session}, refresher_{refresher}, log_{log} {}

  struct Round {
    std::optional<cp::TimePoint> again;  ///< when to look at it again
    int code = 0;                        ///< exit code of `renew --once`
    bool renewed = false;
  };

  Round renew(const Renewable& login) {
    const auto& credential = login.credential;
    const auto name = credential.cli + " (" + credential.profile_id + "): ";
    if (credential.expires_at) {
      const auto left = *credential.expires_at - session_.now();
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left).count();
      log_.say(session_.now(),
               name + (seconds > 0 ? "token expires in " + spoken_duration(left) + " (" +
                                         std::to_string(seconds) + "s), renewing"
                                   : "token has expired, renewing"));
    } else {
      log_.say(session_.now(), name + "no usable access token, renewing");
    }
    const auto report = refresher_.refresh(credential, login.way, {});
    return report ? say(name, credential, *report) : say(name, report.error());
  }

 private:
  Round say(const std::string& name, const cp::Credential& credential,
            const cp::ExchangeReport& report) {
    const auto now = session_.now();
    Round round;
    switch (report.outcome) {
      case cp::ExchangeOutcome::still_fresh:
        log_.say(now, name + "was fresh already");
        break;
      case cp::ExchangeOutcome::adopted:
        log_.say(now, name + "had been renewed by another program; its token is used");
        break;
      case cp::ExchangeOutcome::exchanged:
        round.renewed = true;
        log_.say(now, name + "renewed");
        break;
      case cp::ExchangeOutcome::recovered:
        round.renewed = true;
        log_.say(now, name + "an earlier renewal that was cut off is finished");
        break;
      case cp::ExchangeOutcome::kept:
        log_.say(now,
                 name + "not renewed, the old token still works" +
                     (report.note.empty()
                          ? ""
                          : " (" + with_short_home(report.note, session_.environment()) + ")"));
        break;
    }
    if (report.tokens.expires_at && report.outcome != cp::ExchangeOutcome::kept)
      log_.say(now, name + "token expires in " + spoken_duration(*report.tokens.expires_at - now));
    // Never at once again: a store that another program writes may look due for a moment longer.
    round.again = std::max(report.retry_at.value_or(now),
                           refresher_.due(credential, report.tokens).value_or(now + later));
    round.again = std::max(*round.again, now + soonest);
    return round;
  }

  Round say(const std::string& name, const cp::Error& error) {
    const auto now = session_.now();
    Round round;
    if (error.errc() ==
        cp::Errc::unsupported) {  // here, by us: no reason to fail every run of cron
      log_.say(now,
               name + "left alone: " + with_short_home(error.message(), session_.environment()));
      return round;
    }
    round.code = cp::exit_code(error);
    round.again = std::max(error.retry_at.value_or(now + later), now + soonest);
    // Only the store's change helps now, which the next look notices.
    if (error.code == cp::Condition::login_needed) round.again.reset();
    log_.say(now, name + "could not be renewed: " +
                      with_short_home(error.message(), session_.environment()) +
                      (round.again ? "; next try in " + spoken_duration(*round.again - now) : ""));
    return round;
  }

  static constexpr std::chrono::minutes later{5};
  static constexpr std::chrono::seconds soonest{30};

  const Session& session_;
  Refresher& refresher_;
  RenewalLog& log_;
};

int renew_once(Session& session, const RenewOptions& options, OpenPool& opened,
               Refresher& refresher, RenewalLog& log) {
  Renewer renewer{session, refresher, log};
  int renewed = 0;
  int fresh = 0;
  int failed = 0;
  int code = 0;
  for (const auto& login : renewable(opened, refresher, options.clis, session.now())) {
    const auto due = refresher.due(login.credential);
    if (due && *due > session.now()) {
      ++fresh;
      continue;
    }
    const auto round = renewer.renew(login);
    renewed += round.renewed ? 1 : 0;
    fresh += !round.renewed && round.code == 0 ? 1 : 0;
    failed += round.code != 0 ? 1 : 0;
    code = std::max(code, round.code);
  }
  log.say(session.now(), "renewal cycle completed: " + std::to_string(renewed) + " renewed, " +
                             std::to_string(fresh) + " fresh, " + std::to_string(failed) +
                             " failed");
  return code;
}

/// Renews for as long as it runs.
class Watch {
 public:
  Watch(Session& session, const RenewOptions& options, Refresher& refresher, RenewalLog& log)
      : session_{session},
        options_{options},
        refresher_{refresher},
        log_{log},
        renewer_{session, refresher, log} {}

  int run() {
    // Signals are taken by sigtimedwait() below; threads that start from here on leave them alone.
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    auto scheduler = cp::RenewalScheduler::start(
        {.now = [this] { return session_.now(); },
         .renew = [this](const cp::CredentialId& id) { return renew(id); },
         .clock_changed =
             [this] { log_.say(session_.now(), "the clock changed or the machine slept"); }});
    if (!scheduler) return session_.fail(scheduler.error());
    log_.say(session_.now(), "watching");
    for (;;) {
      look(**scheduler);
      const timespec pause{look_every.count(), 0};
      const int signal = ::sigtimedwait(&signals, nullptr, &pause);
      if (signal == SIGINT || signal == SIGTERM) break;
    }
    log_.say(session_.now(), "stopping; renewals that have begun are finished");
    scheduler->reset();
    return 0;
  }

 private:
  /// Plans what is new or changed, and forgets what is gone.
  void look(cp::RenewalScheduler& scheduler) {
    auto opened = open_pool(session_, StateUse::look);
    if (!opened) {
      log_.say(session_.now(), "looking for logins failed: " + opened.error().message());
      return;
    }
    std::map<cp::CredentialId, Renewable> now_there;
    for (auto& login : renewable(*opened, refresher_, options_.clis, session_.now()))
      now_there.emplace(login.credential.id, std::move(login));
    const std::lock_guard lock{mutex_};
    for (const auto& [id, login] : logins_) {
      if (now_there.contains(id)) continue;
      scheduler.remove(id);
      log_.say(session_.now(),
               login.credential.cli + " (" + login.credential.profile_id + "): gone; left alone");
    }
    for (const auto& [id, login] : now_there) {
      const auto known = logins_.find(id);
      const bool is_new = known == logins_.end();
      if (!is_new && known->second.credential.token_hash() == login.credential.token_hash())
        continue;
      const auto due = refresher_.due(login.credential);
      if (due) scheduler.put(id, *due);
      if (is_new)
        log_.say(session_.now(),
                 login.credential.cli + " (" + login.credential.profile_id + "): " +
                     (due ? "next renewal in " + spoken_duration(*due - session_.now())
                          : "its store does not tell when it ends; left alone"));
    }
    logins_ = std::move(now_there);
  }

  std::optional<cp::TimePoint> renew(const cp::CredentialId& id) {
    std::optional<Renewable> login;
    {
      const std::lock_guard lock{mutex_};
      if (const auto known = logins_.find(id); known != logins_.end()) login = known->second;
    }
    if (!login) return std::nullopt;
    return renewer_.renew(*login).again;
  }

  static constexpr std::chrono::seconds look_every{30};

  Session& session_;
  const RenewOptions& options_;
  Refresher& refresher_;
  RenewalLog& log_;
  Renewer renewer_;
  std::mutex mutex_;
  std::map<cp::CredentialId, Renewable> logins_;  ///< as of the last look
};

}  // namespace

int run_renew(Session& session, const RenewOptions& options) {
  auto opened = open_pool(session, StateUse::look);
  if (!opened) return session.fail(opened.error());
  if (auto known = check_cli_names(opened->discovery, options.clis); !known)
    return session.fail(known.error());
  auto log = RenewalLog::open(options.log.empty() ? std::filesystem::path{}
                                                  : session.environment().expand(options.log));
  if (!log) return session.fail(log.error());
  Refresher refresher{session, opened->settings, opened->sources};
  if (options.watch) return Watch{session, options, refresher, *log}.run();
  return renew_once(session, options, *opened, refresher, *log);
}

}  // namespace credpool_cli
