// SPDX-License-Identifier: MIT
#include "../exchange_helper.hpp"

#include "../cli_pool.hpp"
#include "../store_claims.hpp"

#include <credpool/config/settings_file.hpp>
#include <credpool/refresh/exchange_job.hpp>
#include <credpool/refresh/exchanger.hpp>
#include <credpool/store/sealed_login.hpp>
#include <credpool/store/state_directory.hpp>
#include <credpool/transport/httplib.hpp>

#include <array>
#include <cerrno>
#include <string>

#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr std::size_t most_of_a_job = 512 * 1024;  // more than the parser takes

std::string read_job() {
  std::string text;
  std::array<char, 16384> chunk{};
  while (text.size() < most_of_a_job) {
    const auto got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

bool write_answer(std::string_view text) {
  while (!text.empty()) {
    const auto put = ::write(STDOUT_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

/// What another host keeps fresh is kept here as an access token of our own, to be lent.
cp::Result<cp::ExchangeReport> take_lent(SharedStore& shared, const std::string& family,
                                         const cp::ExchangeJob& job,
                                         const cp::StateDirectory& directory) {
  auto lent = shared.fetch(family);
  if (!lent) return cp::fail(lent.error());
  const auto& credential = job.credential;
  if (!*lent || (*lent)->expires_at <= cp::SystemClock{}.now()) {
    auto waiting = cp::fail(cp::Errc::busy, "refreshing " + credential.profile_id, credential.cli,
                            "another host refreshes it, and has shared no token that still works");
    waiting.error.retry_at = cp::SystemClock{}.now() + std::chrono::seconds{30};
    return cp::fail(std::move(waiting.error));
  }
  cp::OwnLogin login;
  login.profile_id = credential.provider + ":shared-" + family.substr(0, 12);
  login.cli = credential.cli;
  login.provider = credential.provider;
  login.oauth_host = credential.oauth_host;
  login.base_url = credential.base_url;
  login.account = credential.account;
  login.created = cp::SystemClock{}.now();
  login.tokens.access_token = (*lent)->access_token;
  login.tokens.expires_at = (*lent)->expires_at;
  cp::SealedLogins logins{directory, job.environment};
  if (auto kept = logins.put(login); !kept) return cp::fail(kept.error());
  cp::ExchangeReport report;
  report.outcome = cp::ExchangeOutcome::adopted;
  report.retry_at = (*lent)->expires_at - std::chrono::seconds{60};
  report.note = "host " + (*lent)->owner + " refreshes this login; its access token is here as " +
                login.profile_id;
  return report;
}

cp::Result<cp::ExchangeReport> run_job(const cp::ExchangeJob& job) {
  const auto& environment = job.environment;
  const auto settings = cp::read_settings(environment).settings;
  const auto directory = cp::StateDirectory::locate(environment, settings.state_directory);
  const auto sources = cli_sources(environment, cp::Settings{}, directory ? &*directory : nullptr);
  std::unique_ptr<SharedStore> shared;
  if (!settings.store.empty()) {
    if (!directory) return cp::fail(directory.error());
    auto opened = open_shared_store(settings, *directory, environment);
    if (!opened) return cp::fail(opened.error());
    shared = std::move(*opened);
  }
  const auto store_of = [&](const cp::Credential& credential) {
    return sources.login_store(credential, environment);
  };
  cp::InProcessParts parts{store_of, environment, job.endpoints, job.host_id,
                           shared ? &shared->claims() : nullptr};
  cp::InProcess exchanger{cp::HttplibTransport{cp::HttplibOptions::from(environment)},
                          cp::SystemClock{}, std::move(parts)};
  auto report = exchanger.run(job.credential, job.request);
  if (!shared) return report;

  const auto store = store_of(job.credential);
  if (!store) return report;
  const auto family = cp::exchange_family(**store);
  if (!family) return report;
  if (!report && report.error().errc() == cp::Errc::conflict)
    return take_lent(*shared, *family, job, *directory);
  const bool is_new = report && report->outcome != cp::ExchangeOutcome::still_fresh &&
                      report->outcome != cp::ExchangeOutcome::kept;
  if (is_new)
    if (auto published = shared->publish(*family, report->tokens, job.host_id); !published)
      report->note += (report->note.empty() ? "" : "; ") +
                      ("the other hosts do not have its token: " + published.error().message());
  return report;
}

}  // namespace

int run_exchange_helper(const Session&) {
#if defined(__linux__)
  // No core file and no tracer of the same user: the tokens are in this process's memory.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
  // The caller's end of the pipe may be gone by now: the work is done all the same.
  return write_answer(cp::run_exchange_job(read_job(), ::geteuid(), run_job)) ? 0 : 1;
}

}  // namespace credpool_cli
