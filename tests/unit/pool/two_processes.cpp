// SPDX-License-Identifier: MIT
// Real processes on one SQLite file: what the pool and its store do together.
#include <credpool/store/sqlite.hpp>

#include "pool_world.hpp"

#include <credpool/rotation/round_robin.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

using namespace pool_world;

namespace {

const cp::LeaseRequest acme{.provider = "acme"};

/// What a pool in a process of its own can be asked for; it answers with the label of the
/// credential that it lent ('-' when it was refused, '!' when something is wrong).
enum Order : char { in_turn = 't', plainly = 'p', hit_the_limit = 'l' };

char obey(auto& pool, char order) {
  auto lease = order == in_turn ? pool.acquire_in_transaction(acme) : pool.acquire(acme);
  if (!lease) return lease.error().errc() == cp::Errc::no_credential ? '-' : '!';
  lease->report(order == hit_the_limit ? cp::Outcome::rate_limited(start + 10min)
                                       : cp::Outcome::ok());
  return lease->credential().profile_id.back();
}

/// A child process with a pool of three keys on the state directory of that home.
class PoolProcess {
 public:
  explicit PoolProcess(const ThrowawayHome& home) {
    int orders[2];
    int answers[2];
    REQUIRE(::pipe(orders) == 0);
    REQUIRE(::pipe(answers) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::close(orders[1]);
      ::close(answers[0]);
      ::_exit(serve(home, orders[0], answers[1]));
    }
    ::close(orders[0]);
    ::close(answers[1]);
    order_ = orders[1];
    answer_ = answers[0];
  }
  PoolProcess(const PoolProcess&) = delete;
  PoolProcess& operator=(const PoolProcess&) = delete;
  /// The end of its orders ends it.
  ~PoolProcess() {
    ::close(order_);
    ::close(answer_);
    int status = 0;
    CHECK(::waitpid(child_, &status, 0) == child_);
    CHECK(status == 0);
  }
  char operator()(char order) {
    char label = '!';
    REQUIRE(::write(order_, &order, 1) == 1);
    REQUIRE(::read(answer_, &label, 1) == 1);
    return label;
  }

 private:
  static int serve(const ThrowawayHome& home, int orders, int answers) {
    const auto environment = home.environment();
    const auto directory = cp::StateDirectory::locate(environment);
    auto store = cp::SqliteState::open(*directory, environment, 60s);
    if (!store) return 1;
    const cp::ManualClock clock{start};
    cp::PoolSettings settings;
    settings.poll_every = 0ms;  // time stands still: look every time
    cp::Pool pool{cp::Sources<>{},     cp::RoundRobin{},    cp::FirstOf<>{}, std::move(*store),
                  cp::ClockRef{clock}, std::move(settings), nowhere()};
    if (!pool.replace_credentials(keys(3))) return 2;
    for (char order = 0; ::read(orders, &order, 1) == 1;) {
      const char label = obey(pool, order);
      if (::write(answers, &label, 1) != 1) return 3;
    }
    return 0;
  }

  pid_t child_ = -1;
  int order_ = -1;
  int answer_ = -1;
};

}  // namespace

TEST_CASE("pool/shared_state: two processes take turns, obey one another, and add up") {
  const ThrowawayHome home;
  {
    PoolProcess one{home};
    PoolProcess two{home};
    std::string order;
    for (int i = 0; i < 6; ++i) order += {one(in_turn), two(in_turn)};
    // Every three in a row are three different ones: nobody chose from an old state.
    for (std::size_t i = 3; i < order.size(); ++i) CHECK(order[i] == order[i - 3]);
    CHECK(order[0] != order[1]);
    CHECK(order[1] != order[2]);
    CHECK(order[0] != order[2]);

    const char limited = one(hit_the_limit);
    REQUIRE(limited != '!');
    for (int i = 0; i < 4; ++i) {
      CHECK(two(i % 2 == 0 ? in_turn : plainly) != limited);
      CHECK(one(i % 2 == 0 ? plainly : in_turn) != limited);
    }
    two(hit_the_limit);
    one(hit_the_limit);
    CHECK(two(plainly) == '-');
    CHECK(one(in_turn) == '-');
  }
  const auto environment = home.environment();
  auto store = cp::SqliteState::open(*cp::StateDirectory::locate(environment), environment);
  REQUIRE(store);
  std::uint64_t uses = 0;
  std::size_t rests = 0;
  REQUIRE(store->transact(0, [&](const cp::PoolState& all) {
    for (const auto& each : all.credentials) uses += each.total_uses;
    rests = all.cooldowns.size();
    return cp::PoolDelta{};
  }));
  CHECK(uses == 12 + 1 + 8 + 2);
  CHECK(rests == 3);
}
