// SPDX-License-Identifier: MIT
#include <credpool/account/postgres_store.hpp>

#include <credpool/impl/account/postgres_accounts_schema.hpp>

#include <ledger_spender.hpp>
#include <postgres_server.hpp>

namespace cp = credpool;
using namespace account_contract;
using std::chrono::seconds;

namespace {

PostgresServer& server() {
  // What the accounts need is asked for, whatever the server's default is.
  static PostgresServer running{{"synchronous_commit=off"}};
  return running;
}

std::unique_ptr<cp::PostgresAccountStore> open(const std::string& name) {
  auto opened = cp::PostgresAccountStore::open({cp::Secret{server().address()}, name, seconds{5}});
  if (!opened) throw std::runtime_error{opened.error().message()};
  return *std::move(opened);
}

void empty() {
  server().sql(
      "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

}  // namespace

TEST_CASE("postgres/accounts: the contract of AccountStore") {
  empty();
  whole_contract(*open("one"));
  // Once more on tables that are there.
  CHECK(open("two")->accounts({1, 0})->total > 10);
}

TEST_CASE("postgres/accounts: servers share a budget; a dead one's share comes back by time") {
  empty();
  const auto one = open("one"), two = open("two");
  const auto account = add_account(*one, "ann", cp::Money::dollars(10));
  const auto key = add_key(*one, "ann", "k", cp::Money::dollars(8), cp::LimitReset::monthly);
  REQUIRE(one->reclaim(start, true));
  REQUIRE(two->reclaim(start, true));
  auto request = asking(key, cp::Money::dollars(5));
  const auto first = one->reserve(request);
  REQUIRE(first);
  const auto second = two->reserve(request);
  refused(second, cp::Errc::rate_limited);
  CHECK(second.error().retry_at);
  CHECK(two->reserve(asking(key, cp::Money::dollars(3))));
  REQUIRE(settle(*one, used(*first, cp::Money::dollars(1), {}), "b"));

  INFO("a restart of the one does not touch the other");
  REQUIRE(open("two")->reclaim(start, true));
  CHECK(two->extend(start, start + day).error().errc() == cp::Errc::conflict);
  refused(two->reserve(request), cp::Errc::conflict);
  CHECK(one->balance(account)->reserved == cp::Money::dollars(4));

  INFO("its time is over");
  const auto three = open("three");
  REQUIRE(three->reclaim(start, false));
  CHECK(three->balance(account)->reserved == cp::Money::dollars(4));
  server().sql("UPDATE credpool_account_server SET expires_at = clock_timestamp()");
  REQUIRE(three->reclaim(start, false));
  CHECK(three->balance(account)->reserved == cp::Money{});
  refused(one->extend(start, start + day), cp::Errc::not_found);
  refused(one->reserve(request), cp::Errc::not_found);
  INFO("what it had served is settled all the same");
  REQUIRE(settle(*one, used(*first, cp::Money::dollars(4), {}), "c"));
  CHECK(three->balance(account)->usage == cp::Money::dollars(5));
  INFO("and then it begins anew");
  REQUIRE(one->reclaim(start, true));
  REQUIRE(one->extend(start, start + day));
  CHECK(one->reserve(asking(key, cp::Money::dollars(3))));
  check_books(*three, account);
}

TEST_CASE("postgres/accounts: what is asked again with its name counts once") {
  empty();
  const auto store = open("one");
  const auto account = add_account(*store, "ann", cp::Money::dollars(10));
  const auto key = add_key(*store, "ann", "k");
  auto request = asking(key, cp::Money::dollars(2));
  request.id = "r1";
  for (int i = 0; i < 3; ++i) CHECK(store->reserve(request)->amount == cp::Money::dollars(2));
  CHECK(store->balance(account)->reserved == cp::Money::dollars(2));
  request.id = "r2";
  CHECK(store->reserve(request));
  CHECK(store->balance(account)->reserved == cp::Money::dollars(4));

  INFO("the connection breaks: another one is made");
  server().sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
      " WHERE application_name = 'credpool'");
  CHECK(store->reserve(request)->amount == cp::Money::dollars(2));
  CHECK(store->balance(account)->reserved == cp::Money::dollars(4));
}

TEST_CASE("postgres/accounts: text that the server cannot hold does not stop a batch") {
  empty();
  const auto store = open("one");
  const auto account = add_account(*store, "ann", cp::Money::dollars(10));
  const auto held = store->reserve(asking(add_key(*store, "ann", "k"), cp::Money::dollars(1)));
  REQUIRE(held);
  auto settlement = used(*held, cp::Money{5}, {}, start, std::string{"a\0b", 3});
  settlement.usage->request_id = "\xff\xfe";
  settlement.usage->input_tokens = std::numeric_limits<std::uint64_t>::max();
  REQUIRE(settle(*store, settlement));
  CHECK(store->usage_rows(account, "", {})->items.at(0).model ==
        "a\xef\xbf\xbd"
        "b");
  check_books(*store, account);
}

TEST_CASE("postgres/accounts: a table of a newer version is left alone, a bad name is refused") {
  empty();
  open("one");
  server().sql("INSERT INTO credpool_account_schema(version) VALUES (99)");
  const auto place = [&](const std::string& name) {
    return cp::PostgresAccountPlace{cp::Secret{server().address()}, name, seconds{5}};
  };
  refused(cp::PostgresAccountStore::open(place("one")), cp::Errc::unsupported);
  refused(cp::PostgresAccountStore::open(place("")), cp::Errc::invalid_argument);
  refused(cp::PostgresAccountStore::open(place("\xff")), cp::Errc::invalid_argument);
}

TEST_CASE("postgres/accounts: the next version's migration goes over what is there, or is undone") {
  empty();
  const auto account = add_account(*open("one"), "ann", cp::Money::dollars(10));
  auto connection =
      cp::detail::PostgresConnection::open(cp::Secret{server().address()}, seconds{5});
  REQUIRE(connection);
  // Migrations to come, as examples: one that fails half-way and one that works.
  auto schema = cp::detail::postgres_account_schema();
  const auto known = schema.migrations.size();
  schema.migrations.push_back(
      {{"ALTER TABLE credpool_account ADD COLUMN other text", "SELECT nonsense"}});
  CHECK_FALSE(cp::detail::migrate_postgres(*connection, schema));
  REQUIRE(connection->run("", "ROLLBACK"));
  check_books(*open("one"), account);
  schema.migrations.back() = {
      {"ALTER TABLE credpool_account ADD COLUMN note text NOT NULL DEFAULT 'n'"}};
  REQUIRE(cp::detail::migrate_postgres(*connection, schema));
  CHECK(server().sql("SELECT max(version) FROM credpool_account_schema") ==
        std::to_string(known + 1));
  CHECK(server().sql("SELECT note || credits FROM credpool_account") == "n10000000");
  const cp::PostgresAccountPlace place{cp::Secret{server().address()}, "one", seconds{5}};
  refused(cp::PostgresAccountStore::open(place), cp::Errc::unsupported);
}

TEST_CASE("postgres/accounts: three hosts, 512 requests at once each: exactly what there is") {
  empty();
  const cp::Money price{10'000};
  constexpr int enough = 700;
  const cp::Money budget{price.micros * enough + 5'000};
  const auto store = open("watch");
  const auto account = add_account(*store, "ann", budget);
  const auto key = add_key(*store, "ann", "k");
  std::atomic<int> served{0}, others{0};
  std::vector<std::jthread> hosts;
  for (const char* name : {"one", "two", "three"})
    hosts.emplace_back([&, name] {
      const auto mine = open(name);
      auto how = ledger_spender::options();
      how.wait = cp::Duration{5'000};
      how.idle = cp::Duration{100};
      const auto ledger = cp::Ledger::start(*mine, how);
      if (!ledger) throw std::runtime_error{ledger.error().message()};
      std::vector<std::jthread> threads;
      for (int thread = 0; thread < 64; ++thread)
        threads.emplace_back([&] {
          for (int i = 0; i < 8; ++i) {
            auto spend = ledger_spender::hold(**ledger, key, price);
            if (!spend) {
              if (spend.error().errc() != cp::Errc::quota_exhausted) ++others;
              continue;
            }
            cp::UsageRow usage;
            usage.cost = price;
            usage.model = "m";
            if (ledger_spender::settle(*spend, usage)) ++served;
          }
        });
      threads.clear();
    });
  hosts.clear();
  CHECK(others == 0);
  CHECK(served == enough);
  CHECK(store->balance(account)->usage.micros == price.micros * enough);
  CHECK(store->balance(account)->reserved == cp::Money{});
  check_books(*store, account);
}
