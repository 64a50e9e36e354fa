// SPDX-License-Identifier: MIT
#include <credpool/refresh/exchange.hpp>

#include "exchange_fixture.hpp"

#include <doctest/doctest.h>

using namespace credpool;
using namespace std::chrono_literals;

TEST_CASE("refresh/exchange: the CLI's lock is held from before the body until the file is new") {
  ExchangeBench bench;
  FakeLocks locks;
  bench.store.locks = &locks;
  int while_sending = 0, while_writing = 0;
  bench.answer = [&]() -> Result<Response> {
    while_sending = locks.held;
    return ExchangeBench::granted(1);
  };
  bench.store.on_rewrite = [&] { while_writing = locks.held; };
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  CHECK(while_sending == 1);
  CHECK(while_writing == 1);
  CHECK(locks.held == 0);
}

TEST_CASE("refresh/exchange: a CLI that took its lock away from us is not raced") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  FakeLocks locks;
  bench.store.locks = &locks;
  locks.taken_away = true;
  CHECK(bench.run().error().errc() == Errc::busy);
  CHECK(bench.sent == 0);
  CHECK(locks.held == 0);
  CHECK_FALSE(bench.has("journal"));
  locks.taken_away = false;
  bench.clock.advance(6s);
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
}

TEST_CASE("refresh/exchange: what came between the last reading and the swap is not written over") {
  ExchangeBench bench;
  bench.store.on_rewrite = [&, written = false]() mutable {
    if (!std::exchange(written, true)) bench.login("a", "b", exchange_start + 20min, "somebody");
  };
  CHECK(bench.run().error().errc() == Errc::account_changed);
  CHECK(bench.field("access") == "a");
  CHECK(bench.field("refresh") == "b");
}

TEST_CASE("refresh/exchange: only a CLI that no lock holds up is looked after for 2 s") {
  ExchangeBench bench;
  FakeLocks locks;
  SUBCASE("its lock is held") {
    bench.store.locks = &locks;
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
    CHECK(bench.clock.now() == exchange_start);
  }
  SUBCASE("it has none, and writes into the old file") {
    std::filesystem::path old;
    bench.on_sleep = [&] {
      for (const auto& entry : std::filesystem::directory_iterator{bench.home.path()})
        if (entry.path().filename().string().starts_with(".credpool-login.json.tmp-"))
          std::ofstream{old = entry.path()} << "late";
    };
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
    CHECK(bench.clock.now() == exchange_start + 2s);
    CHECK_FALSE(old.empty());
    CHECK(bench.files() == 4);  // what came late is put aside
  }
}
