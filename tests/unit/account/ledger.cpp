// SPDX-License-Identifier: MIT
#include <credpool/account/ledger.hpp>

#include <credpool/core/clock.hpp>

#include "moody_store.hpp"

#include <contract/account/account_spending.hpp>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

namespace cp = credpool;
using namespace account_contract;
using std::chrono::milliseconds;

namespace {

const cp::Money cent{10'000};

/// A store, a clock that stands still, and a ledger.
struct World {
  MoodyStore store;
  cp::ManualClock clock{start};
  std::atomic<int> looks{0};  ///< at the monotonic clock; the ledger's thread has three a round
  std::unique_ptr<cp::Ledger> ledger;

  cp::LedgerOptions options() {
    cp::LedgerOptions how;
    how.now = [this] { return clock.now(); };
    how.steady = [this] {
      ++looks;
      return clock.steady();
    };
    return how;
  }
  void begin(const std::function<void(cp::LedgerOptions&)>& change = {}) {
    auto how = options();
    if (change) change(how);
    auto started = cp::Ledger::start(store, how);
    REQUIRE(started);
    ledger = *std::move(started);
  }
  /// Time passes, and the ledger sees it.
  void advance(cp::Duration by) {
    clock.advance(by);
    ledger->wake();
  }

  struct Held {
    std::promise<cp::Result<cp::Spend>> promise;
    std::future<cp::Result<cp::Spend>> future = promise.get_future();
  };
  std::shared_ptr<Held> ask(const cp::ProvisionedKey& key, cp::Money amount) {
    auto held = std::make_shared<Held>();
    auto now = ledger->hold(key.digest, amount,
                            [held](auto later) { held->promise.set_value(std::move(later)); });
    if (now) held->promise.set_value(*std::move(now));
    return held;
  }
  static bool answered(const Held& held) {
    return held.future.wait_for(milliseconds{0}) == std::future_status::ready;
  }
  cp::Result<cp::Spend> hold(const cp::ProvisionedKey& key, cp::Money amount) {
    auto held = ask(key, amount);
    REQUIRE(held->future.wait_for(std::chrono::seconds{20}) == std::future_status::ready);
    return held->future.get();
  }
  cp::Result<void> settle(cp::Spend& spend, cp::Money cost) {
    std::promise<cp::Result<void>> done;
    auto future = done.get_future();
    cp::UsageRow usage;
    usage.model = "m";
    usage.cost = cost;
    usage.status = 200;
    spend.settle(usage, [&](auto result) { done.set_value(std::move(result)); });
    REQUIRE(future.wait_for(std::chrono::seconds{20}) == std::future_status::ready);
    return future.get();
  }
  /// The ledger's thread goes round, twice at least: whoever it could answer has been answered.
  void go_round() {
    const int before = looks;
    REQUIRE(soon([&] {
      ledger->wake();
      return looks > before + 12;
    }));
  }
  /// Waits (real time) until something is so; the ledger's thread makes it so.
  template <class F> static bool soon(F&& is_so) {
    for (int i = 0; i < 5'000; ++i) {
      if (is_so()) return true;
      std::this_thread::sleep_for(milliseconds{1});
    }
    return false;
  }
  cp::Money reserved(const cp::AccountId& account) { return store.balance(account)->reserved; }
};

}  // namespace

TEST_CASE("account/ledger: a hold, a settlement, and what is left over") {
  World world;
  const auto account = add_account(world.store, "ann", cp::Money::dollars(100));
  const auto key = add_key(world.store, "ann", "k");
  world.begin();
  auto first = world.hold(key, cent);
  REQUIRE(first);
  CHECK(first->held() == cent);
  CHECK(first->key_hash() == key.hash);
  CHECK(first->account() == account);
  CHECK(static_cast<bool>(*first));
  // Much is left, so the next ones need nobody.
  const int asked = world.store.reservations;
  auto second = world.ledger->hold(key.digest, cent, {});
  REQUIRE(second);
  REQUIRE(*second);
  CHECK(world.store.reservations == asked);

  REQUIRE(world.settle(*first, cp::Money{4'000}));
  CHECK_FALSE(static_cast<bool>(*first));
  CHECK(world.store.balance(account)->usage == cp::Money{4'000});
  REQUIRE(world.settle(**second, cp::Money{25'000}));  // more than was held
  CHECK(world.store.balance(account)->usage == cp::Money{29'000});
  const auto rows = world.store.usage_rows(account, key.hash, {});
  REQUIRE(rows->items.size() == 2);
  CHECK(rows->items[0].at == start);
  CHECK(rows->items[0].model == "m");
  CHECK(world.store.usage(account, key.hash, "2026-01-01", "2026-12-31")->at(0).day ==
        cp::LedgerCalendar{}.day(start));

  // What is not settled goes back; what idles, too.
  { const auto third = world.hold(key, cent); }
  world.advance(cp::Duration{10'000});
  CHECK(World::soon([&] { return world.reserved(account) == cp::Money{}; }));
  world.ledger->stop();
  check_books(world.store, account);
  CHECK(world.store.balance(account)->usage == cp::Money{29'000});
}

TEST_CASE("account/ledger: refusals and bad amounts") {
  World world;
  add_account(world.store, "ann", cp::Money::dollars(1));
  const auto key = add_key(world.store, "ann", "k", cent);
  auto disabled = add_key(world.store, "ann", "d");
  REQUIRE(world.store.change_key(disabled.account, disabled.hash, [](auto& k) -> cp::Result<void> {
    k.disabled = true;
    return {};
  }));
  const auto free = add_key(world.store, "ann", "f");
  world.begin();
  refused(world.hold(key_named("ann", "unknown"), cent), cp::Errc::unauthorized);
  const auto off = world.hold(disabled, cent);
  refused(off, cp::Errc::forbidden);
  CHECK(off.error().hint == cp::key_disabled_hint);
  refused(world.hold(key, cent + cp::Money{1}), cp::Errc::rate_limited);
  refused(world.hold(free, cp::Money::dollars(2)), cp::Errc::quota_exhausted);
  refused(world.hold(key, cp::Money{-1}), cp::Errc::invalid_argument);
  refused(world.hold(key, cp::most_money + cp::Money{1}), cp::Errc::invalid_argument);
  CHECK(world.hold(key, cent));
  auto good = world.hold(free, cent);
  REQUIRE(good);
  refused(world.settle(*good, cp::Money{-1}), cp::Errc::invalid_argument);
  CHECK_FALSE(static_cast<bool>(*good));
}

TEST_CASE("account/ledger: one who needs less is served though one who needs more is not") {
  World world;
  add_account(world.store, "ann", cent);
  const auto key = add_key(world.store, "ann", "k");
  world.begin();
  world.store.blocked = true;
  const auto much = world.ask(key, cp::Money::dollars(1));
  const auto little = world.ask(key, cent);
  const auto much_again = world.ask(key, cp::Money::dollars(1));
  world.store.blocked = false;
  refused(much->future.get(), cp::Errc::quota_exhausted);
  CHECK(little->future.get());
  refused(much_again->future.get(), cp::Errc::quota_exhausted);
}

TEST_CASE("account/ledger: who comes while all is held waits, and gets what comes back") {
  World world;
  const auto account = add_account(world.store, "ann", cent);
  const auto key = add_key(world.store, "ann", "k");
  const auto other = add_key(world.store, "ann", "o");
  world.begin();
  auto first = world.hold(key, cent);
  REQUIRE(first);
  const auto same_key = world.ask(key, cp::Money{5'000});
  const auto other_key = world.ask(other, cp::Money{4'000});
  world.go_round();
  CHECK_FALSE(World::answered(*same_key));
  CHECK_FALSE(World::answered(*other_key));
  REQUIRE(world.settle(*first, cp::Money{1'000}));
  auto second = same_key->future.get();
  REQUIRE(second);
  // The clock does not move: it is the settlement that brings the other its turn.
  auto third = other_key->future.get();
  REQUIRE(third);
  REQUIRE(world.settle(*second, cp::Money{5'000}));
  REQUIRE(world.settle(*third, cp::Money{4'000}));
  refused(world.hold(key, cp::Money{1}), cp::Errc::quota_exhausted);
  CHECK(world.reserved(account) == cp::Money{});
  check_books(world.store, account);
}

TEST_CASE("account/ledger: nobody waits longer than was set") {
  World world;
  add_account(world.store, "ann", cent);
  const auto key = add_key(world.store, "ann", "k");
  SUBCASE("a while") {
    world.begin();
    auto first = world.hold(key, cent);
    REQUIRE(first);
    const auto waits = world.ask(key, cent);
    world.advance(cp::Duration{1'900});
    world.go_round();
    CHECK_FALSE(World::answered(*waits));
    world.advance(cp::Duration{200});
    refused(waits->future.get(), cp::Errc::quota_exhausted);
  }
  SUBCASE("not at all") {
    world.begin([](auto& how) { how.wait = cp::Duration::zero(); });
    auto first = world.hold(key, cent);
    REQUIRE(first);
    refused(world.hold(key, cent), cp::Errc::quota_exhausted);
  }
  SUBCASE("nor more than a number") {
    world.begin([](auto& how) { how.most_waiting = 1; });
    auto first = world.hold(key, cent);
    REQUIRE(first);
    const auto waits = world.ask(key, cent);
    refused(world.hold(key, cent), cp::Errc::overloaded);
  }
}

TEST_CASE("account/ledger: no allowance is left idle where another key of the account wants it") {
  World world;
  add_account(world.store, "ann", cp::Money::dollars(10));
  const auto key = add_key(world.store, "ann", "k");
  const auto other = add_key(world.store, "ann", "o");
  world.begin();
  auto first = world.hold(key, cent);  // and a chunk is kept for the key
  REQUIRE(first);
  REQUIRE(world.settle(*first, cent));
  CHECK(world.reserved(key.account) > cp::Money{});
  CHECK(world.hold(other, cp::Money{9'990'000}));
}

TEST_CASE("account/ledger: a key that was changed here is asked about at once, elsewhere soon") {
  World world;
  add_account(world.store, "ann", cp::Money::dollars(100));
  const auto key = add_key(world.store, "ann", "k");
  world.begin();
  REQUIRE(world.hold(key, cent));
  REQUIRE(world.store.change_key(key.account, key.hash, [](auto& k) -> cp::Result<void> {
    k.revoked_at = start;
    return {};
  }));
  SUBCASE("here") {
    CHECK(*world.ledger->hold(key.digest, cent, {}));
    world.ledger->recheck(key.hash);
    refused(world.hold(key, cent), cp::Errc::unauthorized);
  }
  SUBCASE("elsewhere") {
    world.advance(cp::Duration{5'000});
    refused(world.hold(key, cent), cp::Errc::unauthorized);
  }
  SUBCASE("elsewhere, while it is in use") {
    world.clock.advance(cp::Duration{2'600});
    CHECK(world.hold(key, cent));  // and the store is asked behind it
    CHECK(World::soon([&] {
      const auto again = world.ledger->hold(key.digest, cent, {});
      return !again || !*again;
    }));
  }
  CHECK(World::soon([&] { return world.reserved(key.account) == cp::Money{}; }));
}

TEST_CASE("account/ledger: a period's end ends its allowance") {
  World world;
  const auto today = cp::LedgerCalendar{}.period(cp::LimitReset::daily, start);
  world.clock.set_wall(today.end - cp::Duration{1});
  const auto account = add_account(world.store, "ann", cp::Money::dollars(100));
  const auto key = add_key(world.store, "ann", "k", cp::Money::dollars(1), cp::LimitReset::daily);
  world.begin();
  auto whole = world.hold(key, cp::Money::dollars(1));
  REQUIRE(whole);
  CHECK(world.hold(key, cp::Money{}));
  world.advance(cp::Duration{1});
  auto next = world.hold(key, cp::Money::dollars(1));
  REQUIRE(next);
  REQUIRE(world.settle(*whole, cp::Money::dollars(1)));
  CHECK((*world.store.key(account, key.hash))->period_usage == cp::Money{});
  REQUIRE(world.settle(*next, cp::Money{400'000}));
  CHECK((*world.store.key(account, key.hash))->period_usage == cp::Money{400'000});
  CHECK((*world.store.key(account, key.hash))->period_start == today.end);
  CHECK((*world.store.key(account, key.hash))->usage == cp::Money{1'400'000});
  world.ledger->stop();
  CHECK(world.reserved(account) == cp::Money{});
  check_books(world.store, account);
}

TEST_CASE("account/ledger: settlements are durable when they are said to be, each once") {
  World world;
  const auto account = add_account(world.store, "ann", cp::Money::dollars(100));
  const auto key = add_key(world.store, "ann", "k");
  world.begin();
  auto first = world.hold(key, cent);
  auto second = world.hold(key, cent);
  REQUIRE(first);
  REQUIRE(second);
  SUBCASE("the store fails for a while") {
    world.store.broken = true;
    std::atomic<int> told{0}, failures{0};
    cp::UsageRow usage;
    usage.cost = cent;
    const auto count = [&](auto result) { ++told, failures += result ? 0 : 1; };
    first->settle(usage, count);
    world.go_round();
    CHECK(told == 0);
    world.advance(cp::Duration{10'000});
    CHECK(World::soon([&] { return told == 1; }));
    CHECK(failures == 1);
    world.store.broken = false;
    second->settle(usage, count);
    // Both come to be durable.
    CHECK(World::soon([&] {
      world.advance(cp::Duration{100});
      return world.store.balance(account)->usage == cent + cent;
    }));
    CHECK(World::soon([&] { return told == 2; }));
    CHECK(failures == 1);
  }
  SUBCASE("nobody knows whether it was") {
    world.store.lost_answers = 2;
    cp::UsageRow usage;
    usage.cost = cent;
    std::atomic<int> told{0};
    first->settle(usage, [&](auto result) { told += result ? 1 : 100; });
    CHECK(World::soon([&] {
      world.advance(cp::Duration{50});
      return told == 1;
    }));
    CHECK(world.store.batches >= 3);
    CHECK(world.store.balance(account)->usage == cent);
  }
  first->release();
  second->release();
  world.ledger->stop();
  check_books(world.store, account);
}

TEST_CASE(
    "account/ledger: a server that the store does not hear stops holding before its lease ends") {
  World world;
  add_account(world.store, "ann", cp::Money::dollars(100));
  const auto key = add_key(world.store, "ann", "k");
  world.begin([](auto& how) { how.recheck = how.idle = how.lease; });
  REQUIRE(world.hold(key, cent));
  SUBCASE("unreachable") {
    world.store.broken = true;
    world.advance(cp::Duration{299'000});
    CHECK(*world.ledger->hold(key.digest, cent, {}));
    world.advance(cp::Duration{1'000});
    const auto waits = world.ask(key, cent);
    world.go_round();
    CHECK_FALSE(World::answered(*waits));
    CHECK(World::soon([&] {
      world.advance(cp::Duration{500});
      return World::answered(*waits);
    }));
    refused(waits->future.get(), cp::Errc::timeout);
    world.store.broken = false;
    CHECK(World::soon([&] {
      world.advance(cp::Duration{500});
      const auto again = world.ask(key, cent);
      return World::soon([&] { return World::answered(*again); }) && again->future.get();
    }));
  }
  SUBCASE("another server has its name") {
    world.store.lost_name = true;
    world.advance(cp::Duration{60'000});
    CHECK(World::soon([&] { return world.store.extensions >= 2; }));
    CHECK(World::soon([&] {
      const auto again = world.ask(key, cent);
      return !again->future.get();
    }));
    refused(world.hold(key, cent), cp::Errc::conflict);
  }
}

TEST_CASE(
    "account/ledger: a server that was thought dead begins anew when its requests have ended") {
  World world;
  const auto account = add_account(world.store, "ann", cp::Money::dollars(100));
  const auto key = add_key(world.store, "ann", "k");
  world.begin([](auto& how) { how.recheck = how.idle = how.lease; });
  auto held = world.hold(key, cent);
  REQUIRE(held);
  // Another server takes back what this one has.
  REQUIRE(world.store.inner.reclaim(start, true));
  world.store.forgotten = true;
  world.advance(cp::Duration{60'000});
  CHECK(World::soon([&] {
    const auto refusal = world.ask(key, cent)->future.get();
    return !refusal && refusal.error().errc() == cp::Errc::not_found;
  }));
  world.advance(cp::Duration{2'000});
  world.go_round();
  CHECK(world.store.forgotten);  // a request is under way
  REQUIRE(world.settle(*held, cent));
  CHECK(world.store.balance(account)->usage == cent);
  CHECK(World::soon([&] {
    world.advance(cp::Duration{1'000});
    return static_cast<bool>(world.ask(key, cent)->future.get());
  }));
  world.ledger->stop();
  CHECK(world.reserved(account) == cp::Money{});
  check_books(world.store, account);
}

TEST_CASE("account/ledger: an earlier life's allowances come back at the start") {
  World world;
  const auto account = add_account(world.store, "ann", cent);
  const auto key = add_key(world.store, "ann", "k");
  REQUIRE(world.store.reserve(asking(key, cent)));
  world.begin();
  CHECK(world.reserved(account) == cp::Money{});
  CHECK(world.hold(key, cent));
}

TEST_CASE(
    "account/ledger: the end settles everything, refuses who waits, and outlives its spends") {
  World world;
  const auto account = add_account(world.store, "ann", cent);
  const auto key = add_key(world.store, "ann", "k");
  world.begin();
  auto first = world.hold(key, cent);
  REQUIRE(first);
  const auto waits = world.ask(key, cent);
  std::thread stopping{[&] { world.ledger->stop(); }};
  refused(waits->future.get(), cp::Errc::cancelled);
  SUBCASE("a request under way is waited for") {
    REQUIRE(world.settle(*first, cp::Money{6'000}));
    stopping.join();
    CHECK(world.store.balance(account)->usage == cp::Money{6'000});
    CHECK(world.reserved(account) == cp::Money{});
  }
  SUBCASE("but not for ever") {
    CHECK(World::soon([&] {
      world.advance(cp::Duration{1'000});
      return world.clock.steady() > std::chrono::seconds{12};
    }));
    stopping.join();
    refused(world.settle(*first, cent), cp::Errc::cancelled);
    CHECK(world.store.balance(account)->usage == cp::Money{});
  }
  refused(world.hold(key, cent), cp::Errc::cancelled);
  world.ledger->stop();
  world.ledger.reset();
}

TEST_CASE("account/ledger: 512 requests at once on a balance for some: these and no more") {
  for (const bool by_limit : {false, true})
    for (const cp::Money cost : {cent, cp::Money{2'000}}) {
      World world;
      const cp::Money budget{cent.micros * 100 + 5'000};
      const auto account =
          add_account(world.store, "ann", by_limit ? cp::Money::dollars(100) : budget);
      const auto key =
          add_key(world.store, "ann", "k", by_limit ? std::optional{budget} : std::nullopt,
                  by_limit ? cp::LimitReset::monthly : cp::LimitReset::never);
      world.begin();
      std::mutex mutex;
      std::condition_variable changed;
      int answers = 0, served = 0, unsettled = 0;
      const auto serve = [&](cp::Result<cp::Spend> spend) {
        const std::lock_guard lock{mutex};
        ++answers;
        if (spend) {
          ++served;
          ++unsettled;
          cp::UsageRow usage;
          usage.cost = cost;
          spend->settle(usage, [&](auto result) {
            const std::lock_guard again{mutex};
            unsettled -= result ? 1 : 0;
            changed.notify_all();
          });
        }
        changed.notify_all();
      };
      std::vector<std::jthread> threads;
      for (int thread = 0; thread < 8; ++thread)
        threads.emplace_back([&] {
          for (int i = 0; i < 64; ++i)
            if (auto now = world.ledger->hold(key.digest, cent, serve)) serve(*std::move(now));
        });
      threads.clear();
      {
        std::unique_lock lock{mutex};
        CHECK(changed.wait_for(lock, std::chrono::seconds{60},
                               [&] { return answers == 512 && unsettled == 0; }));
        // As long as the upper bound fits into what is left.
        const auto expected = (budget.micros - cent.micros) / cost.micros + 1;
        CHECK(served == std::min<std::int64_t>(512, expected));
      }
      world.ledger->stop();
      const auto balance = world.store.balance(account);
      CHECK(balance->usage.micros == served * cost.micros);
      CHECK(balance->usage <= budget);
      CHECK(balance->reserved == cp::Money{});
      check_books(world.store, account);
    }
}

TEST_CASE("account/ledger: many keys, threads and clocks that move: the books agree") {
  World world;
  std::vector<cp::ProvisionedKey> keys;
  std::vector<cp::AccountId> accounts;
  for (const char* name : {"ann", "bob", "cyd"}) {
    accounts.push_back(add_account(world.store, name, cp::Money::dollars(3)));
    for (const char* key : {"a", "b", "c", "d"})
      keys.push_back(add_key(world.store, name, key, cp::Money::dollars(1), cp::LimitReset::daily));
  }
  world.begin([](auto& how) { how.chunk = cp::Money{100'000}; });
  std::atomic<std::int64_t> spent{0};
  std::atomic<int> pending{0};
  std::vector<std::jthread> threads;
  for (unsigned thread = 0; thread < 6; ++thread)
    threads.emplace_back([&, thread] {
      std::uint32_t random = thread * 7919 + 1;
      const auto next = [&](std::uint32_t end) {
        random = random * 1664525 + 1013904223;
        return (random >> 8) % end;
      };
      for (int i = 0; i < 400; ++i) {
        const auto& key = keys[next(static_cast<std::uint32_t>(keys.size()))];
        const cp::Money amount{1 + next(20'000)};
        const auto share = next(4);
        ++pending;
        const auto use = [&, amount, share](cp::Result<cp::Spend> spend) {
          if (spend && share != 0) {
            cp::UsageRow usage;
            usage.cost = cp::Money{amount.micros * share / 4};
            spent += usage.cost.micros;
            spend->settle(usage, [](auto) {});
          }
          --pending;
        };
        if (auto now = world.ledger->hold(key.digest, amount, use)) use(*std::move(now));
        if (next(50) == 0) world.ledger->recheck(key.hash);
        if (next(20) == 0) world.advance(cp::Duration{next(3'000'000)});
      }
    });
  threads.clear();
  CHECK(World::soon([&] {
    world.advance(cp::Duration{100});
    return pending == 0;
  }));
  world.ledger->stop();
  cp::Money sum;
  for (const auto& account : accounts) {
    check_books(world.store, account);
    CHECK(world.reserved(account) == cp::Money{});
    CHECK(world.store.balance(account)->remaining() >= cp::Money{});
    sum += world.store.balance(account)->usage;
  }
  CHECK(sum.micros == spent);
}
