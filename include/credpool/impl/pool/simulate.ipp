#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/simulate.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE double jain_index(const std::vector<double>& shares) noexcept {
  double sum = 0;
  double squares = 0;
  for (const double share : shares) {
    sum += share;
    squares += share * share;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 1;
}

namespace detail {

/// A provider with one account, as far as its limits go.
class SimulatedProvider {
 public:
  SimulatedProvider(const TraceAccount& account, TimePoint begin)
      : rule_{&account}, fared{.name = account.name} {
    window_ends_ = begin + account.window - account.offset % account.window;
  }

  /// A request arrives.
  Outcome answer(TimePoint now) {
    roll_over(now);
    if (used_ >= rule_->requests || (rule_->at_once > 0 && out_ >= rule_->at_once)) {
      ++fared.limited;
      const bool quota = used_ >= rule_->requests;
      const auto over = quota ? window_ends_ : now + std::chrono::seconds{1};
      const auto told = rule_->tells_reset ? std::optional{over} : std::nullopt;
      auto outcome = quota ? Outcome::quota_exhausted(told) : Outcome::rate_limited(told);
      outcome.quota = window();
      return outcome;
    }
    ++used_;
    ++out_;
    ++fared.served;
    auto outcome = Outcome::ok();
    outcome.quota = window();
    return outcome;
  }
  void answered() { --out_; }

  /// Ends the windows that are over; what they had left is wasted.
  void roll_over(TimePoint now) {
    for (; window_ends_ <= now; window_ends_ += rule_->window) {
      fared.wasted += rule_->requests - used_;
      allowance += rule_->requests;
      used_ = 0;
    }
  }

 private:
  QuotaHeadroom window() const {
    const double left = rule_->requests - used_;
    return {.headroom = rule_->requests > 0 ? left / rule_->requests : 0,
            .resets_at = window_ends_};
  }

  const TraceAccount* rule_;
  TimePoint window_ends_;
  std::uint32_t used_ = 0;
  std::uint32_t out_ = 0;

 public:
  SimulatedAccount fared;
  std::uint64_t allowance = 0;
};

inline Result<void> simulate_check(const Trace& trace) {
  constexpr auto doing = "reading a trace";
  std::set<std::string_view> names;
  for (const auto& account : trace.accounts) {
    if (!names.insert(account.name).second)
      return fail(Errc::invalid_argument, doing, account.name, "two accounts have that name");
    if (account.window <= Duration::zero())
      return fail(Errc::invalid_argument, doing, account.name, "a window must be longer than 0");
  }
  const auto before = [](const auto& a, const auto& b) { return a.at < b.at; };
  if (!std::is_sorted(trace.requests.begin(), trace.requests.end(), before))
    return fail(Errc::invalid_argument, doing, "", "requests must be in the order of their times");
  return {};
}

}  // namespace detail

CREDPOOL_INLINE Result<Simulation> simulate(const Trace& trace, std::string_view policy) {
  auto chosen = AnyRotation::by_name(policy);
  if (!chosen) return fail(std::move(chosen).error());
  if (auto good = detail::simulate_check(trace); !good) return fail(good.error());

  const TimePoint begin{std::chrono::hours{24 * 365}};  // any time will do
  ManualClock clock{begin};
  std::vector<Credential> credentials;
  std::map<CredentialId, detail::SimulatedProvider> providers;
  PoolSettings settings{.admission = trace.admission};
  for (const auto& account : trace.accounts) {
    auto credential = Credential::api_key("simulated", "simulated", Secret{account.name});
    credential.profile_id = account.name;
    credential.priority = account.priority;
    settings.rules[account.name].weight = account.weight;
    providers.try_emplace(credential.id, account, begin);
    credentials.push_back(std::move(credential));
  }
  Pool pool{Sources<>{},
            *chosen,
            FirstOf<>{},
            MemoryState{},
            ClockRef{clock},
            std::move(settings),
            Environment{{.variables = {},
                         .home = "/",
                         .working_directory = "/",
                         .host_name = "simulated",
                         .user_name = "simulated"}}};
  if (auto ready = pool.replace_credentials(std::move(credentials)); !ready)
    return fail(ready.error());

  struct UnderWay {
    Lease lease;
    detail::SimulatedProvider* provider;
    Outcome outcome;
  };
  std::multimap<TimePoint, UnderWay> under_way;  // by the time of the answer's end
  const auto advance = [&](TimePoint to) {
    while (!under_way.empty() && under_way.begin()->first <= to) {
      auto done = under_way.extract(under_way.begin());
      clock.advance(done.key() - clock.now());
      done.mapped().provider->answered();
      done.mapped().lease.report(done.mapped().outcome);
    }
    clock.advance(to - clock.now());
  };

  Simulation result{.policy = std::string{policy}, .accounts = {}};
  std::map<std::string_view, std::pair<CredentialId, TimePoint>> cached;
  for (const auto& request : trace.requests) {
    advance(begin + request.at);
    const auto now = clock.now();
    LeaseRequest wanted{.provider = "simulated",
                        .model = request.model,
                        .session = request.session,
                        .affinity = trace.affinity};
    bool served = false;
    for (std::uint32_t attempt = 0; attempt < trace.attempts && !served; ++attempt) {
      auto lease = pool.acquire(wanted);
      if (!lease) break;
      const auto id = lease->credential().id;
      auto& provider = providers.at(id);
      const auto outcome = provider.answer(now);
      served = outcome.kind == OutcomeKind::ok;
      if (!served) {
        ++result.limited;
        wanted.tried.push_back(id);
        lease->report(outcome);
        continue;
      }
      if (!request.session.empty()) {
        const auto [last, first_time] = cached.try_emplace(request.session, id, now);
        if (!first_time) {
          ++result.cache_chances;
          result.cache_hits +=
              last->second.first == id && now - last->second.second <= trace.cache_life;
        }
        last->second = {id, now};
      }
      under_way.emplace(now + request.takes, UnderWay{std::move(*lease), &provider, outcome});
    }
    ++(served ? result.served : result.refused);
  }
  if (!under_way.empty()) advance(under_way.rbegin()->first);

  std::vector<double> shares;
  for (const auto& account : trace.accounts) {
    auto& provider =
        providers.at(Credential::api_key("simulated", "simulated", Secret{account.name}).id);
    provider.roll_over(clock.now());
    result.accounts.push_back(provider.fared);
    result.wasted += provider.fared.wasted;
    result.allowance += provider.allowance;
    shares.push_back(static_cast<double>(provider.fared.served) /
                     std::max<std::uint32_t>(account.weight, 1));
  }
  result.fairness = jain_index(shares);
  return result;
}

}  // namespace credpool::inline CREDPOOL_ABI
