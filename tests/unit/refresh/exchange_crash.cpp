// SPDX-License-Identifier: MIT
#include <credpool/refresh/exchange.hpp>

#include "exchange_fixture.hpp"

#include <doctest/doctest.h>

#include <random>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

using namespace credpool;
using namespace std::chrono_literals;

namespace {

/// The server's side of single-use tokens, shared by processes.
struct SharedServer {
  std::atomic<int> current{0};  ///< number of the refresh token that is good
  std::atomic<int> spends{0};
  std::atomic<int> reused{0};
  std::atomic<int> in_doubt{0};  ///< between the server's commit and the kept answer
};

SharedServer& shared_server() {
  void* memory = ::mmap(nullptr, sizeof(SharedServer), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  return *new (memory) SharedServer;
}

/// Exchanges once in this process, against the shared server.
bool exchange_once(ExchangeBench& bench, SharedServer& server, Duration since_start) {
  bench.clock.set_wall(exchange_start + since_start);
  auto world = bench.world();
  world.sleep = [](Duration) {};
  world.send = [&](const Request& request) -> Result<Response> {
    if (auto ready = request.before_body(); !ready) return fail(ready.error());
    const auto at = request.body.find("refresh-");
    const int number = std::atoi(request.body.c_str() + at + 8);
    std::this_thread::sleep_for(200us);
    server.in_doubt = 1;
    int expected = number;
    if (!server.current.compare_exchange_strong(expected, number + 1)) {
      ++server.reused;
      return Response{400, {}, R"({"error":"invalid_grant"})"};
    }
    ++server.spends;
    return ExchangeBench::granted(number + 1);
  };
  bench.store.on_write = [&] { server.in_doubt = 0; };
  ExchangeRequest request;
  const auto report = exchange(bench.store, bench.endpoint, request, world);
  return report && report->outcome != ExchangeOutcome::kept;
}

}  // namespace

TEST_CASE("refresh/exchange: 16 processes spend once in each of 10 cycles") {
  ExchangeBench bench;
  auto& server = shared_server();
  for (int cycle = 0; cycle < 10; ++cycle) {
    std::vector<pid_t> children;
    for (int i = 0; i < 16; ++i) {
      const auto child = ::fork();
      if (child == 0) ::_exit(exchange_once(bench, server, 20min * cycle + 1min) ? 0 : 1);
      children.push_back(child);
    }
    for (const auto child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
      CHECK(status == 0);
    }
    CHECK(server.spends == cycle + 1);
  }
  CHECK(server.reused == 0);
  CHECK(bench.field("refresh") == "refresh-10");
}

TEST_CASE("refresh/exchange: 300 kills at random points lose nothing outside the window") {
  auto& server = shared_server();
  std::mt19937 random{20260131};
  int lost_in_window = 0, unknown_by_kill = 0, killed = 0, storage_lost = 0;
  std::optional<ExchangeBench> bench;
  // A kill must come while the child is at it, on a fast machine and on a slow one: the delays
  // spread over twice the time that whole rounds have taken so far.
  auto longest = std::chrono::microseconds{2000};
  for (int round = 0; round < 300; ++round) {
    bench.emplace();
    server.current = 0;
    server.in_doubt = 0;
    const auto begun = std::chrono::steady_clock::now();
    const auto child = ::fork();
    if (child == 0) ::_exit(exchange_once(*bench, server, 1min) ? 0 : 1);
    std::this_thread::sleep_for(longest * static_cast<int>(random() % 1000) / 1000);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
      ++killed;
      longest += longest / 16;
    } else {
      longest =
          std::chrono::duration_cast<std::chrono::microseconds>(std::min<std::chrono::nanoseconds>(
              longest - longest / 16, std::chrono::steady_clock::now() - begun));
    }
    const bool in_window = server.in_doubt == 1;
    // The next call saves it, or says that it is lost.
    bench->sent = 0;
    const auto next = exchange_once(*bench, server, 20min);
    const auto held = bench->field("refresh");
    const bool good = held == "refresh-" + std::to_string(server.current.load());
    if (next && good) continue;
    const auto trace = exchange_trace(bench->store);
    REQUIRE(trace);
    if (in_window && !good) {
      ++lost_in_window;
      CHECK(trace->dead);  // and it is told, not silent
    } else if (good) {
      ++unknown_by_kill;
    } else {
      ++storage_lost;
    }
  }
  MESSAGE("killed " << killed << ", lost in the window " << lost_in_window << ", not usable "
                    << unknown_by_kill);
  CHECK(killed > 50);
  CHECK(storage_lost == 0);
  CHECK(unknown_by_kill == 0);
}
