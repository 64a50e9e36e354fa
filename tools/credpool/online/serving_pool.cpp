// SPDX-License-Identifier: MIT
#include "serving_pool.hpp"

#include <credpool/pool/from_settings.hpp>

#include <algorithm>

#include <sys/stat.h>

namespace credpool_cli {

namespace cp = credpool;

cp::Result<std::unique_ptr<ServingPool>> ServingPool::open(const Session& session,
                                                           const std::vector<std::string>& allowed,
                                                           bool renews) {
  auto parts = pool_parts(session, StateUse::keep);
  if (!parts) return cp::fail(parts.error());
  for (const auto& provider : allowed) parts->settings.policy[provider] = cp::ProviderUse::allow;
  std::unique_ptr<ServingPool> made{new ServingPool{session, std::move(*parts)}};
  if (!renews) return made;
  if (auto started = made->start(); !started) return cp::fail(started.error());
  return made;
}

ServingPool::ServingPool(const Session& session, PoolParts parts)
    : environment_{session.environment()},
      settings_{std::move(parts.settings)},
      directory_{std::move(parts.directory)},
      sources_{std::move(parts.sources)},
      refresher_{std::make_unique<Refresher>(session, settings_, sources_)} {
  auto rules = cp::pool_settings(settings_, parts.discovery.credentials);
  rules.background_writer = true;
  pool_ = std::make_unique<CliPool>(
      *sources_, std::move(parts.policy), refresh_methods(session, settings_, sources_),
      std::move(parts.state), cp::SystemClock{}, std::move(rules), environment_);
  take_over(std::move(parts.discovery));
}

ServingPool::~ServingPool() = default;

cp::Result<void> ServingPool::start() {
  auto scheduler = cp::RenewalScheduler::start(
      {.now = [this] { return now(); },
       .renew = [this](const cp::CredentialId& id) { return renew(id); }});
  if (!scheduler) return cp::fail(scheduler.error());
  scheduler_ = std::move(*scheduler);
  plan(seen_);
  return {};
}

cp::Result<cp::Lease> ServingPool::acquire(const cp::LeaseRequest& request) {
  return pool_->acquire(request);
}

cp::Result<void> ServingPool::refresh(const cp::Credential& used) {
  return pool_->refresh(used);
}

std::vector<std::shared_ptr<const cp::Credential>> ServingPool::credentials() const {
  return pool_->credentials();
}

cp::TimePoint ServingPool::now() const {
  return cp::SystemClock{}.now();
}

std::shared_ptr<const cp::ProxyCatalog> ServingPool::catalog() const {
  return std::make_shared<const cp::ProxyCatalog>(settings_, pool_->credentials());
}

bool ServingPool::look(bool anyway) {
  auto stamps = this->stamps();
  if (!anyway && stamps == stamps_) return false;
  take_over(discover(*sources_, environment_, settings_));
  plan(seen_);
  return true;
}

/// The pool lends from now on what was found.
void ServingPool::take_over(cp::Discovery discovery) {
  seen_ = discovery.credentials;
  // A state file that cannot be read now is read again later; the pool lends all the same.
  (void)pool_->replace_credentials(std::move(discovery.credentials));
  stamps_ = stamps();
}

/// When which token is renewed.
void ServingPool::plan(const std::vector<cp::Credential>& credentials) {
  if (!scheduler_) return;
  std::map<cp::CredentialId, std::string> planned;
  for (const auto& credential : credentials) {
    const bool renewable =
        credential.can_refresh_at(now()) && refresher_->way_of(credential) &&
        (credential.status == cp::Status::active || credential.status == cp::Status::expired) &&
        credential.reason != cp::Reason::service_ended;
    if (!renewable) continue;
    auto hash = credential.token_hash();
    const auto known = planned_.find(credential.id);
    if (known == planned_.end() || known->second != hash)
      if (const auto due = refresher_->due(credential)) scheduler_->put(credential.id, *due);
    planned.emplace(credential.id, std::move(hash));
  }
  for (const auto& [id, hash] : planned_)
    if (!planned.contains(id)) scheduler_->remove(id);
  planned_ = std::move(planned);
}

/// Renews one token; the files' change makes the next look plan the one that comes.
std::optional<cp::TimePoint> ServingPool::renew(const cp::CredentialId& id) {
  constexpr std::chrono::minutes later{5};
  constexpr std::chrono::seconds soonest{30};
  const auto renewed = pool_->refresh(id.hex());
  if (renewed) {
    const auto there = pool_->find(id.hex());
    const auto due = there ? refresher_->due(**there) : std::nullopt;
    return std::max(due.value_or(now() + later), now() + soonest);
  }
  if (renewed.error().code == cp::Condition::login_needed) return std::nullopt;
  return std::max(renewed.error().retry_at.value_or(now() + later), now() + soonest);
}

/// What tells whether a file is still the one that was read.
ServingPool::Stamps ServingPool::stamps() const {
  Stamps all;
  for (const auto& credential : seen_)
    for (const auto& place : credential.places) {
      struct stat about {};
      if (!place.location.starts_with('/')) continue;
      if (::stat(place.location.c_str(), &about) != 0) {
        all[place.location] = "gone";
        continue;
      }
      all[place.location] = std::to_string(about.st_ino) + ":" + std::to_string(about.st_size) +
                            ":" + std::to_string(about.st_mtim.tv_sec) + "." +
                            std::to_string(about.st_mtim.tv_nsec);
    }
  return all;
}

}  // namespace credpool_cli
