// SPDX-License-Identifier: MIT
#include <credpool/pool/simulate.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

/// Four accounts, a day of twenty sessions, one request every ten seconds.
cp::Trace day(std::uint32_t allowance = 5000) {
  cp::Trace trace;
  for (int i = 0; i < 4; ++i)
    trace.accounts.push_back({.name = "account-" + std::to_string(i),
                              .requests = allowance,
                              .offset = std::chrono::hours{i}});
  for (int i = 0; i < 8640; ++i)
    trace.requests.push_back(
        {.at = 10s * i, .model = "k2", .session = "s" + std::to_string(i / 30 % 20), .takes = 3s});
  return trace;
}

cp::Simulation run(const cp::Trace& trace, std::string_view policy) {
  auto result = cp::simulate(trace, policy);
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("pool/simulate: Jain's index") {
  CHECK(cp::jain_index({}) == 1);
  CHECK(cp::jain_index({3, 3, 3}) == doctest::Approx(1));
  CHECK(cp::jain_index({5, 0, 0, 0}) == doctest::Approx(0.25));
}

TEST_CASE("pool/simulate: every policy serves a trace within the limits, and the sums agree") {
  const auto trace = day();
  for (const auto policy : cp::AnyRotation::names) {
    CAPTURE(policy);
    const auto result = run(trace, policy);
    CHECK(result.policy == policy);
    CHECK(result.served == trace.requests.size());
    CHECK(result.refused == 0);
    std::uint64_t served = 0;
    for (const auto& account : result.accounts) served += account.served;
    CHECK(served == result.served);
  }
}

TEST_CASE("pool/simulate: policies differ where they should") {
  const auto trace = day();
  CHECK(run(trace, "round-robin").fairness > 0.999);
  CHECK(run(trace, "least-used").fairness > 0.999);
  CHECK(run(trace, "pinned").fairness == doctest::Approx(0.25));
  const auto cache_rate = [&](std::string_view policy) {
    const auto result = run(trace, policy);
    return static_cast<double>(result.cache_hits) / static_cast<double>(result.cache_chances);
  };
  CHECK(cache_rate("fill-first") > 2 * cache_rate("round-robin"));
  auto sticky = trace;
  sticky.affinity = cp::Affinity::soft;
  const auto stuck = run(sticky, "round-robin");
  CHECK(stuck.cache_hits > 2 * run(trace, "round-robin").cache_hits);
}

TEST_CASE("pool/simulate: limits refuse, and who tells its reset is not asked again before it") {
  const auto result = run(day(100), "round-robin");
  CHECK(result.refused > 0);
  CHECK(result.served + result.refused == 8640);
  CHECK(result.served <= 4 * 6 * 100);
  CHECK(result.limited < 200);  // of 8640 requests: the trials of far resets
  CHECK(result.wasted <= result.allowance);
  const auto again = run(day(100), "round-robin");
  CHECK(again.served == result.served);
}

TEST_CASE("pool/simulate: a wrong trace is refused") {
  CHECK(cp::simulate({}, "nothing").error().errc() == cp::Errc::configuration);
  CHECK(cp::simulate({}, "p2c"));
  const auto refused = [](cp::Trace trace) {
    return cp::simulate(trace, "p2c").error().errc() == cp::Errc::invalid_argument;
  };
  CHECK(refused({.accounts = {{.name = "a"}, {.name = "a"}}, .requests = {}}));
  CHECK(refused({.accounts = {{.name = "a", .window = 0s}}, .requests = {}}));
  CHECK(refused({.accounts = {}, .requests = {{.at = 2s}, {.at = 1s}}}));
}
