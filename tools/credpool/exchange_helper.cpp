// SPDX-License-Identifier: MIT
#include "exchange_helper.hpp"

#include "cli_pool.hpp"

#include <credpool/config/settings_file.hpp>
#include <credpool/refresh/exchange_job.hpp>
#include <credpool/refresh/exchanger.hpp>
#include <credpool/store/state_directory.hpp>
#include <credpool/transport/httplib.hpp>

#include <array>
#include <cerrno>
#include <string>

#include <unistd.h>

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

cp::Result<cp::ExchangeReport> run_job(const cp::ExchangeJob& job) {
  const auto& environment = job.environment;
  const auto settings = cp::read_settings(environment).settings;
  const auto directory = cp::StateDirectory::locate(environment, settings.state_directory);
  const auto sources = cli_sources(environment, directory ? &*directory : nullptr);
  cp::InProcessParts parts{[&](const cp::Credential& credential) {
                             return sources.login_store(credential, environment);
                           },
                           environment, job.endpoints, job.host_id, nullptr};
  cp::InProcess exchanger{cp::HttplibTransport{cp::HttplibOptions::from(environment)},
                          cp::SystemClock{}, std::move(parts)};
  return exchanger.run(job.credential, job.request);
}

}  // namespace

int run_exchange_helper() {
  // The caller's end of the pipe may be gone by now: the work is done all the same.
  return write_answer(cp::run_exchange_job(read_job(), ::geteuid(), run_job)) ? 0 : 1;
}

}  // namespace credpool_cli
