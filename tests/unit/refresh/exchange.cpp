// SPDX-License-Identifier: MIT
#include <credpool/refresh/exchange.hpp>

#include <credpool/impl/refresh/journal.hpp>

#include "exchange_fixture.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace credpool;
using namespace std::chrono_literals;

namespace {

Result<Response> refused(int status, std::string body) {
  return Response{status, {}, std::move(body)};
}

}  // namespace

TEST_CASE("refresh/exchange: a fresh token needs no lock and no request") {
  ExchangeBench bench;
  bench.login("access-0", "refresh-0", exchange_start + 14min);
  const auto report = bench.run();
  REQUIRE(report);
  CHECK(report->outcome == ExchangeOutcome::still_fresh);
  CHECK(bench.sent == 0);
  CHECK_FALSE(bench.has("lock"));
}

TEST_CASE("refresh/exchange: one request, stored before it is returned, nothing left behind") {
  ExchangeBench bench;
  const auto report = bench.run();
  REQUIRE(report);
  CHECK(report->outcome == ExchangeOutcome::exchanged);
  CHECK(report->tokens.access_token.reveal() == "access-1");
  CHECK(bench.field("refresh") == "refresh-1");
  CHECK(bench.field("other") == "kept");
  CHECK(bench.sent == 1);
  CHECK(bench.files() == 3);  // the login, our lock and state
  CHECK(bench.run()->outcome == ExchangeOutcome::still_fresh);
}

TEST_CASE(
    "refresh/exchange: the journal says SENT while the request is out, GOT after the answer") {
  ExchangeBench bench;
  bench.answer = [&]() -> Result<Response> {
    const auto journal = detail::load_journal(bench.home.path() / ".credpool-login.json.journal");
    CHECK(journal->state == detail::JournalState::sent);
    CHECK(journal->header.token == token_hash("refresh-0"));
    return ExchangeBench::granted(1);
  };
  bench.store.on_write = [&] {
    CHECK(detail::load_journal(bench.home.path() / ".credpool-login.json.journal")->state ==
          detail::JournalState::got);
  };
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
}

TEST_CASE("refresh/exchange: a lost answer is tried once more after 10 s, and never a third time") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  bench.answer = [&]() -> Result<Response> { return fail(Errc::timeout, "waiting"); };
  CHECK(bench.run().error().errc() == Errc::outcome_unknown);
  CHECK(exchange_trace(bench.store)->outcome_unknown);
  const auto before = bench.clock.now();
  bench.clock.advance(6s);
  CHECK(bench.run().error().errc() == Errc::outcome_unknown);
  CHECK(bench.clock.now() - before >= 10s);
  CHECK(bench.sent == 2);
  for (int i = 0; i < 5; ++i) {
    bench.clock.advance(2h);
    CHECK(bench.run().error().errc() == Errc::outcome_unknown);
  }
  CHECK(bench.sent == 2);
  bench.login("access-9", "refresh-9", bench.clock.now() + 14min);
  CHECK(bench.run()->tokens.access_token.reveal() == "access-9");
}

TEST_CASE("refresh/exchange: a late retry that is granted saves the login") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  bench.answer = [&]() -> Result<Response> {
    if (bench.sent == 1) return Response{502, {}, "<html>"};
    return ExchangeBench::granted(bench.sent);
  };
  CHECK(bench.run().error().errc() == Errc::outcome_unknown);
  bench.clock.advance(20s);
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE("refresh/exchange: after a lost answer the old access token is used up first") {
  ExchangeBench bench;
  bench.answer = [&]() -> Result<Response> { return fail(Errc::network, "sending"); };
  CHECK(bench.run().error().errc() == Errc::outcome_unknown);
  bench.clock.advance(6s);
  CHECK(bench.run()->outcome == ExchangeOutcome::kept);
  CHECK(bench.sent == 1);
}

