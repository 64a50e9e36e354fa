// SPDX-License-Identifier: MIT
#include "metrics.hpp"

#include "prometheus_text.hpp"
#include "serving_pool.hpp"

#include <credpool/core/version.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <unistd.h>

namespace credpool_cli {

namespace cp = credpool;

namespace {

double seconds(std::chrono::microseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::uint64_t unsigned_of(std::int64_t value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
}

std::string class_of(int status) {
  return status == 0 ? std::string{"none"} : std::to_string(status / 100) + "xx";
}

void process(PrometheusText& text, cp::TimePoint started) {
  text.family("process_start_time_seconds", "gauge", "When the process began, in Unix time.");
  text.sample(std::chrono::duration<double>(started.time_since_epoch()).count());
  std::ifstream statm{"/proc/self/statm"};
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  if (statm >> pages >> resident) {
    text.family("process_resident_memory_bytes", "gauge", "Memory that is resident.");
    text.sample({}, resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  }
  std::error_code failed;
  std::filesystem::directory_iterator descriptors{"/proc/self/fd", failed};
  if (!failed) {
    text.family("process_open_fds", "gauge", "Descriptors that are open.");
    text.sample({},
                static_cast<std::uint64_t>(std::distance(begin(descriptors), end(descriptors))));
  }
}

void pool_now(PrometheusText& text, ServingPool& serving) {
  auto& pool = serving.pool();
  const auto explanation = pool.explain({});
  std::map<std::pair<std::string, std::string>, std::uint64_t> standing;
  std::map<std::string, std::uint64_t> in_flight;
  std::map<cp::CredentialId, std::string> providers;
  for (const auto& one : explanation.candidates) {
    const auto& credential = *one.credential;
    ++standing[{credential.provider, std::string{cp::to_string(one.verdict)}}];
    in_flight[credential.provider] += one.in_flight;
    providers[credential.id] = credential.provider;
  }
  text.family("credpool_credentials", "gauge", "Credentials by how they stand.");
  for (const auto& [key, count] : standing)
    text.sample({{"provider", key.first}, {"eligibility", key.second}}, count);
  text.family("credpool_leases_in_flight", "gauge", "Credentials that are lent now.");
  for (const auto& [provider, count] : in_flight) text.sample({{"provider", provider}}, count);
  text.family("credpool_credential_uses_total", "counter", "Times that a credential was lent.");
  for (const auto& state : pool.states())
    if (const auto known = providers.find(state.id); known != providers.end())
      text.sample({{"provider", known->second}, {"credential", state.id.short_hex()}},
                  state.total_uses);
  std::map<std::pair<std::string, std::string>, std::uint64_t> rests;
  for (const auto& rest : pool.cooldowns())
    if (const auto known = providers.find(rest.id); known != providers.end())
      ++rests[{known->second, std::string{cp::to_string(rest.reason)}}];
  text.family("credpool_cooldowns", "gauge", "Rests that are on.");
  for (const auto& [key, count] : rests)
    text.sample({{"provider", key.first}, {"reason", key.second}}, count);
}

}  // namespace

const std::vector<double>& Metrics::bounds() {
  static const std::vector<double> all{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                       2.5,   5,    10,    30,   60,  120,  300, 600};
  return all;
}

void Metrics::Histogram::add(double value) {
  const auto bucket = std::lower_bound(bounds().begin(), bounds().end(), value);
  ++counts[static_cast<std::size_t>(bucket - bounds().begin())];
  sum += value;
}
void Metrics::Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  sum += other.sum;
}

void Metrics::count(const cp::AccessRecord& record) {
  auto& shard = shards_[std::hash<std::thread::id>{}(std::this_thread::get_id()) % shards_.size()];
  const std::lock_guard lock{shard.mutex};
  auto& counts = shard.counts;
  counts.bytes_in += record.bytes_in;
  counts.bytes_out += record.bytes_out;
  auto& provider = counts.providers[record.provider];
  ++provider.requests[{record.status / 100 * 100, record.ending}];
  provider.duration.add(seconds(record.total));
  if (record.first_byte) provider.first_byte.add(seconds(*record.first_byte));
  provider.input_tokens += record.usage.input.value_or(0);
  provider.output_tokens += record.usage.output.value_or(0);
  provider.attempts += static_cast<std::uint64_t>(std::max(record.attempts, 0));
}

void Metrics::count_refresh(const cp::Error* failure) {
  if (failure == nullptr)
    ++refreshed_;
  else if (failure->code == cp::Condition::login_needed)
    ++login_needed_;
  else
    ++refresh_failed_;
}

void Metrics::count_hold(const std::optional<cp::SpendRefusal>& refusal) {
  constexpr int out_of_reach = 503;
  if (!refusal) {
    ++held_;
  } else if (refusal->status == out_of_reach) {
    ++not_reached_;
    ledger_well_ = false;
  } else {
    ++(refusal->code == "INSUFFICIENT_CREDITS"    ? no_credits_
       : refusal->code == "CREDIT_LIMIT_EXCEEDED" ? over_limit_
                                                  : not_held_);
  }
}

void Metrics::end_settlement(bool durable) {
  --settling_;
  ++(durable ? settled_ : not_settled_);
  ledger_well_ = durable;
}

Metrics::Counts Metrics::sum() const {
  Counts all;
  for (const auto& shard : shards_) {
    const std::lock_guard lock{shard.mutex};
    all.bytes_in += shard.counts.bytes_in;
    all.bytes_out += shard.counts.bytes_out;
    for (const auto& [name, one] : shard.counts.providers) {
      auto& provider = all.providers[name];
      for (const auto& [key, count] : one.requests) provider.requests[key] += count;
      provider.duration.add(one.duration);
      provider.first_byte.add(one.first_byte);
      provider.input_tokens += one.input_tokens;
      provider.output_tokens += one.output_tokens;
      provider.attempts += one.attempts;
    }
  }
  return all;
}

std::string Metrics::text(ServingPool& pool, const cp::EventHub& events,
                          std::uint64_t gateway_failures, std::optional<cp::Money> settled) const {
  PrometheusText text;
  text.family("credpool_build_info", "gauge", "The version that runs.");
  text.sample({{"version", CREDPOOL_VERSION_STRING}}, 1.0);
  process(text, started_);
  pool_now(text, pool);

  text.family("credpool_refreshes_total", "counter", "Tokens that were to be renewed.");
  text.sample({{"result", "ok"}}, refreshed_.load());
  text.sample({{"result", "failed"}}, refresh_failed_.load());
  text.sample({{"result", "login_needed"}}, login_needed_.load());

  const auto counts = sum();
  text.family("credpool_proxy_requests_total", "counter", "Requests that have ended.");
  for (const auto& [name, one] : counts.providers)
    for (const auto& [key, count] : one.requests)
      text.sample({{"provider", name},
                   {"class", class_of(key.first)},
                   {"ending", cp::to_string(key.second)}},
                  count);
  text.family("credpool_proxy_attempts_total", "counter", "Credentials that were tried for them.");
  for (const auto& [name, one] : counts.providers) text.sample({{"provider", name}}, one.attempts);
  text.family("credpool_proxy_request_duration_seconds", "histogram",
              "From a request's head to its answer's end.");
  for (const auto& [name, one] : counts.providers)
    text.histogram({{"provider", name}}, bounds(), one.duration.counts, one.duration.sum);
  text.family("credpool_proxy_first_byte_seconds", "histogram",
              "From a request's head to its answer's first byte.");
  for (const auto& [name, one] : counts.providers)
    text.histogram({{"provider", name}}, bounds(), one.first_byte.counts, one.first_byte.sum);
  text.family("credpool_proxy_tokens_total", "counter", "Tokens as the providers counted them.");
  for (const auto& [name, one] : counts.providers) {
    text.sample({{"provider", name}, {"direction", "input"}}, one.input_tokens);
    text.sample({{"provider", name}, {"direction", "output"}}, one.output_tokens);
  }
  text.family("credpool_proxy_bytes_total", "counter", "Bytes of bodies.");
  text.sample({{"direction", "in"}}, counts.bytes_in);
  text.sample({{"direction", "out"}}, counts.bytes_out);

  text.family("credpool_ledger_holds_total", "counter", "Requests that credits were asked for.");
  text.sample({{"result", "granted"}}, held_.load());
  text.sample({{"result", "no_credits"}}, no_credits_.load());
  text.sample({{"result", "over_limit"}}, over_limit_.load());
  text.sample({{"result", "unreachable"}}, not_reached_.load());
  text.sample({{"result", "refused"}}, not_held_.load());
  text.family("credpool_ledger_settlements_total", "counter", "Costs that were written down.");
  text.sample({{"result", "durable"}}, settled_.load());
  text.sample({{"result", "late"}}, not_settled_.load());
  text.family("credpool_ledger_queue", "gauge", "Costs that are on their way to the store.");
  text.sample({}, unsigned_of(settling_.load()));
  if (settled) {
    text.family("credpool_ledger_settled_microdollars_total", "counter",
                "What requests have cost, in millionths of a dollar.");
    text.sample({}, unsigned_of(settled->micros));
    text.family("credpool_ledger_up", "gauge",
                "0 from when its store could not be used until a cost was written down again.");
    text.sample({}, std::uint64_t{ledger_well_.load() ? 1U : 0U});
  }

  text.family("credpool_events_subscribers", "gauge", "Readers of the events.");
  text.sample({}, static_cast<std::uint64_t>(events.subscribers()));
  text.family("credpool_events_published_total", "counter", "Events that happened.");
  text.sample({}, events.published());
  text.family("credpool_events_dropped_total", "counter", "Events that readers were too slow for.");
  text.sample({}, events.dropped());
  text.family("credpool_gateway_refused_total", "counter", "Wrong credentials at the gateway.");
  text.sample({}, gateway_failures);
  return text.take();
}

}  // namespace credpool_cli
