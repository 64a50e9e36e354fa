// SPDX-License-Identifier: MIT
#include "serving_pool.hpp"

#include <credpool/pool/from_settings.hpp>

#include <algorithm>
#include <array>

namespace credpool_cli {

namespace cp = credpool;

std::vector<SettingChange> setting_changes(const std::vector<cp::SettingRow>& before,
                                           const std::vector<cp::SettingRow>& after) {
  std::map<std::string, SettingChange> all;
  for (const auto& row : before) all[row.path] = {row.path, row.value, {}};
  for (const auto& row : after) {
    auto& change = all[row.path];
    change.path = row.path;
    change.after = row.value;
  }
  std::vector<SettingChange> changes;
  for (auto& each : all)
    if (each.second.before != each.second.after) changes.push_back(std::move(each.second));
  return changes;
}

bool needs_restart(const std::string& path) {
  constexpr std::array<std::string_view, 6> bound{
      "store", "stateDirectory", "proxy.listen", "proxy.maxBodyBytes", "proxy.timeouts.", "oauth."};
  return std::any_of(bound.begin(), bound.end(), [&](std::string_view prefix) {
    return prefix.ends_with('.') ? path.starts_with(prefix) : path == prefix;
  });
}

Json setting_value_json(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json::parse(text, nullptr, false);
}

Json setting_changes_json(const std::vector<SettingChange>& changes) {
  Json list = Json::array();
  for (const auto& change : changes)
    list.push_back({{"path", change.path},
                    {"before", setting_value_json(change.before)},
                    {"after", setting_value_json(change.after)},
                    {"restart", needs_restart(change.path)}});
  return list;
}

cp::Result<std::unique_ptr<ServingPool>> ServingPool::open(const Session& session,
                                                           const std::vector<std::string>& allowed,
                                                           bool renews) {
  const auto trace = std::make_shared<cp::ReadTrace>(session.now());
  auto parts = pool_parts(session, StateUse::keep, TokenUse::lend, trace);
  if (!parts) return cp::fail(parts.error());
  std::unique_ptr<ServingPool> made{new ServingPool{session, std::move(*parts), *trace, allowed}};
  if (!renews) return made;
  if (auto started = made->start(); !started) return cp::fail(started.error());
  return made;
}

ServingPool::ServingPool(const Session& session, PoolParts parts, const cp::ReadTrace& trace,
                         std::vector<std::string> allowed)
    : session_{session},
      allowed_{std::move(allowed)},
      directory_{std::move(parts.directory)},
      rows_{cp::read_settings(session.environment()).rows()},
      sources_{std::move(parts.sources)} {
  adopt(parts.settings);
  settings_ = std::make_shared<const cp::Settings>(std::move(parts.settings));
  refresher_ = std::make_shared<Refresher>(session, *settings_, sources_);
  pool_ = std::make_unique<CliPool>(
      *sources_, std::move(parts.policy), refresh_methods(session, *settings_, sources_),
      std::move(parts.state), cp::TickClock{}, rules(*settings_, parts.discovery.credentials),
      session.environment());
  take_over(std::move(parts.discovery), trace);
}

ServingPool::~ServingPool() = default;

cp::Result<void> ServingPool::start() {
  auto scheduler = cp::RenewalScheduler::start(
      {.now = [] { return cp::SystemClock{}.now(); },
       .renew = [this](const cp::CredentialId& id) { return renew(id); }});
  if (!scheduler) return cp::fail(scheduler.error());
  scheduler_ = std::move(*scheduler);
  plan();
  return {};
}

cp::Result<cp::Lease> ServingPool::acquire(const cp::LeaseRequest& request) {
  return pool_->acquire(request);
}

cp::Result<void> ServingPool::refresh(const cp::Credential& used) {
  return told(pool_->refresh(used));
}

void ServingPool::on_renewal(OnRenewal told) {
  const std::lock_guard lock{mutex_};
  on_renewal_ = std::make_shared<const OnRenewal>(std::move(told));
}

cp::Result<void> ServingPool::told(cp::Result<void> renewed) const {
  std::shared_ptr<const OnRenewal> tell;
  {
    const std::lock_guard lock{mutex_};
    tell = on_renewal_;
  }
  if (tell) (*tell)(renewed ? nullptr : &renewed.error());
  return renewed;
}

std::vector<std::shared_ptr<const cp::Credential>> ServingPool::credentials() const {
  return pool_->credentials();
}

cp::TimePoint ServingPool::now() const {
  return cp::TickClock{}.now();
}

std::shared_ptr<const cp::Settings> ServingPool::settings() const {
  const std::lock_guard lock{mutex_};
  return settings_;
}

std::shared_ptr<const CliSources> ServingPool::sources() const {
  const std::lock_guard lock{mutex_};
  return sources_;
}

std::shared_ptr<Refresher> ServingPool::refresher() const {
  const std::lock_guard lock{mutex_};
  return refresher_;
}

std::shared_ptr<const cp::Discovery> ServingPool::discovery() const {
  const std::lock_guard lock{mutex_};
  return seen_;
}

std::shared_ptr<const cp::ProxyCatalog> ServingPool::catalog() const {
  return std::make_shared<const cp::ProxyCatalog>(*settings(), pool_->credentials());
}

/// What the command line says counts more than the files, and some things last as long as we run.
void ServingPool::adopt(cp::Settings& fresh) const {
  for (const auto& provider : allowed_) fresh.policy[provider] = cp::ProviderUse::allow;
  if (!settings_) return;
  fresh.store = settings_->store;
  fresh.state_directory = settings_->state_directory;
  fresh.oauth = settings_->oauth;
}

cp::PoolSettings ServingPool::rules(const cp::Settings& settings,
                                    const std::vector<cp::Credential>& credentials) const {
  auto rules = cp::pool_settings(settings, credentials);
  rules.background_writer = true;
  return rules;
}

namespace {

/// Whether two looks found the same logins, as far as the pool is concerned.
bool same_logins(const cp::Discovery& one, const cp::Discovery& other) {
  return std::equal(one.credentials.begin(), one.credentials.end(), other.credentials.begin(),
                    other.credentials.end(), [](const auto& a, const auto& b) {
                      return a.id == b.id && a.status == b.status && a.reason == b.reason &&
                             a.expires_at == b.expires_at && a.token_hash() == b.token_hash();
                    });
}

}  // namespace

bool ServingPool::look(bool anyway) {
  const std::lock_guard looking{looking_};
  const auto begun = std::chrono::steady_clock::now();
  if (!anyway && begun < rest_until_) return false;
  if ((!anyway || reliable_) && cp::ReadTrace::holds(trace_)) return false;
  const auto settings = this->settings();
  const auto trace = std::make_shared<cp::ReadTrace>(now());
  auto found = discover_traced(*settings, trace);
  constexpr std::chrono::seconds rest{5};
  rest_until_ = same_logins(found, *discovery()) ? begun + rest : begun;
  // A rule is for credentials that were found: newcomers get theirs before they can be lent.
  pool_->configure(rules(*settings, found.credentials));
  take_over(std::move(found), *trace);
  plan();
  return true;
}

cp::Discovery ServingPool::discover_traced(const cp::Settings& settings,
                                           const std::shared_ptr<cp::ReadTrace>& trace) const {
  const auto environment = session_.environment().traced_in(trace);
  return discover(cli_sources(environment, settings, directory_ ? &*directory_ : nullptr),
                  environment, settings);
}

cp::Result<std::vector<SettingChange>> ServingPool::reload() {
  const std::lock_guard looking{looking_};
  auto report = cp::read_settings(session_.environment());
  if (auto wrong = settings_fault(report)) return cp::fail(std::move(*wrong));
  auto rows = report.rows();
  auto fresh = std::move(report.settings);
  const auto before = settings();
  adopt(fresh);
  auto policy = cp::AnyRotation::by_name(fresh.rotation_strategy);
  if (!policy) return cp::fail(policy.error());

  const auto settings = std::make_shared<const cp::Settings>(std::move(fresh));
  const auto sources = std::make_shared<const CliSources>(
      cli_sources(session_.environment(), *settings, directory_ ? &*directory_ : nullptr));
  const auto trace = std::make_shared<cp::ReadTrace>(now());
  auto found = discover_traced(*settings, trace);
  if (settings->rotation_strategy == before->rotation_strategy)
    pool_->configure(rules(*settings, found.credentials));  // the policy keeps its memory
  else
    pool_->configure(std::move(*policy), rules(*settings, found.credentials));
  {
    const std::lock_guard lock{mutex_};
    settings_ = settings;
    sources_ = sources;
    refresher_ = std::make_shared<Refresher>(session_, *settings, sources);
  }
  take_over(std::move(found), *trace);
  plan();
  auto changes = setting_changes(rows_, rows);
  rows_ = std::move(rows);
  return changes;
}

/// The pool lends from now on what was found.
void ServingPool::take_over(cp::Discovery found, const cp::ReadTrace& trace) {
  const auto seen = std::make_shared<const cp::Discovery>(std::move(found));
  {
    const std::lock_guard lock{mutex_};
    seen_ = seen;
  }
  lend(seen->credentials);
  trace_ = trace.bytes();
  reliable_ = trace.reliable();
}

/// Gives the pool these, with what providers have said about their tokens.
void ServingPool::lend(std::vector<cp::Credential> credentials) {
  for (auto& credential : credentials)
    if (const auto noted = verdict(credential); noted && !noted->verdict.quotas.empty())
      credential.quotas = noted->verdict.quotas;
  // A state file that cannot be read now is read again later; the pool lends all the same.
  (void)pool_->replace_credentials(std::move(credentials));
}

/// When which token is renewed.
void ServingPool::plan() {
  if (!scheduler_) return;
  const auto seen = discovery();
  const auto refresher = this->refresher();
  std::map<cp::CredentialId, Planned> planned;
  std::map<cp::CredentialId, Planned> before;
  {
    const std::lock_guard lock{mutex_};
    before = planned_;
  }
  for (const auto& credential : seen->credentials) {
    const bool renewable =
        credential.can_refresh_at(now()) && refresher->way_of(credential) &&
        (credential.status == cp::Status::active || credential.status == cp::Status::expired) &&
        credential.reason != cp::Reason::service_ended;
    if (!renewable) continue;
    auto hash = credential.token_hash();
    const auto known = before.find(credential.id);
    if (known != before.end() && known->second.token_hash == hash) {
      planned.emplace(credential.id, known->second);
      continue;
    }
    const auto due = refresher->due(credential);
    if (due) scheduler_->put(credential.id, *due);
    planned.emplace(credential.id, Planned{std::move(hash), due.value_or(cp::TimePoint{})});
  }
  for (const auto& [id, old] : before)
    if (!planned.contains(id)) scheduler_->remove(id);
  const std::lock_guard lock{mutex_};
  // A renewal that ended meanwhile knows better when the next one is.
  for (auto& [id, plan] : planned)
    if (const auto now_there = planned_.find(id);
        now_there != planned_.end() && now_there->second.token_hash == plan.token_hash)
      plan.due = now_there->second.due;
  planned_ = std::move(planned);
}

/// Renews one token; the files' change makes the next look plan the one that comes.
std::optional<cp::TimePoint> ServingPool::renew(const cp::CredentialId& id) {
  constexpr std::chrono::minutes later{5};
  constexpr std::chrono::seconds soonest{30};
  const auto renewed = told(pool_->refresh(id.hex()));
  std::optional<cp::TimePoint> next;
  if (renewed) {
    const auto there = pool_->find(id.hex());
    const auto due = there ? refresher()->due(**there) : std::nullopt;
    next = std::max(due.value_or(now() + later), now() + soonest);
  } else if (renewed.error().code != cp::Condition::login_needed) {
    next = std::max(renewed.error().retry_at.value_or(now() + later), now() + soonest);
  }
  const std::lock_guard lock{mutex_};
  if (const auto planned = planned_.find(id); planned != planned_.end())
    planned->second.due = next.value_or(cp::TimePoint{});
  return next;
}

std::optional<cp::TimePoint> ServingPool::next_refresh(const cp::CredentialId& id) const {
  const std::lock_guard lock{mutex_};
  const auto planned = planned_.find(id);
  if (planned == planned_.end() || planned->second.due == cp::TimePoint{}) return std::nullopt;
  return planned->second.due;
}

void ServingPool::note_verdicts(const std::vector<cp::Credential>& credentials,
                                const std::vector<cp::Verdict>& verdicts) {
  const std::lock_guard looking{looking_};
  {
    const std::lock_guard lock{mutex_};
    for (std::size_t i = 0; i < credentials.size(); ++i)
      if (verdicts[i].probed)
        verdicts_[credentials[i].id] = {credentials[i].token_hash(), verdicts[i], now()};
  }
  // Those of the pool, not of the last look: a token may have been renewed since.
  std::vector<cp::Credential> all;
  for (const auto& credential : pool_->credentials()) all.push_back(*credential);
  lend(std::move(all));
}

std::optional<NotedVerdict> ServingPool::verdict(const cp::Credential& credential) const {
  const std::lock_guard lock{mutex_};
  const auto noted = verdicts_.find(credential.id);
  if (noted == verdicts_.end() || noted->second.token_hash != credential.token_hash())
    return std::nullopt;
  return noted->second;
}

}  // namespace credpool_cli
