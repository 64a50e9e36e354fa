// SPDX-License-Identifier: MIT
#include "../../../tools/credpool/online/account_keeper.hpp"

#include <account_world.hpp>

#include <chrono>
#include <thread>

namespace cli = credpool_cli;
namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

/// An account that has made `count` requests, the newest now, one a day.
void used_for_days(AccountWorld& world, int count) {
  world.register_as("a@example.com");
  const auto account = world.account("a@example.com").id;
  for (int i = count - 1; i >= 0; --i) {
    cp::UsageRow row;
    row.request_id = std::to_string(i);
    row.account = account;
    row.key_hash = "0123456789abcdef";
    row.model = "m";
    row.at = world.clock.now() - 24h * i;
    cp::Settlement settlement;
    settlement.key_hash = row.key_hash;
    settlement.account = account;
    settlement.day = "2026-01-01";
    settlement.usage = std::move(row);
    REQUIRE(world.store.settle(std::vector{settlement}, ""));
  }
}

}  // namespace

TEST_CASE("tools/account_keeper: requests that are older than agreed are forgotten, in lots") {
  AccountWorld world;
  used_for_days(world, 12);
  const auto account = world.account("a@example.com").id;
  const auto kept = [&] { return world.store.usage_rows(account, "", {100, 0})->total; };
  REQUIRE(kept() == 12);
  {
    const auto now = world.clock.now();
    cli::AccountKeeper keeper{*world.api,
                              world.store,
                              {.now = [now] { return now; },
                               .on_error = [](const cp::Error& error) { FAIL(error.message()); },
                               .keep_requests = 24h * 4,
                               .forget_at_once = 3}};
    for (int i = 0; i < 1'000 && kept() != 5; ++i) std::this_thread::sleep_for(10ms);
  }
  CHECK(kept() == 5);  // today, and four days before
  CHECK(world.store.usage(account, "", "0000-00-00", "9999-99-99")->at(0).requests == 12);
}
