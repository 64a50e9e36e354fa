// SPDX-License-Identifier: MIT
#include <credpool/refresh/exchange.hpp>

#include <credpool/impl/refresh/journal.hpp>

#include "exchange_fixture.hpp"
#include "memory_claims.hpp"

#include <doctest/doctest.h>

using namespace credpool;
using namespace std::chrono_literals;

namespace {

/// Two hosts that share a store, the first with a login that is due.
struct SharedBench : ExchangeBench {
  SharedBench() {
    claims = &ours;
    clock.advance(1min);
  }
  std::string family() const { return to_hex(sha256_of_parts({"kimi-code", "fake-cli", "me"})); }
  MemoryClaims::Family row() const { return shared->families[family()]; }
  Result<RefreshClaim> other_takes(const char* token, Duration length = 1min) {
    return theirs.take(family(), token_hash(token), "other", length);
  }
  std::shared_ptr<MemoryClaims::Shared> shared = std::make_shared<MemoryClaims::Shared>();
  MemoryClaims ours{shared, clock}, theirs{shared, clock};
};

/// A store that several hosts share, and that fails.
struct DownClaims final : RefreshClaims {
  Result<RefreshClaim> take(std::string_view, std::string_view, std::string_view,
                            Duration length) override {
    if (!takes) return fail(Errc::network, "claiming");
    return RefreshClaim{"f", 0, 1, exchange_start + 1min + length, false};
  }
  Result<void> finish(const RefreshClaim&, std::string_view) override {
    return fail(Errc::conflict, "finishing");
  }
  Result<void> abandon(const RefreshClaim&) override { return fail(Errc::network, "giving back"); }
  bool takes = false;
};

}  // namespace

TEST_CASE("refresh/exchange_claims: the row is claimed before the send and ended after the store") {
  SharedBench bench;
  bench.answer = [&]() -> Result<Response> {
    CHECK(bench.row().running);
    CHECK(bench.row().holder == "host");
    return ExchangeBench::granted(1);
  };
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  CHECK_FALSE(bench.row().running);
  CHECK(bench.row().generation == 1);
  CHECK(bench.row().token == token_hash("refresh-1"));
}

TEST_CASE(
    "refresh/exchange_claims: while another host is at it nothing is sent, and it is told until "
    "when") {
  SharedBench bench;
  REQUIRE(bench.other_takes("refresh-0"));
  const auto refused = bench.run();
  CHECK(refused.error().errc() == Errc::busy);
  CHECK(refused.error().retry_at == bench.clock.now() + 1min + MemoryClaims::margin);
  CHECK(bench.sent == 0);

  // A token that still works goes on working.
  bench.login("access-0", "refresh-0", bench.clock.now() + 4min);
  const auto kept = bench.run();
  REQUIRE(kept);
  CHECK(kept->outcome == ExchangeOutcome::kept);
  CHECK(kept->retry_at == bench.clock.now() + 1min + MemoryClaims::margin);
}

