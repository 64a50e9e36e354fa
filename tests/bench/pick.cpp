// SPDX-License-Identifier: MIT
// What choosing a credential costs: for each policy, pool size and number of threads the time of a
// pick (under the pool's lock, with the bookkeeping of a selection) and of a whole lease (acquire
// and report, clock and store included), beside a relaxed fetch_add and a mutex around a counter.
//
// Times are per operation, measured over batches, so that reading the clock costs nothing: p99 is
// that of the batches. "wall" is what a caller sees, on a busy machine with the turns that other
// programs take; "cpu" is what the thread itself spent, spinning for the lock included. The worst
// batch tells whether anybody pays for writing behind.

#include <credpool/pool/default_pool.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <time.h>

namespace cp = credpool;

namespace {

constexpr int batch = 64;

struct Percentiles {
  double p50 = 0;
  double p99 = 0;
  double cpu_p99 = 0;
  double cpu_worst = 0;
};

double cpu_now() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

/// Runs `operation` in batches on all threads for a moment; nanoseconds per operation.
template <class F> Percentiles measure(unsigned threads, F operation) {
  using Steady = std::chrono::steady_clock;
  constexpr int batches = 1500;
  std::vector<std::vector<double>> all(threads);
  std::vector<std::vector<double>> all_cpu(threads);
  std::atomic<unsigned> ready{0};
  const auto run = [&](unsigned self) {
    for (int i = 0; i < batch; ++i) operation();
    all[self].reserve(batches);
    all_cpu[self].reserve(batches);
    ++ready;
    while (ready.load() < threads) std::this_thread::yield();
    for (int n = 0; n < batches; ++n) {
      const auto cpu_begin = cpu_now();
      const auto begin = Steady::now();
      for (int i = 0; i < batch; ++i) operation();
      const auto end = Steady::now();
      all_cpu[self].push_back((cpu_now() - cpu_begin) / batch);
      all[self].push_back(std::chrono::duration<double, std::nano>(end - begin).count() / batch);
    }
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(run, i);
  run(0);
  others.clear();
  const auto sorted = [](const std::vector<std::vector<double>>& parts) {
    std::vector<double> times;
    for (const auto& each : parts) times.insert(times.end(), each.begin(), each.end());
    std::sort(times.begin(), times.end());
    return times;
  };
  const auto wall = sorted(all);
  const auto cpu = sorted(all_cpu);
  return {wall[wall.size() / 2], wall[wall.size() * 99 / 100], cpu[cpu.size() * 99 / 100],
          cpu.back()};
}

std::vector<cp::Credential> keys(int count) {
  std::vector<cp::Credential> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(
        cp::Credential::api_key("acme-cli", "acme", cp::Secret{"key-" + std::to_string(i)}));
    all.back().profile_id += std::to_string(i);
  }
  return all;
}

cp::Environment nowhere() {
  return cp::Environment{{.variables = {},
                          .home = "/nonexistent",
                          .working_directory = "/",
                          .host_name = "bench",
                          .user_name = "bench"}};
}

/// A lane as the pool keeps it, without the pool around it.
class Lane {
 public:
  Lane(std::string_view policy, int count)
      : policy_{cp::detail::box(cp::AnyRotation::by_name(policy).value())},
        facts_(static_cast<std::size_t>(count)) {
    const auto credentials = keys(count);
    std::vector<cp::CandidateFacts*> all;
    for (std::size_t i = 0; i < facts_.size(); ++i) {
      facts_[i].id = credentials[i].id;
      facts_[i].order = static_cast<std::uint32_t>(i);
      all.push_back(&facts_[i]);
    }
    lane_.assign(std::move(all));
    lane_.keep_ranks(policy_->ranks());
    for (std::size_t i = 0; i < lane_.size(); ++i) lane_.update(i, true, policy_->rank(lane_, i));
  }
  void pick() {
    const std::lock_guard lock{lock_};
    const auto chosen = policy_->pick(lane_, {}, {});
    auto& facts = lane_.facts(*chosen);
    facts.turn = ++turn_;
    facts.use += 1;
    lane_.set_last(*chosen);
    policy_->on_selected(lane_, *chosen, {});
    lane_.update(*chosen, true, policy_->rank(lane_, *chosen));
  }

 private:
  cp::detail::SpinLock lock_;
  std::unique_ptr<cp::detail::PolicyBox> policy_;
  std::vector<cp::CandidateFacts> facts_;
  cp::Candidates lane_;
  std::uint64_t turn_ = 0;
};

void print(const char* what, int credentials, unsigned threads, Percentiles pick,
           Percentiles lease) {
  std::printf("%-14s %6d %2u %6.0f %7.0f %6.0f %7.0f", what, credentials, threads, pick.p50,
              pick.p99, pick.cpu_p99, pick.cpu_worst);
  if (lease.p50 > 0)
    std::printf(" | %6.0f %7.0f %6.0f %7.0f", lease.p50, lease.p99, lease.cpu_p99, lease.cpu_worst);
  std::printf("\n");
}

}  // namespace

int main() {
  std::printf(
      "ns per operation; of a pick, then of a whole lease\n"
      "policy           size  n    p50     p99    cpu   worst |    p50     p99    cpu   worst\n");
  for (const unsigned threads : {1u, 2u}) {
    std::atomic<std::uint64_t> counter{0};
    print("fetch_add", 0, threads,
          measure(threads, [&] { counter.fetch_add(1, std::memory_order_relaxed); }), {});
    std::mutex mutex;
    std::size_t next = 0;
    print("mutex-rr", 64, threads,
          measure(threads,
                  [&] {
                    const std::lock_guard lock{mutex};
                    next = next + 1 == 64 ? 0 : next + 1;
                    benchmark::DoNotOptimize(next);
                  }),
          {});
  }
  for (const auto policy : cp::AnyRotation::names) {
    for (const int count : {4, 64, 10'000}) {
      for (const unsigned threads : {1u, 2u}) {
        Lane lane{policy, count};
        const auto pick = measure(threads, [&] { lane.pick(); });
        cp::PoolSettings settings;
        settings.write_every = std::chrono::milliseconds{20};  // so that it falls into the run
        cp::DefaultPool pool{
            cp::AllSources{}, cp::AnyRotation::by_name(policy).value(), {}, {}, {}, settings,
            nowhere()};
        if (!pool.replace_credentials(keys(count))) return 1;
        const cp::LeaseRequest request{.provider = "acme", .model = "k2"};
        const auto lease = measure(threads, [&] {
          auto lent = pool.acquire(request);
          lent->report(cp::Outcome::ok());
        });
        print(std::string{policy}.c_str(), count, threads, pick, lease);
      }
    }
  }
  std::printf("hot bytes per credential: %zu in the pool, of which policies see %zu\n",
              sizeof(cp::detail::PoolSlot), sizeof(cp::CandidateFacts));
}
