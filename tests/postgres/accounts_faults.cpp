// SPDX-License-Identifier: MIT
//
// Hosts that spend from shared accounts, and their PostgreSQL server, are killed at any moment.
#include <credpool/account/postgres_store.hpp>

#include <ledger_spender.hpp>
#include <postgres_server.hpp>

namespace cp = credpool;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

PostgresServer& server() {
  static PostgresServer running;
  return running;
}

std::unique_ptr<cp::PostgresAccountStore> open(const std::string& name) {
  auto opened = cp::PostgresAccountStore::open({cp::Secret{server().address()}, name, seconds{5}});
  if (!opened) throw std::runtime_error{opened.error().message()};
  return *std::move(opened);
}

int spend_as(const std::string& name, const ledger_spender::World& world, std::uint64_t life,
             int pipe) {
  const auto store = open(name);
  const auto ledger = cp::Ledger::start(*store, ledger_spender::options());
  if (!ledger) throw std::runtime_error{ledger.error().message()};
  ledger_spender::spend(**ledger, world.keys, life, pipe, 8);
  return 0;
}

}  // namespace

TEST_CASE("postgres/accounts_faults: kill -9 of hosts and of the server, 50 times") {
  const auto world = ledger_spender::World{*open("watch")};
  std::vector<ledger_spender::Acknowledged> acknowledged;
  std::mt19937_64 random{5};
  int lives_that_spent = 0;
  for (std::uint64_t round = 0; round < 50; ++round) {
    const auto before = acknowledged.size();
    {
      ledger_spender::Child one{[&](int pipe) { return spend_as("one", world, round * 3, pipe); }};
      ledger_spender::Child two{
          [&](int pipe) { return spend_as("two", world, round * 3 + 1, pipe); }};
      one.read_for(milliseconds{40 + random() % 150}, acknowledged);
      if (round % 5 == 4) {
        server().kill_hard();
        server().start();
        // The hosts go on with the new one.
        two.read_for(milliseconds{300}, acknowledged);
      }
      one.kill(&acknowledged);
      two.read_for(milliseconds{random() % 50}, acknowledged);
      two.kill(&acknowledged);
    }
    lives_that_spent += acknowledged.size() > before ? 1 : 0;
    ledger_spender::check_balances(*open("watch"), world.accounts);
  }
  CHECK(lives_that_spent > 25);
  const auto store = open("watch");
  ledger_spender::check_ledger(*store, world.accounts, world.keys, acknowledged);
  for (const char* name : {"one", "two"})
    REQUIRE(open(name)->reclaim(cp::SystemClock{}.now(), true));
  for (const auto& account : world.accounts)
    CHECK(store->balance(account)->reserved == cp::Money{});
  MESSAGE(acknowledged.size() << " settlements acknowledged");
}
