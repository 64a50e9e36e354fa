// SPDX-License-Identifier: MIT
// What it costs a request of the proxy to be counted (Activity::record), while the counters are
// read once a second: nanoseconds per call, by number of threads.

#include "../../tools/gateway/activity.hpp"

#include <benchmark/benchmark.h>

namespace {

credpool_cli::Activity& activity() {
  static credpool_cli::Activity one;
  return one;
}

void record(benchmark::State& state) {
  credpool::AccessRecord served;
  served.credential = "0123456789ab";
  served.model = "a-model-of-usual-length";
  served.status = 200;
  served.usage.input = 1'000;
  served.usage.output = 200;
  for (auto _ : state) activity().record(served);
}
BENCHMARK(record)->Threads(1)->Threads(2)->Threads(8)->UseRealTime();

/// What a second of 1,000 requests costs the thread that ticks.
void tick(benchmark::State& state) {
  credpool_cli::Activity counted{{.now = {}, .ticks = false}};
  credpool::AccessRecord served;
  served.credential = "0123456789ab";
  served.model = "a-model-of-usual-length";
  served.status = 200;
  for (auto _ : state) {
    state.PauseTiming();
    for (int i = 0; i < 1'000; ++i) counted.record(served);
    state.ResumeTiming();
    counted.tick();
  }
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK(tick);

}  // namespace

BENCHMARK_MAIN();
