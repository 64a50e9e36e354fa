// SPDX-License-Identifier: MIT
// What probes tell about allowances, and what the policy `quota-aware` makes of it.
#include <credpool/pool/outcome.hpp>

#include "pool_world.hpp"

#include <credpool/rotation/quota_aware.hpp>

#include <doctest/doctest.h>

using namespace pool_world;

namespace {

cp::QuotaWindow window(double used_percent, cp::TimePoint resets_at) {
  cp::QuotaWindow quota;
  quota.used_percent = used_percent;
  quota.resets_at = resets_at;
  return quota;
}

}  // namespace

TEST_CASE("pool/outcome: the tightest window is the one of which least is left") {
  CHECK_FALSE(cp::tightest({}));
  CHECK_FALSE(cp::tightest({{}}));  // tells nothing
  const auto week = window(60, start + 72h);
  CHECK(cp::tightest({window(20, start + 1h), week})->headroom == doctest::Approx(0.4));
  CHECK(cp::tightest({window(20, start + 1h), week})->resets_at == start + 72h);
  CHECK(cp::tightest({window(60, start + 1h), week, window(60, start)})->resets_at == start + 72h);
  auto one_model = window(99, start + 1h);
  one_model.partial = true;
  CHECK(cp::tightest({one_model, week})->resets_at == start + 72h);
  CHECK(cp::tightest({window(130, start)})->headroom == 0);
  cp::QuotaWindow counted;
  counted.used = 25;
  counted.limit = 100;
  CHECK(cp::tightest({counted})->headroom == doctest::Approx(0.75));
  CHECK(cp::tightest({counted})->resets_at == cp::TimePoint{});
}

TEST_CASE("pool/quota: quota-aware spends first what the probes say would expire first") {
  const cp::ManualClock clock{start};
  for (const char* const soon : {"0", "1", "2"}) {
    CAPTURE(soon);
    auto all = keys(3);
    for (auto& each : all) {
      const bool first = TestPool<>::label(each) == soon;
      each.quotas = {window(10, start + (first ? 20min : 150h))};
    }
    SUBCASE("with the credentials") {
      TestPool<cp::QuotaAware> world{clock, all};
      CHECK(world.use() == soon);
    }
    SUBCASE("as a validation's news") {
      TestPool<cp::QuotaAware> world{clock, keys(3)};
      for (const auto& each : all)
        REQUIRE(
            world.pool.note_validation(each.id, cp::Status::active, cp::Reason::none, each.quotas));
      CHECK(world.use() == soon);
    }
  }
}

TEST_CASE("pool/quota: a probe's report that comes again does not undo what answers told") {
  const cp::ManualClock clock{start};
  auto all = keys(2);
  all[0].quotas = {window(0, start + 10min)};
  all[1].quotas = {window(0, start + 20min)};
  const auto spent = [](double headroom) {
    auto outcome = cp::Outcome::ok();
    outcome.quota = cp::QuotaHeadroom{.headroom = headroom, .resets_at = start + 10min};
    return outcome;
  };
  {
    TestPool<cp::QuotaAware> world{clock, all};
    CHECK(world.use({.provider = "acme"}, spent(0.1)) == "0");
    REQUIRE(world.pool.replace_credentials(all));
    CHECK(world.use({.provider = "acme", .model = "another lane"}) == "1");
  }
  TestPool<cp::QuotaAware> world{clock, all};
  CHECK(world.use({.provider = "acme"}, spent(0.1)) == "0");
  all[0].quotas = {window(1, start + 10min)};  // a new report
  REQUIRE(world.pool.replace_credentials(all));
  CHECK(world.use({.provider = "acme", .model = "another lane"}) == "0");
}

TEST_CASE("pool/quota: what a probe finds used up or unpaid rests, until a probe is answered") {
  const cp::ManualClock clock{start};
  const auto all = keys(3);
  TestPool<> world{clock, all};
  const auto answered = [&](std::size_t index, cp::Reason reason, const cp::Outcome& answer) {
    REQUIRE(world.pool.note_validation(all[index].id, cp::Status::active, reason, {}, answer));
  };
  answered(0, cp::Reason::out_of_quota, cp::Outcome::quota_exhausted(start + 3h));
  answered(1, cp::Reason::no_subscription, cp::Outcome::billing());
  answered(2, cp::Reason::none, cp::Outcome::ok());
  for (int i = 0; i < 5; ++i) CHECK(world.use() == "2");
  const auto rests = world.pool.cooldowns();
  REQUIRE(rests.size() == 2);
  CHECK(rests[0].until == start + 3h);
  CHECK(rests[1].reason == cp::CooldownReason::billing);

  answered(0, cp::Reason::none, cp::Outcome::ok());
  answered(1, cp::Reason::none, cp::Outcome::ok());
  CHECK(world.pool.cooldowns().empty());
}
