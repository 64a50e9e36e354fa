// SPDX-License-Identifier: MIT
// Clocks that step, and servers whose clock is another one.
#include <credpool/refresh/exchange.hpp>

#include "exchange_fixture.hpp"

#include <doctest/doctest.h>

using namespace credpool;
using namespace std::chrono_literals;

TEST_CASE("refresh/exchange_clock: a server whose clock is off does not change when a token ends") {
  ExchangeBench bench;
  SUBCASE("10 minutes ahead: what it writes into the token promises too much") {
    bench.store.skew = 10min;
  }
  SUBCASE("10 minutes behind: it promises too little") {
    bench.store.skew = -10min;
  }
  REQUIRE(bench.run()->outcome == ExchangeOutcome::exchanged);
  const auto fresh = bench.run();
  CHECK(fresh->outcome == ExchangeOutcome::still_fresh);
  CHECK(fresh->tokens.expires_at == exchange_start + 15min);
  bench.clock.advance(9min);  // 6 of 15 minutes are left
  CHECK(bench.run()->outcome == ExchangeOutcome::still_fresh);
  bench.clock.advance(2min);
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  CHECK(bench.sent == 2);
}

TEST_CASE("refresh/exchange_clock: 400 days ahead cost one request, back again one more") {
  ExchangeBench bench;
  REQUIRE(bench.run()->outcome == ExchangeOutcome::exchanged);
  bench.clock.set_wall(exchange_start + std::chrono::hours{24 * 400});
  for (int i = 0; i < 20; ++i) CHECK(bench.run());
  CHECK(bench.sent == 2);
  // Back: the end is 400 days away, which proves nothing.
  bench.clock.set_wall(exchange_start + 1h);
  for (int i = 0; i < 20; ++i) {
    CHECK(bench.run());
    bench.clock.advance(1s);
  }
  CHECK(bench.sent == 3);
  CHECK(*bench.run()->tokens.expires_at < bench.clock.now() + 16min);
}

TEST_CASE("refresh/exchange_clock: a day back neither storms nor freezes a wait") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  bench.answer = [] { return Result<Response>{Response{503, {{"Retry-After", "3600"}}, "{}"}}; };
  CHECK_FALSE(bench.run());
  bench.clock.set_wall(exchange_start - std::chrono::hours{24});
  bench.login("access-0", "refresh-0", exchange_start - std::chrono::hours{25});
  const auto waiting = bench.run();
  CHECK(waiting.error().errc() == Errc::rate_limited);
  CHECK(*waiting.error().retry_at <= bench.clock.now() + 1h);
  CHECK(bench.sent == 1);
  bench.clock.advance(61min);
  bench.answer = [&] { return Result<Response>{ExchangeBench::granted(2)}; };
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
}

TEST_CASE("refresh/exchange_clock: a step while the request is out") {
  ExchangeBench bench;
  Duration step{};
  SUBCASE("ahead") {
    step = std::chrono::hours{24 * 400};
  }
  SUBCASE("back") {
    step = -std::chrono::hours{24};
  }
  bench.answer = [&]() -> Result<Response> {
    bench.clock.set_wall(exchange_start + step);
    return ExchangeBench::granted(bench.sent);
  };
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  bench.clock.set_wall(exchange_start + 1s);  // and it is right again
  for (int i = 0; i < 10; ++i) {
    (void)bench.run();
    bench.clock.advance(1s);
  }
  CHECK(bench.sent <= 2);
  const auto report = bench.run();
  REQUIRE(report);
  CHECK(report->outcome == ExchangeOutcome::still_fresh);
  CHECK(*report->tokens.expires_at > bench.clock.now());
}

TEST_CASE("refresh/exchange_clock: the 10 s after a lost answer are counted, not believed") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  bench.answer = [&]() -> Result<Response> {
    if (bench.sent == 1) return fail(Errc::timeout, "waiting");
    return ExchangeBench::granted(bench.sent);
  };
  CHECK(bench.run().error().errc() == Errc::outcome_unknown);
  bench.clock.set_wall(exchange_start - 1h);  // the time of the request lies ahead now
  bench.login("access-0", "refresh-0", exchange_start - 2h);
  CHECK(bench.run().error().errc() == Errc::rate_limited);  // as if it had gone out just now
  bench.clock.advance(6s);
  const auto before = bench.clock.steady();
  const auto saved = bench.run();
  REQUIRE(saved);
  CHECK(saved->outcome == ExchangeOutcome::exchanged);
  CHECK(bench.clock.steady() - before >= 10s);
  CHECK(bench.sent == 2);
}