TEST_CASE("refresh/exchange: a dead token costs one request, and the file is not touched") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  bench.answer = [] { return refused(400, R"({"error":"invalid_grant"})"); };
  for (int i = 0; i < 100; ++i) {
    CHECK(bench.run().error().errc() == Errc::login_needed);
    bench.clock.advance(1min);
  }
  CHECK(bench.sent == 1);
  CHECK(bench.field("refresh") == "refresh-0");
  CHECK(exchange_trace(bench.store)->dead);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE("refresh/exchange: a refusal because the CLI was quicker adopts what it wrote") {
  ExchangeBench bench;
  bench.answer = [] { return refused(400, R"({"error":"invalid_grant"})"); };
  bench.on_sleep = [&] { bench.login("access-9", "refresh-9", exchange_start + 14min); };
  const auto report = bench.run();
  REQUIRE(report);
  CHECK(report->outcome == ExchangeOutcome::adopted);
  CHECK(report->tokens.access_token.reveal() == "access-9");
}

TEST_CASE("refresh/exchange: our client at fault is configuration, the token stays good") {
  ExchangeBench bench;
  bench.answer = [] { return refused(400, R"({"error":"invalid_client"})"); };
  CHECK(bench.run().error().errc() == Errc::configuration);
  CHECK_FALSE(exchange_trace(bench.store)->dead);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE("refresh/exchange: a failing server gets at most 20 requests an hour") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  bench.answer = [] { return refused(429, R"({"error":"rate_limited"})"); };
  for (int i = 0; i < 3600; ++i) {
    CHECK_FALSE(bench.run());
    bench.clock.advance(1s);
  }
  CHECK(bench.sent >= 5);
  CHECK(bench.sent <= 20);
}

TEST_CASE("refresh/exchange: the server's wish to wait is clamped to an hour") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  bench.answer = [] {
    return Result<Response>{Response{429, {{"Retry-After", "1000000000"}}, "{}"}};
  };
  const auto refusal = bench.run();
  CHECK(refusal.error().errc() == Errc::rate_limited);
  CHECK(*refusal.error().retry_at <= bench.clock.now() + 1h);
  CHECK(bench.run().error().errc() == Errc::rate_limited);
  CHECK(bench.sent == 1);
}

TEST_CASE("refresh/exchange: a connection that fails spends nothing") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  auto world = bench.world();
  world.send = [](const Request&) -> Result<Response> { return fail(Errc::network, "connecting"); };
  const auto failed = exchange(bench.store, bench.endpoint, {}, world);
  CHECK(failed.error().errc() == Errc::network);
  CHECK(failed.error().retry_at);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE("refresh/exchange: a body is released once, whatever the transport does") {
  ExchangeBench bench;
  auto world = bench.world();
  SUBCASE("spent by its use") {}
  SUBCASE("reusable: no journal stands in the way") {
    bench.store.reusable = true;
  }
  SUBCASE("the late retry: its journal gives way to the next one") {
    bench.clock.advance(1min);
    bench.answer = []() -> Result<Response> { return fail(Errc::timeout, "waiting"); };
    CHECK(bench.run().error().errc() == Errc::outcome_unknown);
    bench.clock.advance(20s);
  }
  world.send = [](const Request& request) -> Result<Response> {
    CHECK(request.before_body());
    CHECK_FALSE(request.before_body());
    return ExchangeBench::granted(1);
  };
  CHECK(exchange(bench.store, bench.endpoint, {}, world)->outcome == ExchangeOutcome::exchanged);
}