TEST_CASE("refresh/exchange_claims: a token that another host has exchanged is never sent") {
  SharedBench bench;
  const auto claim = bench.other_takes("refresh-0");
  REQUIRE(bench.theirs.finish(*claim, token_hash("refresh-9")));
  CHECK(bench.run().error().errc() == Errc::conflict);
  CHECK(bench.sent == 0);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE("refresh/exchange_claims: another host's unknown outcome is waited out, and tried once") {
  SharedBench bench;
  REQUIRE(bench.other_takes("refresh-0"));
  bench.clock.advance(1h);
  const auto before = bench.clock.now();
  SUBCASE("and saved") {
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
    CHECK(bench.clock.now() - before >= 10s);
    CHECK(bench.sent == 1);
    CHECK(bench.row().token == token_hash("refresh-1"));
    CHECK_FALSE(bench.row().unknown);
  }
  SUBCASE("and lost for good: no third request") {
    bench.answer = [] { return Result<Response>{fail(Errc::timeout, "waiting")}; };
    for (int i = 0; i < 4; ++i) {
      CHECK(bench.run().error().errc() == Errc::outcome_unknown);
      bench.clock.advance(2h);
    }
    CHECK(bench.sent == 1);
  }
  SUBCASE("unless its CLI writes another token meanwhile, which is claimed itself") {
    bench.on_sleep = [&, first = true]() mutable {
      if (std::exchange(first, false)) bench.login("access-5", "refresh-5", bench.clock.now());
    };
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
    CHECK(bench.row().token == token_hash("refresh-1"));
    CHECK(bench.row().exchanged.contains(token_hash("refresh-5")));
    CHECK(bench.row().exchanged.contains(token_hash("refresh-0")));
  }
  SUBCASE("unless the old access token still works: that is used up first") {
    bench.login("access-0", "refresh-0", bench.clock.now() + 4min);
    CHECK(bench.run()->outcome == ExchangeOutcome::kept);
    CHECK(bench.sent == 0);
    CHECK_FALSE(bench.row().running);
    CHECK(bench.row().unknown);
  }
}

TEST_CASE("refresh/exchange_claims: nothing sent, claim given back") {
  SharedBench bench;
  SUBCASE("no connection") {
    auto world = bench.world();
    world.send = [](const Request&) -> Result<Response> {
      return fail(Errc::network, "connecting");
    };
    CHECK(exchange(bench.store, bench.endpoint, {}, world).error().errc() == Errc::network);
  }
  SUBCASE("the CLI's lock is lost") {
    bench.store.lock_lost = true;
    CHECK(bench.run().error().errc() == Errc::busy);
    CHECK(bench.sent == 0);
    CHECK_FALSE(bench.has("journal"));
    bench.store.lock_lost = false;  // and the next one need not wait
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
    return;
  }
  SUBCASE("refused") {
    bench.answer = [] { return Result<Response>{Response{429, {}, "{}"}}; };
    CHECK_FALSE(bench.run());
  }
  CHECK_FALSE(bench.row().running);
  CHECK_FALSE(bench.row().unknown);
  CHECK(bench.other_takes("refresh-0"));
}

TEST_CASE("refresh/exchange_claims: after its deadline nothing is sent, whichever clock says so") {
  /// Time goes by on one clock only between the claim and the send.
  struct SlowClaims final : RefreshClaims {
    Result<RefreshClaim> take(std::string_view family, std::string_view, std::string_view,
                              Duration length) override {
      const RefreshClaim claim{std::string{family}, 0, 1, exchange_start + length, false};
      later();
      return claim;
    }
    Result<void> finish(const RefreshClaim&, std::string_view) override { return {}; }
    Result<void> abandon(const RefreshClaim&) override {
      ++given_back;
      return {};
    }
    std::function<void()> later;
    int given_back = 0;
  } slow;
  ExchangeBench bench;
  bench.login("access-0", "refresh-0", exchange_start - 1s);
  bench.claims = &slow;
  SUBCASE("the wall clock: the machine slept") {
    slow.later = [&] { bench.clock.set_wall(exchange_start + 20s); };
  }
  SUBCASE("the monotonic clock: somebody set the other one back") {
    slow.later = [&] {
      bench.clock.advance(20s);
      bench.clock.set_wall(exchange_start);
    };
  }
  CHECK(bench.run().error().errc() == Errc::busy);
  CHECK(bench.sent == 0);
  CHECK(slow.given_back == 1);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE("refresh/exchange_claims: a recovered answer ends the claim under which it came") {
  SharedBench bench;
  const auto claim = bench.ours.take(bench.family(), token_hash("refresh-0"), "host", 35s);
  REQUIRE(claim);
  const auto files = detail::ExchangeFiles::beside(bench.store.file());
  auto journal = detail::Journal::create(
      files, {token_hash("refresh-0"), token_hash("me"), "cut", claim->fence, "", bench.clock.now(),
              false, claim->family, claim->generation});
  REQUIRE(journal);
  SUBCASE("the answer is there") {
    REQUIRE(journal->keep(Secret{ExchangeBench::granted(7).body}, bench.clock.now()));
    CHECK(bench.run()->outcome == ExchangeOutcome::recovered);
    CHECK(bench.row().token == token_hash("refresh-7"));
    CHECK(bench.other_takes("refresh-7"));
  }
  SUBCASE("its CLI wrote another token") {
    bench.login("access-8", "refresh-8", bench.clock.now() + 14min);
    CHECK(bench.run()->outcome == ExchangeOutcome::still_fresh);
    CHECK(bench.row().token == token_hash("refresh-8"));
  }
  CHECK(bench.sent == 0);
  CHECK_FALSE(bench.row().unknown);
  CHECK_FALSE(bench.has("journal"));
}

TEST_CASE("refresh/exchange_claims: a token that was spent is never given back") {
  SharedBench bench;
  SUBCASE("logged out meanwhile") {
    bench.store.on_write = [&] { std::filesystem::remove(bench.store.file()); };
    CHECK(bench.run().error().errc() == Errc::login_needed);
  }
  SUBCASE("another account logged in meanwhile") {
    bench.store.on_write = [&] { bench.login("a", "b", exchange_start + 14min, "somebody"); };
    CHECK(bench.run().error().errc() == Errc::account_changed);
  }
  CHECK(bench.sent == 1);
  CHECK(bench.row().token == token_hash("refresh-1"));
  CHECK(bench.other_takes("refresh-0").error().errc() == Errc::conflict);
}

TEST_CASE("refresh/exchange_claims: what the CLI exchanged under our claim is the family's token") {
  SharedBench bench;
  SUBCASE("before we sent") {
    bench.store.on_lock = [&] { bench.login("access-9", "refresh-9", bench.clock.now() + 14min); };
  }
  SUBCASE("and we were refused") {
    bench.answer = [] {
      return Result<Response>{Response{400, {}, R"({"error":"invalid_grant"})"}};
    };
    bench.on_sleep = [&] { bench.login("access-9", "refresh-9", bench.clock.now() + 14min); };
  }
  CHECK(bench.run()->outcome == ExchangeOutcome::adopted);
  CHECK(bench.row().token == token_hash("refresh-9"));
  CHECK_FALSE(bench.row().running);
}

TEST_CASE("refresh/exchange_claims: a store that is down stops a spend, never one that was made") {
  SharedBench bench;
  DownClaims down;
  bench.claims = &down;
  SUBCASE("not to be had") {
    CHECK(bench.run().error().errc() == Errc::network);
    CHECK(bench.sent == 0);
  }
  SUBCASE("its end is refused") {
    down.takes = true;
    const auto report = bench.run();
    REQUIRE(report);
    CHECK(report->outcome == ExchangeOutcome::exchanged);
    CHECK(report->note.find("finishing") != std::string::npos);
    CHECK(bench.field("refresh") == "refresh-1");
    CHECK_FALSE(bench.has("journal"));
  }
}

TEST_CASE("refresh/exchange_claims: a reusable token needs no claim") {
  SharedBench bench;
  bench.store.reusable = true;
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  CHECK(bench.shared->families.empty());
}
