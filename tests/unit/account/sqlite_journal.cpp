// SPDX-License-Identifier: MIT
// What is settled is durable at once and booked together with what follows; nobody can tell.
#include <credpool/account/memory_store.hpp>
#include <credpool/account/sqlite_store.hpp>
#include <credpool/impl/account/sqlite_journal.hpp>

#include <contract/account/account_spending.hpp>
#include <throwaway_home.hpp>

namespace cp = credpool;
using namespace account_contract;

namespace {

struct Journal {
  ThrowawayHome home;
  cp::Environment environment = home.environment();
  cp::StateDirectory directory = *cp::StateDirectory::locate(environment);
  std::unique_ptr<cp::SqliteAccountStore> store = open();
  cp::AccountId account = add_account(*store, "ann", cp::Money::dollars(1'000));
  cp::ProvisionedKey key = add_key(*store, "ann", "k", cp::Money::dollars(900));

  std::unique_ptr<cp::SqliteAccountStore> open() const {
    auto opened = cp::SqliteAccountStore::open(directory, environment, std::chrono::seconds{1});
    REQUIRE(opened);
    return *std::move(opened);
  }
  std::int64_t rows(const std::string& table) const {
    auto database = cp::detail::SqliteDatabase::open(directory.path() / "accounts.sqlite",
                                                     std::chrono::seconds{1});
    REQUIRE(database);
    const auto count = database->integer("", "SELECT count(*) FROM " + table);
    REQUIRE(count);
    return *count;
  }
};

cp::Money cents(std::int64_t count) {
  return cp::Money{count * 10'000};
}
const auto cent = cents(1);

}  // namespace

TEST_CASE("account/sqlite_journal: whoever reads books what waits, in another process too") {
  const Journal world;
  const auto held = *world.store->reserve(asking(world.key, cp::Money::dollars(1)));
  const auto other = world.open();
  const auto said = [&](auto read) {
    REQUIRE(settle(*world.store, used(held, cent, cent)));
    CHECK(world.rows("settlement") == 1);
    read();
    CHECK(world.rows("settlement") == 0);
  };
  auto& reader = *other;
  said([&] { CHECK(reader.balance(world.account)->usage == cent); });
  said([&] { CHECK((*reader.key(world.account, world.key.hash))->usage == cents(2)); });
  said([&] { CHECK((*reader.key_by_digest(world.key.digest))->period_usage == cents(3)); });
  said([&] { CHECK(reader.keys(world.account, false, {})->items.front().usage == cents(4)); });
  said([&] {
    CHECK(
        reader.transactions(world.account, cp::TransactionType::usage, {})->items.front().amount ==
        cp::Money{} - cents(5));
  });
  said([&] { CHECK(reader.usage(world.account, "", "0000", "9999")->front().requests == 6); });
  said([&] { CHECK(reader.usage_rows(world.account, "", {})->total == 7); });
  said([&] {
    CHECK(reader
              .credit({world.account, cp::TransactionType::purchase, cp::Money::dollars(1), "", "",
                       "t", start})
              ->transaction.balance_after == cp::Money::dollars(1'001) - cents(8));
  });
  said([&] { CHECK(world.store->extend(start, start + day)); });
  check_books(*world.store, world.account);
  INFO("who is called what does not depend on it");
  REQUIRE(settle(*world.store, used(held, cent, {})));
  CHECK(*world.store->account(world.account));
  CHECK(world.rows("settlement") == 1);
}

TEST_CASE("account/sqlite_journal: many at once are booked as they would be one by one") {
  Journal world;
  cp::MemoryAccountStore model;
  add_account(model, "ann", cp::Money::dollars(1'000));
  add_key(model, "ann", "k", cp::Money::dollars(900));
  std::vector<cp::ProvisionedKey> keys{world.key};
  for (const auto* name : {"k2", "k3"}) {
    keys.push_back(add_key(*world.store, "ann", name));
    add_key(model, "ann", name);
  }
  std::vector<cp::Allowance> held;
  for (const auto& key : keys) {
    auto request = asking(key, cp::Money::dollars(100));
    held.push_back(*world.store->reserve(request));
    REQUIRE(model.reserve(request));
  }
  std::int64_t most_waiting = 0, booked = 0;
  const auto limit = cp::detail::sqlite_most_unbooked;
  for (std::size_t i = 0, batch = 0; i < 3'000; ++batch) {
    std::vector<cp::Settlement> settlements;
    for (std::size_t size = batch % 23; size > 0; --size, ++i) {
      const auto& allowance = held[i * 7 % 3];
      const cp::Money cost{static_cast<std::int64_t>(i % 11) * 1'000};
      settlements.push_back(i % 13 == 0 ? back(allowance, cp::Money{500})
                                        : used(allowance, cost, cp::Money{7}));
      if (settlements.back().usage) {
        settlements.back().usage->model = i % 5 == 0 ? "gpt-4o" : "qwen3";
        settlements.back().usage->request_id = "r" + std::to_string(i);
        settlements.back().usage->cached_input_tokens = i % 3;
        settlements.back().usage->reasoning_tokens = i % 4;
        settlements.back().usage->estimated = i % 2 == 0;
        settlements.back().usage->status = i % 17 == 0 ? 499 : 200;
      }
    }
    const auto name = "b" + std::to_string(batch);
    REQUIRE(world.store->settle(settlements, name));
    REQUIRE(world.store->settle(settlements, name));  // made again: it counts once
    REQUIRE(model.settle(settlements, name));
    const auto waiting = world.rows("settlement");
    if (waiting == 0 && !settlements.empty()) ++booked;
    most_waiting = std::max(most_waiting, waiting);
  }
  CHECK(most_waiting > limit / 2);
  CHECK(most_waiting <= limit);
  CHECK(booked >= 2);
  REQUIRE(world.rows("settlement") > 0);

  INFO("the server dies; what it had not booked is booked by the next one");
  world.store.reset();
  world.store = world.open();
  REQUIRE(world.store->reclaim(start, true));
  REQUIRE(model.reclaim(start, true));
  CHECK(world.rows("settlement") == 0);
  check_books(*world.store, world.account);
  CHECK(world.store->balance(world.account)->usage == model.balance(world.account)->usage);
  CHECK(world.store->balance(world.account)->reserved == cp::Money{});
  for (const auto& key : keys) {
    CHECK((*world.store->key(world.account, key.hash))->usage ==
          (*model.key(world.account, key.hash))->usage);
    const auto ours = world.store->usage_rows(world.account, key.hash, {10'000, 0});
    const auto theirs = model.usage_rows(world.account, key.hash, {10'000, 0});
    REQUIRE(ours);
    REQUIRE(ours->items.size() == theirs->items.size());
    for (std::size_t i = 0; i < ours->items.size(); ++i) {
      const auto& one = ours->items[i];
      const auto& two = theirs->items[i];
      CHECK(one.request_id == two.request_id);
      CHECK(one.model == two.model);
      CHECK(one.cost == two.cost);
      CHECK(one.cached_input_tokens == two.cached_input_tokens);
      CHECK(one.reasoning_tokens == two.reasoning_tokens);
      CHECK(one.estimated == two.estimated);
      CHECK(one.status == two.status);
      CHECK(one.at == two.at);
    }
  }
  const auto ours = world.store->usage(world.account, "", "0000", "9999");
  const auto theirs = model.usage(world.account, "", "0000", "9999");
  REQUIRE(ours->size() == theirs->size());
  for (std::size_t i = 0; i < ours->size(); ++i) {
    CHECK((*ours)[i].requests == (*theirs)[i].requests);
    CHECK((*ours)[i].input_tokens == (*theirs)[i].input_tokens);
    CHECK((*ours)[i].cost == (*theirs)[i].cost);
  }
}

TEST_CASE("account/sqlite_journal: what came back may be lent again at once") {
  const Journal world;
  SUBCASE("of a key's limit") {
    const auto all = *world.store->reserve(asking(world.key, cp::Money::dollars(900)));
    refused(world.store->reserve(asking(world.key, cent)), cp::Errc::rate_limited);
    REQUIRE(settle(*world.store, used(all, cp::Money::dollars(300), cp::Money::dollars(600))));
    CHECK(world.store->reserve(asking(world.key, cp::Money::dollars(600)))->amount ==
          cp::Money::dollars(600));
    refused(world.store->reserve(asking(world.key, cp::Money{1})), cp::Errc::rate_limited);
  }
  SUBCASE("of a balance") {
    const auto other = add_key(*world.store, "ann", "o");
    const auto all = *world.store->reserve(asking(other, cp::Money::dollars(1'000)));
    REQUIRE(settle(*world.store, used(all, cp::Money::dollars(300), cp::Money::dollars(700))));
    CHECK(world.store->reserve(asking(other, cp::Money::dollars(700)))->amount ==
          cp::Money::dollars(700));
    refused(world.store->reserve(asking(other, cp::Money{1})), cp::Errc::quota_exhausted);
  }
  SUBCASE("and where it is not needed nothing is booked for it") {
    const auto held = *world.store->reserve(asking(world.key, cent));
    REQUIRE(settle(*world.store, used(held, cent, {})));
    CHECK_FALSE(world.store->reserve(asking(world.key, cent))->tight);
    CHECK(world.rows("settlement") == 1);
  }
  check_books(*world.store, world.account);
}

TEST_CASE("account/sqlite_journal: a limit of another kind counts what is not booked yet") {
  const Journal world;
  const auto held = *world.store->reserve(asking(world.key, cp::Money::dollars(500)));
  REQUIRE(world.store->change_key(world.account, world.key.hash,
                                  [](cp::ProvisionedKey& key) -> cp::Result<void> {
                                    key.limit_reset = cp::LimitReset::daily;
                                    return {};
                                  }));
  cp::Money left;
  SUBCASE("of this day") {
    REQUIRE(settle(*world.store, used(held, cp::Money::dollars(500), {})));
    left = cp::Money::dollars(400);
  }
  SUBCASE("and not of the day before") {
    REQUIRE(settle(*world.store, used(held, cp::Money::dollars(500), {}, start - day)));
    left = cp::Money::dollars(500);
  }
  CHECK(world.rows("settlement") == 1);
  CHECK_FALSE(world.store->reserve(asking(world.key, left + cp::Money{1})));
  CHECK(world.store->reserve(asking(world.key, left)));
  check_books(*world.store, world.account);
}

TEST_CASE("account/sqlite_journal: a change that fails books nothing and loses nothing") {
  const Journal world;
  const auto held = *world.store->reserve(asking(world.key, cp::Money::dollars(1)));
  REQUIRE(settle(*world.store, used(held, cent, {})));
  CHECK_FALSE(world.store->change_key(world.account, world.key.hash, [](cp::ProvisionedKey&) {
    return cp::Result<void>{cp::fail(cp::Errc::conflict, "changing a key", "", "")};
  }));
  CHECK(world.rows("settlement") == 1);
  CHECK(world.rows("usage_row") == 0);
  CHECK(world.store->balance(world.account)->usage == cent);
  check_books(*world.store, world.account);
}
