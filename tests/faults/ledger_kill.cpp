// SPDX-License-Identifier: MIT
//
// A server that spends from accounts in SQLite is killed at any moment.
#include <credpool/account/sqlite_store.hpp>

#include <ledger_spender.hpp>
#include <throwaway_home.hpp>

namespace cp = credpool;

TEST_CASE("faults/ledger: kill -9 at any moment, 50 times") {
  const ThrowawayHome home;
  const auto environment = home.environment();
  const auto directory = *cp::StateDirectory::locate(environment);
  const auto open = [&] {
    auto opened = cp::SqliteAccountStore::open(directory, environment);
    if (!opened) throw std::runtime_error{opened.error().message()};
    return *std::move(opened);
  };
  const auto world = ledger_spender::World{*open()};
  std::vector<ledger_spender::Acknowledged> acknowledged;
  std::mt19937_64 random{12};
  int lives_that_spent = 0;
  for (std::uint64_t life = 0; life < 50; ++life) {
    const auto before = acknowledged.size();
    {
      ledger_spender::Child server{[&](int pipe) {
        const auto store = open();
        auto ledger = cp::Ledger::start(*store, ledger_spender::options());
        if (!ledger) throw std::runtime_error{ledger.error().message()};
        ledger_spender::spend(**ledger, world.keys, life, pipe, 16);
        return 0;
      }};
      server.read_for(std::chrono::milliseconds{10 + random() % 150}, acknowledged);
      server.kill(&acknowledged);
    }
    lives_that_spent += acknowledged.size() > before ? 1 : 0;
    // What it held is held until the next one starts; the books agree at once.
    ledger_spender::check_balances(*open(), world.accounts);
  }
  CHECK(lives_that_spent > 25);
  const auto store = open();
  ledger_spender::check_ledger(*store, world.accounts, world.keys, acknowledged);
  REQUIRE(store->reclaim(cp::SystemClock{}.now(), true));
  for (const auto& account : world.accounts)
    CHECK(store->balance(account)->reserved == cp::Money{});
  MESSAGE(acknowledged.size() << " settlements acknowledged");
}

TEST_CASE("faults/ledger: a server that ends by itself leaves nothing held") {
  const ThrowawayHome home;
  const auto environment = home.environment();
  const auto directory = *cp::StateDirectory::locate(environment);
  const auto opened = cp::SqliteAccountStore::open(directory, environment);
  REQUIRE(opened);
  auto& store = **opened;
  const auto world = ledger_spender::World{store};
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::vector<ledger_spender::Acknowledged> acknowledged;
  std::jthread reader{[&] {
    ledger_spender::Acknowledged one{};
    while (::read(ends[0], &one, sizeof one) == sizeof one) acknowledged.push_back(one);
  }};
  {
    auto ledger = cp::Ledger::start(store, ledger_spender::options());
    REQUIRE(ledger);
    ledger_spender::spend(**ledger, world.keys, 1, ends[1], 16, 3'000);
  }
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  ledger_spender::check_ledger(store, world.accounts, world.keys, acknowledged);
  for (const auto& account : world.accounts) CHECK(store.balance(account)->reserved == cp::Money{});
}
