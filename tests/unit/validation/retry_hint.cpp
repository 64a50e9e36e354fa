// SPDX-License-Identifier: MIT
#include <credpool/validation/retry_hint.hpp>

#include <credpool/core/iso8601.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace cp = credpool;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

// 2026-11-18T10:40:00Z
constexpr cp::TimePoint now{milliseconds{1794998400000}};

cp::Response answer(std::vector<cp::Header> headers, std::string body = {}) {
  return {429, std::move(headers), std::move(body)};
}

}  // namespace

TEST_CASE("validation/retry_hint: A12 Retry-After in seconds, as a date, past, absurd, garbage") {
  const auto told = [](std::string value) {
    return cp::retry_hint(answer({{"Retry-After", std::move(value)}}), now);
  };
  CHECK(told("5") == now + seconds{5});
  CHECK(told(" 5 ") == now + seconds{5});
  CHECK(told("0") == now);
  CHECK(told("1.5") == now + milliseconds{1500});
  CHECK(told("Wed, 18 Nov 2026 10:41:00 GMT") == now + minutes{1});
  CHECK(told("Wed, 18 Nov 2026 10:39:00 GMT") == now);  // past
  CHECK(told("1e9") == std::nullopt);
  CHECK(told("1000000000") == now + cp::longest_wait);
  CHECK(told("99999999999999999999999999") == now + cp::longest_wait);
  CHECK(told("Fri, 31 Dec 9999 23:59:59 GMT") == now + cp::longest_wait);
  for (const auto* garbage : {"", "soon", "-5", "nan", "inf", "0x10", "5 apples",
                              "Wed, 31 Feb 2026 10:41:00 GMT", "Wed, 18 Nov 2026 25:41:00 GMT"}) {
    CAPTURE(garbage);
    CHECK(told(garbage) == std::nullopt);
  }
}

TEST_CASE("validation/retry_hint: the three date forms of HTTP") {
  const auto expected = cp::parse_iso8601("1994-11-06T08:49:37Z");
  CHECK(cp::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now) == expected);
  CHECK(cp::parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now) == expected);
  CHECK(cp::parse_http_date("Sun Nov  6 08:49:37 1994", now) == expected);
  CHECK(cp::parse_http_date("Sunday, 06-Nov-30 08:49:37 GMT", now) ==
        cp::parse_iso8601("2030-11-06T08:49:37Z"));
  CHECK(cp::parse_http_date("06 Nov 1994", now) == std::nullopt);
}

TEST_CASE("validation/retry_hint: lengths of time") {
  CHECK(cp::parse_wait("20ms") == milliseconds{20});
  CHECK(cp::parse_wait("6m0s") == minutes{6});
  CHECK(cp::parse_wait("3.5s") == milliseconds{3500});
  CHECK(cp::parse_wait("1h2m") == minutes{62});
  CHECK(cp::parse_wait("7") == seconds{7});
  CHECK(cp::parse_wait("2d") == hours{48});
  for (const auto* garbage : {"", "s", "1x", "5s3", "-1s", "99999999999999h"}) {
    CAPTURE(garbage);
    CHECK(cp::parse_wait(garbage) == std::nullopt);
  }
}

TEST_CASE("validation/retry_hint: moments, in seconds, milliseconds, ISO 8601 or from now") {
  const auto expected = now + minutes{5};
  CHECK(cp::parse_reset("1794998700", now) == expected);
  CHECK(cp::parse_reset("1794998700000", now) == expected);
  CHECK(cp::parse_reset("2026-11-18T10:45:00Z", now) == expected);
  CHECK(cp::parse_reset("300", now) == expected);
  CHECK(cp::parse_reset("5m", now) == expected);
  CHECK(cp::parse_reset("tomorrow", now) == std::nullopt);
}

TEST_CASE("validation/retry_hint: reset headers count when what they meter is used up") {
  CHECK(cp::retry_hint(answer({{"x-ratelimit-remaining-requests", "0"},
                               {"x-ratelimit-reset-requests", "1s"},
                               {"x-ratelimit-remaining-tokens", "900"},
                               {"x-ratelimit-reset-tokens", "6m0s"}}),
                       now) == now + seconds{1});
  CHECK(cp::retry_hint(answer({{"anthropic-ratelimit-tokens-reset", "2026-11-18T10:42:00Z"},
                               {"anthropic-ratelimit-requests-reset", "2026-11-18T10:41:00Z"}}),
                       now) == now + minutes{1});
  CHECK(cp::retry_hint(answer({{"anthropic-ratelimit-unified-reset", "1794998700"}}), now) ==
        now + minutes{5});
  CHECK(cp::retry_hint(answer({{"RateLimit-Reset", "30"}}), now) == now + seconds{30});
}

TEST_CASE("validation/retry_hint: fields of the body") {
  const auto told = [](std::string body) {
    return cp::retry_hint(answer({}, std::move(body)), now);
  };
  CHECK(told(R"({"error":{"resets_at":1794998700}})") == now + minutes{5});
  CHECK(told(R"({"error":{"resets_in_seconds":90}})") == now + seconds{90});
  CHECK(told(R"({"reset_at":"1794998700"})") == now + minutes{5});
  CHECK(told(R"({"resetTime":"2026-11-18T10:45:00.123456Z"})") ==
        now + minutes{5} + milliseconds{123});
  CHECK(
      told(
          R"({"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"32.5s"}]}})") ==
      now + milliseconds{32500});
  CHECK(told(R"({"error":{"details":[{"metadata":{"quotaResetDelay":"1h2m3s"}}]}})") ==
        now + seconds{3723});
  CHECK(told(R"({"error":{"metadata":{"headers":{"X-RateLimit-Reset":"1794998700000"}}}})") ==
        now + minutes{5});
  CHECK(told(R"({"error":{"message":"Rate limit reached. Please try again in 20s."}})") ==
        now + seconds{20});
  CHECK(told(R"({"error":{"message":"Please try again in 5 minutes"}})") == now + minutes{5});
  CHECK(told(R"({"error":{"resets_at":"never"}})") == std::nullopt);
  CHECK(told(R"({"error":{"resets_at":-7}})") == std::nullopt);
  CHECK(told("try again in 20s") == std::nullopt);  // not from a provider's JSON
  CHECK(told("{") == std::nullopt);
}

TEST_CASE(
    "validation/retry_hint: Retry-After leads for a rate limit, the window's end for a quota") {
  const auto both = answer({{"Retry-After", "60"}}, R"({"error":{"resets_at":1795430400}})");
  CHECK(cp::retry_hint(both, now) == now + seconds{60});
  CHECK(cp::reset_hint(both, now, hours{24 * 31}) == now + hours{24 * 5});
  CHECK(cp::reset_hint(answer({{"Retry-After", "60"}}), now, hours{24}) == now + seconds{60});
}
