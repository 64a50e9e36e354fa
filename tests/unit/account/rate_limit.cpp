// SPDX-License-Identifier: MIT
#include <credpool/account/rate_limit.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {
constexpr cp::TimePoint start{cp::Duration{1'795'262'400'000}};
}

TEST_CASE("account/rate_limit: a burst, then one at a time") {
  cp::RateLimiter limiter{{3, 1000ms}};
  for (int i = 0; i < 3; ++i) CHECK_FALSE(limiter.take("a", start));
  CHECK(limiter.take("a", start) == 1000ms);
  CHECK(limiter.take("a", start + 400ms) == 600ms);
  CHECK_FALSE(limiter.take("b", start));
  CHECK_FALSE(limiter.take("a", start + 1000ms));
  CHECK(limiter.take("a", start + 1000ms));
  for (int i = 0; i < 3; ++i) CHECK_FALSE(limiter.take("a", start + 60s));
  CHECK(limiter.take("a", start + 60s));
  // Nothing is saved up beyond the burst, and a clock that was set back locks nobody out.
  CHECK(limiter.take("a", start - 24h) == 1000ms);
  CHECK_FALSE(limiter.take("a", start - 24h + 1s));
}

TEST_CASE("account/rate_limit: zero is without limit") {
  cp::RateLimiter limiter{{0, 1000ms}};
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(limiter.take("a", start));
}

TEST_CASE("account/rate_limit: it remembers so many callers, the latest ones") {
  cp::detail::RecentlyUsed<int> values{3};
  values.at("a") = 1;
  values.at("b") = 2;
  values.at("c") = 3;
  CHECK(values.at("a") == 1);
  values.at("d") = 4;
  CHECK(values.size() == 3);
  CHECK(values.find("b") == nullptr);
  REQUIRE(values.find("a") != nullptr);
  values.erase("a");
  CHECK(values.find("a") == nullptr);
  CHECK(values.size() == 2);

  cp::RateLimiter limiter{{1, 1000ms}, 100};
  CHECK_FALSE(limiter.take("a", start));
  for (int i = 0; i < 50; ++i) limiter.take(std::to_string(i), start);
  CHECK(limiter.take("a", start));
}

TEST_CASE("account/rate_limit: guesses become slow, and slower") {
  cp::FailureBackoff backoff{{3, 1000ms, 60s}};
  auto now = start;
  for (int i = 0; i < 4; ++i) CHECK_FALSE(backoff.attempt("a", now));
  CHECK(backoff.attempt("a", now) == 1000ms);
  // A refused attempt does not make it longer.
  CHECK(backoff.attempt("a", now) == 1000ms);
  now += 1s;
  CHECK_FALSE(backoff.attempt("a", now));
  CHECK(backoff.attempt("a", now) == 2000ms);
  CHECK_FALSE(backoff.attempt("b", now));
  for (int i = 0; i < 20; ++i) {
    now += backoff.attempt("a", now).value_or(0ms);
    backoff.attempt("a", now);
  }
  CHECK(backoff.attempt("a", now) <= 60s);
  CHECK(backoff.attempt("a", now) > 30s);
  // Quiet hours are worth something.
  CHECK_FALSE(backoff.attempt("a", now + 24h));
  CHECK_FALSE(backoff.attempt("a", now + 24h));
}

TEST_CASE("account/rate_limit: success forgets, and what did not count is taken back") {
  cp::FailureBackoff backoff{{1, 1000ms, 60s}};
  CHECK_FALSE(backoff.attempt("a", start));
  CHECK_FALSE(backoff.attempt("a", start));
  CHECK(backoff.attempt("a", start));
  backoff.succeeded("a");
  CHECK_FALSE(backoff.attempt("a", start));
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(backoff.attempt("a", start));
    backoff.take_back("a");
  }
  backoff.take_back("nobody");
}

TEST_CASE("account/rate_limit: guesses at the same time are counted like guesses in turn") {
  cp::FailureBackoff backoff{{5, 1000ms, 60s}};
  std::atomic<int> allowed{0};
  std::vector<std::thread> guessers;
  for (int i = 0; i < 16; ++i)
    guessers.emplace_back([&] {
      for (int j = 0; j < 8; ++j)
        if (!backoff.attempt("a", start)) ++allowed;
    });
  for (auto& guesser : guessers) guesser.join();
  CHECK(allowed == 6);
}

TEST_CASE("account/rate_limit: an IPv6 customer is one caller") {
  CHECK(cp::counted_peer("192.0.2.1") == "192.0.2.1");
  CHECK(cp::counted_peer("192.0.2.1") != cp::counted_peer("192.0.2.2"));
  CHECK(cp::counted_peer("2001:db8:1:2::1") == cp::counted_peer("2001:db8:1:2:ffff::9"));
  CHECK(cp::counted_peer("2001:db8:1:2::1") != cp::counted_peer("2001:db8:1:3::1"));
  CHECK(cp::counted_peer("::ffff:192.0.2.1") != cp::counted_peer("::ffff:192.0.2.2"));
  CHECK(cp::counted_peer("").empty());
  CHECK(cp::counted_peer(std::string(1000, 'x')).size() == 64);
}