TEST_CASE("refresh/exchange: what the CLI wrote before the body goes out is adopted") {
  ExchangeBench bench;
  bench.store.on_lock = [&] { bench.login("access-9", "refresh-9", exchange_start + 14min); };
  CHECK(bench.run()->outcome == ExchangeOutcome::adopted);
  CHECK(bench.sent == 0);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE("refresh/exchange: a CLI at work is waited for without a connection") {
  ExchangeBench bench;
  bench.store.busy = 1;
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  CHECK(bench.sent == 1);
}

TEST_CASE("refresh/exchange: another account that logs in meanwhile keeps the file") {
  ExchangeBench bench;
  bench.store.on_write = [&] { bench.login("a", "b", exchange_start + 14min, "somebody"); };
  CHECK(bench.run().error().errc() == Errc::account_changed);
  CHECK(bench.field("access") == "a");
  CHECK_FALSE(bench.has("journal"));
  CHECK(bench.files() == 4);  // the answer is put aside
}

TEST_CASE("refresh/exchange: a logout meanwhile is not undone") {
  ExchangeBench bench;
  bench.store.on_write = [&] { std::filesystem::remove(bench.store.file()); };
  CHECK(bench.run().error().errc() == Errc::login_needed);
  CHECK_FALSE(std::filesystem::exists(bench.store.file()));
  CHECK(bench.files() == 3);  // lock, state and the answer put aside
}

TEST_CASE("refresh/exchange: a CLI that removed what it was refused gets the new login") {
  ExchangeBench bench;
  bench.store.removes_refused = true;
  bench.on_sleep = [&, removed = false]() mutable {
    if (!std::exchange(removed, true)) std::filesystem::remove(bench.store.file());
  };
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  CHECK(bench.field("refresh") == "refresh-1");
}

TEST_CASE("refresh/exchange: an answer that was kept is stored without a request") {
  ExchangeBench bench;
  const auto files = detail::ExchangeFiles::beside(bench.store.file());
  {
    auto journal = detail::Journal::create(
        files, {token_hash("refresh-0"), token_hash("me"), "cut", 0, "", exchange_start, false});
    REQUIRE(journal);
    REQUIRE(journal->keep(Secret{ExchangeBench::granted(7).body}, exchange_start));
  }
  const auto report = bench.run();
  REQUIRE(report);
  CHECK(report->outcome == ExchangeOutcome::recovered);
  CHECK(bench.field("refresh") == "refresh-7");
  CHECK(bench.sent == 0);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE("refresh/exchange: a journal whose login is stored already only goes") {
  ExchangeBench bench;
  const auto files = detail::ExchangeFiles::beside(bench.store.file());
  bench.login("access-7", "refresh-7", exchange_start + 4min);
  {
    auto journal = detail::Journal::create(
        files, {token_hash("refresh-0"), token_hash("me"), "cut", 0, "", exchange_start, false});
    REQUIRE(journal->keep(Secret{ExchangeBench::granted(7).body}, exchange_start));
  }
  CHECK(bench.run()->outcome == ExchangeOutcome::recovered);
  CHECK(bench.sent == 0);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE(
    "refresh/exchange: a torn journal was never sent, and an unknown version is not touched") {
  ExchangeBench bench;
  SUBCASE("torn") {
    bench.home.write(".credpool-login.json.journal", "{\"version\":1,");
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
    CHECK(bench.sent == 1);
  }
  SUBCASE("a link") {
    std::filesystem::create_symlink("/dev/null",
                                    bench.home.path() / ".credpool-login.json.journal");
    bench.clock.advance(1min);
    CHECK(bench.run().error().errc() == Errc::unsafe_file);
    CHECK(bench.sent == 0);
  }
}

TEST_CASE("refresh/exchange: 64 threads on one login send one request") {
  ExchangeBench bench;
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 64; ++i)
    threads.emplace_back([&] {
      const auto report = bench.run();
      if (report && report->tokens.access_token.reveal() == "access-1") ++good;
    });
  for (auto& thread : threads) thread.join();
  CHECK(good == 64);
  CHECK(bench.sent == 1);
}

TEST_CASE("refresh/exchange: a clock that was set back neither freezes nor storms") {
  ExchangeBench bench;
  bench.login("access-0", "refresh-0", exchange_start + std::chrono::hours{9600});
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  for (int i = 0; i < 50; ++i) CHECK(bench.run()->outcome == ExchangeOutcome::still_fresh);
  CHECK(bench.sent == 1);
}
