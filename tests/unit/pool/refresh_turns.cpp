// SPDX-License-Identifier: MIT
// Refreshes of several threads: run it under ThreadSanitizer.
#include <credpool/pool/refresh_turns.hpp>

#include "pool_world.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <semaphore>
#include <thread>

using namespace pool_world;

namespace {

/// What the test's refresh method has seen and waits for.
struct RefreshLog {
  std::atomic<int> calls{0};
  std::atomic<int> refused{0};
  std::binary_semaphore slow_began{0};
  std::binary_semaphore slow_may_end{0};
};

/// Gives "<token>+" for a token; one named "key-slow" takes until the test lets it end.
struct Appending {
  static constexpr std::string_view name = "appending";
  static constexpr bool interactive = false;
  RefreshLog* log;

  bool can_refresh(const cp::Credential&) const { return true; }
  cp::Result<cp::Credential> refresh(const cp::Credential& old, const cp::RefreshContext&) {
    ++log->calls;
    if (old.status == cp::Status::revoked) ++log->refused;
    if (old.secret.reveal() == "key-slow") {
      log->slow_began.release();
      log->slow_may_end.acquire();
    }
    auto fresh = old;
    fresh.secret = cp::Secret{std::string{old.secret.reveal()} + '+'};
    fresh.status = cp::Status::active;
    return fresh;
  }
};
static_assert(cp::RefreshMethod<Appending>);

struct RefreshWorld {
  RefreshWorld() { REQUIRE(pool.replace_credentials({key("slow"), key("fast")})); }

  std::shared_ptr<const cp::Credential> now_there(const std::string& label) {
    return pool.find("acme:" + label).value();
  }

  cp::ManualClock clock{start};
  RefreshLog log;
  cp::Pool<cp::Sources<>, cp::LeastUsed, Appending, cp::MemoryState, cp::ClockRef<cp::ManualClock>>
      pool{cp::Sources<>{},   cp::LeastUsed{},     Appending{&log},
           cp::MemoryState{}, cp::ClockRef{clock}, {},
           nowhere()};
};

}  // namespace

TEST_CASE("pool/refresh_turns: a slow provider does not stop another credential's refresh") {
  RefreshWorld world;
  const std::jthread slow{[&] { CHECK(world.pool.refresh("acme:slow")); }};
  world.log.slow_began.acquire();
  CHECK(world.pool.refresh("acme:fast"));  // would wait for ever if they took turns
  CHECK(world.now_there("fast")->secret.reveal() == "key-fast+");
  world.log.slow_may_end.release();
}

TEST_CASE("pool/refresh_turns: many callers of one credential make one refresh") {
  RefreshWorld world;
  const auto used = world.now_there("fast");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) threads.emplace_back([&] { CHECK(world.pool.refresh(*used)); });
  }
  CHECK(world.log.calls == 1);
  CHECK(world.now_there("fast")->secret.reveal() == "key-fast+");
}

TEST_CASE("pool/pool: a refused token is refreshed; one that was replaced already is left alone") {
  RefreshWorld world;
  const auto used = world.now_there("fast");
  REQUIRE(world.pool.refresh(*used));
  CHECK(world.log.refused == 1);  // the method hears that the provider refused it
  CHECK(world.now_there("fast")->status == cp::Status::active);
  REQUIRE(world.pool.refresh(*used));  // E1: a late 401 of the old token
  CHECK(world.log.calls == 1);
  REQUIRE(world.pool.refresh("acme:fast"));
  CHECK(world.log.calls == 2);
  CHECK(world.log.refused == 1);

  auto gone = *used;
  gone.id = key("unknown").id;
  CHECK(world.pool.refresh(gone).error().errc() == cp::Errc::not_found);
}
