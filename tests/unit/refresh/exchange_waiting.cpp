// SPDX-License-Identifier: MIT
// Who waits for whom: callers whose token still works never do.
#include <credpool/refresh/exchange.hpp>

#include <credpool/core/file_lock.hpp>
#include <credpool/impl/refresh/own_file.hpp>

#include "exchange_fixture.hpp"

#include <doctest/doctest.h>

#include <future>
#include <semaphore>

using namespace credpool;
using namespace std::chrono_literals;

namespace {

std::filesystem::path lock_of(const ExchangeBench& bench) {
  return detail::ExchangeFiles::beside(bench.store.file()).lock;
}

}  // namespace

TEST_CASE("refresh/exchange_waiting: an advisory caller does not wait for another process") {
  ExchangeBench bench;
  bench.login("access-0", "refresh-0", exchange_start + 4min);
  SUBCASE("that has our lock") {
    const auto theirs = FileLock::take(lock_of(bench), Duration{0});
    const auto report = bench.run({.patience = 1h});
    REQUIRE(report);
    CHECK(report->outcome == ExchangeOutcome::kept);
    CHECK(report->tokens.access_token.reveal() == "access-0");
    CHECK_FALSE(report->note.empty());
  }
  SUBCASE("that has the CLI's lock") {
    bench.store.busy = 1;
    CHECK(bench.run({.patience = 1h})->outcome == ExchangeOutcome::kept);
    CHECK(bench.store.lock_patience == Duration{0});
    CHECK_FALSE(bench.has("journal"));
  }
  CHECK(bench.sent == 0);
}

TEST_CASE("refresh/exchange_waiting: a mandatory caller waits, and adopts what came meanwhile") {
  ExchangeBench bench;
  auto theirs = std::make_unique<FileLock>(std::move(*FileLock::take(lock_of(bench), Duration{0})));
  SUBCASE("in vain") {
    bench.clock.advance(1min);
    CHECK(bench.run({.patience = 20ms}).error().errc() == Errc::busy);
    // One whose token has a few seconds left keeps it.
    bench.login("access-0", "refresh-0", bench.clock.now() + 30s);
    CHECK(bench.run({.patience = 20ms})->outcome == ExchangeOutcome::kept);
  }
  SUBCASE("until the other one has done it") {
    auto waiting = std::async(std::launch::async, [&] { return bench.run(); });
    while (bench.store.reads < 1) std::this_thread::yield();
    const auto next = bench.home.write("next.json", R"({"access":"a","refresh":"b","account":"me",)"
                                                    R"("end":1800000840000})");
    std::filesystem::rename(next, bench.store.file());
    theirs.reset();
    const auto report = waiting.get();
    REQUIRE(report);
    CHECK(report->outcome == ExchangeOutcome::adopted);
    CHECK(report->tokens.access_token.reveal() == "a");
  }
  CHECK(bench.sent == 0);
}

TEST_CASE("refresh/exchange_waiting: the CLI's lock is waited for with all patience, ours held") {
  ExchangeBench bench;
  bench.store.busy = 1;
  CHECK(bench.run({.patience = 7s})->outcome == ExchangeOutcome::exchanged);
  CHECK(bench.store.lock_patience == 7s);
}

TEST_CASE("refresh/exchange_waiting: a refused token is not what another thread kept") {
  ExchangeBench bench;
  bench.login("access-0", "refresh-0", exchange_start + 4min);
  std::binary_semaphore inside{0}, go_on{0};
  std::atomic<bool> first{true};
  // The first thread, which needs nothing, finds the CLI busy and keeps what it has.
  bench.store.on_lock = [&] {
    if (!first.exchange(false)) return;
    bench.store.busy = 1;
    inside.release();
    go_on.acquire();
  };
  auto easy = std::async(std::launch::async, [&] { return bench.run(); });
  inside.acquire();
  const auto before = bench.store.reads.load();
  auto refused = std::async(std::launch::async,
                            [&] { return bench.run({.refused_token = token_hash("access-0")}); });
  while (bench.store.reads == before) std::this_thread::yield();
  std::this_thread::sleep_for(20ms);  // it boards; when it comes too late, it flies alone
  go_on.release();
  CHECK(easy.get()->outcome == ExchangeOutcome::kept);
  const auto report = refused.get();
  REQUIRE(report);
  CHECK(report->outcome == ExchangeOutcome::exchanged);
  CHECK(report->tokens.access_token.reveal() == "access-1");
}

TEST_CASE("refresh/exchange_waiting: the lock of the CLI that was lost at the last moment") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  bench.store.lock_lost = true;
  CHECK(bench.run().error().errc() == Errc::busy);
  CHECK(bench.sent == 0);
  CHECK(bench.field("refresh") == "refresh-0");
  CHECK(bench.files() == 3);      // no journal, no room
  bench.store.lock_lost = false;  // nothing was sent: nobody has to wait
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
}

TEST_CASE(
    "refresh/exchange_waiting: a connection that took too long leaves no time for the answer") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  auto world = bench.world();
  world.send = [&](const Request& request) -> Result<Response> {
    bench.clock.advance(11s);
    if (auto ready = request.before_body(); !ready) return fail(ready.error());
    ++bench.sent;
    return ExchangeBench::granted(1);
  };
  CHECK(exchange(bench.store, bench.endpoint, {}, world).error().errc() == Errc::network);
  CHECK(bench.sent == 0);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE(
    "refresh/exchange_waiting: who comes during a request of this process shares its answer") {
  // The second one has boarded a moment after it read the store; on a machine that stops it right
  // there it comes too late, and is given another chance.
  bool shared = false;
  for (int turn = 0; turn < 5 && !shared; ++turn) {
    ExchangeBench bench;
    bench.clock.advance(1min);
    std::future<Result<ExchangeReport>> second;
    bench.answer = [&] {
      const int before = bench.store.reads;
      second = std::async(std::launch::async, [&] { return bench.run(); });
      while (bench.store.reads == before) std::this_thread::yield();
      std::this_thread::sleep_for(50ms);
      return Result<Response>{
          Response{200, {}, R"({"access_token":"a","refresh_token":"r","expires_in":900})"}};
    };
    REQUIRE(bench.run()->outcome == ExchangeOutcome::exchanged);
    const auto report = second.get();
    REQUIRE(report);
    CHECK(report->tokens.access_token.reveal() == "a");
    CHECK(bench.sent == 1);
    shared = report->outcome == ExchangeOutcome::exchanged;
  }
  CHECK(shared);
}
