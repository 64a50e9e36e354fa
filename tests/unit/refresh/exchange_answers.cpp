// SPDX-License-Identifier: MIT
// What a token endpoint may answer, form by form.
#include <credpool/refresh/exchange.hpp>

#include "exchange_fixture.hpp"

#include <doctest/doctest.h>

using namespace credpool;
using namespace std::chrono_literals;

namespace {

Response with(int status, std::string retry_after) {
  Response response{status, {}, "{}"};
  if (!retry_after.empty()) response.headers.push_back({"Retry-After", std::move(retry_after)});
  return response;
}

}  // namespace

TEST_CASE("refresh/exchange_answers: 429 and 503 are waited for as told, within 1 s and an hour") {
  ExchangeBench bench;
  bench.login("access-0", "refresh-0", exchange_start - 1s);
  Duration least{}, most{};
  std::string told;
  bool told_to_wait = false;
  SUBCASE("seconds") {
    told = "7", least = most = 7s;
  }
  SUBCASE("a date") {
    told = "Fri, 15 Jan 2027 08:00:30 GMT", least = most = 30s;
  }
  SUBCASE("a date that is over") {
    told_to_wait = true, told = "Fri, 15 Jan 2027 07:00:00 GMT", most = 2s;
  }
  SUBCASE("for ever") {
    told = "1000000000", least = most = 1h;
  }
  SUBCASE("garbage") {
    told = "soon", most = 2s;
  }
  SUBCASE("a negative number") {
    told = "-5", most = 2s;
  }
  SUBCASE("nothing") {
    most = 2s;
  }
  for (const int status : {429, 503}) {
    CAPTURE(told);
    CAPTURE(status);
    bench.answer = [&] { return Result<Response>{with(status, told)}; };
    const auto sent = bench.sent.load();
    const auto refused = bench.run();
    REQUIRE_FALSE(refused);
    if (status == 503 && least == Duration{0} && !told_to_wait) {
      // Without a word about waiting it may have come from anywhere, after the token was spent.
      CHECK(refused.error().errc() == Errc::outcome_unknown);
      return;
    }
    REQUIRE(refused.error().retry_at);
    const auto wait = *refused.error().retry_at - bench.clock.now();
    CHECK(wait >= least);
    CHECK(wait <= most);
    CHECK_FALSE(bench.has("journal"));
    CHECK_FALSE(bench.run());
    CHECK(bench.sent == sent + 1);
    bench.home.write(".credpool-login.json.state", "{}");
  }
}

TEST_CASE("refresh/exchange_answers: a redirect is refused, and the login stays good") {
  for (const int status : {301, 302, 303, 307, 308}) {
    ExchangeBench bench;
    bench.clock.advance(1min);
    bench.answer = [&] {
      return Result<Response>{Response{status, {{"Location", "http://elsewhere.test/"}}, ""}};
    };
    CHECK(bench.run().error().errc() == Errc::configuration);
    CHECK(bench.sent == 1);
    CHECK_FALSE(exchange_trace(bench.store)->dead);
    CHECK_FALSE(bench.has("journal"));
    CHECK(bench.field("refresh") == "refresh-0");
  }
}

TEST_CASE("refresh/exchange_answers: each form of expires_in") {
  ExchangeBench bench;
  bench.clock.advance(1min);
  std::string told;
  bench.answer = [&] {
    return Result<Response>{Response{
        200, {}, R"({"access_token":"access-1","refresh_token":"refresh-1")" + told + "}"}};
  };
  SUBCASE("digits in a text") {
    told = R"(,"expires_in":"900")";
    const auto answered = bench.clock.now();
    CHECK(bench.run()->tokens.expires_at == answered + 15min);
    CHECK(bench.field("refresh") == "refresh-1");
  }
  SUBCASE("absent: the end is not known") {
    const auto report = bench.run();
    REQUIRE(report);
    CHECK(report->outcome == ExchangeOutcome::exchanged);
    CHECK_FALSE(report->tokens.expires_at);
    CHECK(bench.run()->outcome == ExchangeOutcome::still_fresh);
    CHECK(bench.sent == 1);
  }
  SUBCASE("no lifetime at all: the login is kept, its end is not known") {
    for (const auto* value : {"0", "-1", "true", "\"soon\""}) {
      CAPTURE(value);
      ExchangeBench each;
      each.clock.advance(1min);
      each.answer = [&] {
        return Result<Response>{Response{200,
                                         {},
                                         R"({"access_token":"a","refresh_token":"r",)"
                                         R"("expires_in":)" +
                                             std::string{value} + "}"}};
      };
      const auto report = each.run();
      REQUIRE(report);
      CHECK(report->outcome == ExchangeOutcome::exchanged);
      CHECK(each.field("refresh") == "r");
      CHECK_FALSE(each.has("journal"));
    }
  }
  SUBCASE("no JSON: as good as no answer") {
    told = R"(,"expires_in":1e400)";
    CHECK(bench.run().error().errc() == Errc::outcome_unknown);
    CHECK(bench.field("refresh") == "refresh-0");
    CHECK(bench.has("journal"));
  }
}

TEST_CASE("refresh/exchange_answers: no new refresh token, the old one stays") {
  ExchangeBench bench;
  bench.answer = [&] {
    return Result<Response>{Response{200, {}, R"({"access_token":"access-1","expires_in":900})"}};
  };
  CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  CHECK(bench.field("access") == "access-1");
  CHECK(bench.field("refresh") == "refresh-0");
  bench.clock.advance(14min);
  CHECK(bench.run());
  CHECK(bench.sent == 2);
}

TEST_CASE("refresh/exchange_answers: a reusable token needs no journal and no late retry") {
  ExchangeBench bench;
  bench.store.reusable = true;
  bench.clock.advance(1min);
  SUBCASE("granted") {
    bench.answer = [&] {
      CHECK_FALSE(bench.has("journal"));
      return Result<Response>{ExchangeBench::granted(1)};
    };
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
    CHECK(bench.files() == 3);
  }
  SUBCASE("lost: tried again as after any failure") {
    bench.answer = [&]() -> Result<Response> {
      if (bench.sent == 1) return fail(Errc::timeout, "waiting");
      return ExchangeBench::granted(bench.sent);
    };
    const auto lost = bench.run();
    CHECK(lost.error().errc() == Errc::network);
    REQUIRE(lost.error().retry_at);
    CHECK_FALSE(bench.has("journal"));
    bench.clock.advance(6s);
    CHECK(bench.run()->outcome == ExchangeOutcome::exchanged);
  }
  SUBCASE("theirs is newer: ours is dropped, nothing is put aside") {
    bench.store.on_write = [&] { bench.login("a", "b", exchange_start + 20min); };
    CHECK(bench.run()->outcome == ExchangeOutcome::adopted);
    CHECK(bench.files() == 3);
  }
}
