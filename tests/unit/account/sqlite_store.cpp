// SPDX-License-Identifier: MIT
#include <credpool/account/sqlite_store.hpp>

#include "sqlite_versions.hpp"

#include <credpool/impl/account/sqlite_accounts_schema.hpp>

#include <contract/account/account_spending.hpp>
#include <throwaway_home.hpp>

namespace cp = credpool;
namespace fs = std::filesystem;
using namespace account_contract;

namespace {

struct World {
  ThrowawayHome home;
  cp::Environment environment = home.environment();
  cp::StateDirectory directory = *cp::StateDirectory::locate(environment);
  fs::path file = directory.path() / "accounts.sqlite";

  cp::Result<std::unique_ptr<cp::SqliteAccountStore>> open() const {
    return cp::SqliteAccountStore::open(directory, environment, std::chrono::seconds{1});
  }
  std::unique_ptr<cp::SqliteAccountStore> store() const {
    auto opened = open();
    REQUIRE(opened);
    return *std::move(opened);
  }
  cp::detail::SqliteDatabase database() const {
    auto opened = cp::detail::SqliteDatabase::open(file, std::chrono::seconds{1});
    REQUIRE(opened);
    return *std::move(opened);
  }
};

}  // namespace

TEST_CASE("account/sqlite_store: what was said outlives the object, and what was held comes back") {
  const World world;
  cp::AccountId account;
  cp::ProvisionedKey key;
  cp::Allowance held;
  {
    const auto store = world.store();
    account = add_account(*store, "ann", cp::Money::dollars(10));
    key = add_key(*store, "ann", "k", cp::Money::dollars(5), cp::LimitReset::daily);
    held = *store->reserve(asking(key, cp::Money::dollars(5)));
    REQUIRE(settle(*store, used(held, cp::Money::dollars(1), {}), "batch"));
  }
  const auto store = world.store();
  check_books(*store, account);
  CHECK(store->balance(account)->usage == cp::Money::dollars(1));
  CHECK(store->balance(account)->reserved == cp::Money::dollars(4));
  refused(store->reserve(asking(key, cp::Money{1})), cp::Errc::rate_limited);
  REQUIRE(store->reclaim(start, true));
  CHECK(store->balance(account)->reserved == cp::Money{});
  CHECK(store->reserve(asking(key, cp::Money::dollars(4))));
  // The last batch of the earlier life is known, too.
  REQUIRE(settle(*store, used(held, cp::Money::dollars(1), {}), "batch"));
  CHECK(store->balance(account)->usage == cp::Money::dollars(1));
}

TEST_CASE("account/sqlite_store: one server spends, others manage") {
  const World world;
  const auto server = world.store();
  const auto account = add_account(*server, "ann", cp::Money::dollars(10));
  const auto key = add_key(*server, "ann", "k");
  REQUIRE(server->reclaim(start, true));
  auto other = world.store();
  refused(other->reserve(asking(key, cp::Money{1})), cp::Errc::busy);
  refused(other->reclaim(start, true), cp::Errc::busy);
  refused(other->extend(start, start + day), cp::Errc::busy);
  const std::vector<cp::AllowanceRequest> several{asking(key, cp::Money{1}),
                                                  asking(key, cp::Money{1})};
  const auto answers = other->reserve_all(several);
  REQUIRE(answers.size() == 2);
  refused(answers[1], cp::Errc::busy);
  add_key(*other, "ann", "k2");
  CHECK(*server->count_keys(account) == 2);
  CHECK(server->reserve(asking(key, cp::Money{1})));
}

TEST_CASE("account/sqlite_store: files are 0600 under any umask") {
  for (const mode_t mask : {0000, 0777}) {
    const World world;
    const auto before = ::umask(mask);
    const auto opened = world.open();
    const auto reclaimed = opened ? (*opened)->reclaim(start, true) : cp::Result<void>{};
    ::umask(before);
    REQUIRE(opened);
    REQUIRE(reclaimed);
    int files = 0;
    for (const auto& entry : fs::directory_iterator{world.directory.path()}) {
      INFO(entry.path().string());
      CHECK((entry.status().permissions() & fs::perms::mask) ==
            (fs::perms::owner_read | fs::perms::owner_write));
      ++files;
    }
    CHECK(files == 5);  // the database, its -wal and -shm, two locks
  }
}

TEST_CASE("account/sqlite_store: a commit waits for the disk") {
  const World world;
  world.store();
  // The statement that the writer runs when it is set up.
  CHECK(std::string{cp::detail::account_schema.synchronous} == "FULL");
  auto database = world.database();
  REQUIRE(cp::detail::set_up_sqlite(database, cp::detail::account_schema));
  CHECK(*database.integer("", "PRAGMA synchronous") == 2);
}

TEST_CASE("account/sqlite_store: a file of every earlier version is brought up to date") {
  constexpr auto& steps = cp::detail::sqlite_account_migrations;
  static_assert(steps.size() == sqlite_account_versions.size(),
                "each version needs what it left, for this test");
  const auto account = std::string{"11111111-1111-4111-8111-111111111111"};
  for (std::size_t version = 1; version <= steps.size(); ++version) {
    CAPTURE(version);
    const World world;
    REQUIRE(world.directory.create());
    world.home.write(".local/state/credpool/accounts.sqlite", "");
    {
      auto database = world.database();
      for (std::size_t step = 0; step < version; ++step) REQUIRE(database.run("", steps[step]));
      REQUIRE(database.run("", sqlite_account_versions[version - 1]));
      REQUIRE(database.run("", "PRAGMA user_version = " + std::to_string(version) +
                                   "; PRAGMA application_id = " +
                                   std::to_string(cp::detail::account_schema.application_id)));
    }
    const auto store = world.store();
    check_books(*store, account);
    CHECK(store->balance(account)->remaining() == cp::Money{7'500'000});
    CHECK((*store->account_by_management_key("mm"))->email == "ann@example.com");
    CHECK((*store->claim_answer(account, "i", "q", start))->body == "{}");
    CHECK((*store->device_session("d"))->sealed == std::string(1, '\0'));
    CHECK(store
              ->credit({account, cp::TransactionType::purchase, cp::Money::dollars(10), "",
                        "stripe:1", "x", start})
              ->second);
    REQUIRE(store->reclaim(start, true));
    const auto key = **store->key(account, "0123456789abcdef");
    CHECK(key.usage == cp::Money{2'500'000});
    for (const auto* hash : {"", "0123456789abcdef"}) {
      const auto rows = store->usage_rows(account, hash, {});
      REQUIRE(rows);
      REQUIRE(rows->items.size() == 1);
      CHECK(rows->total == 1);
      const auto& row = rows->items.front();
      CHECK(row.account == account);
      CHECK(row.key_hash == key.hash);
      CHECK(row.request_id == "r1");
      CHECK(row.cost == key.usage);
    }
    auto request = asking(key, cp::Money{2'500'001});
    refused(store->reserve(request), cp::Errc::rate_limited);
    request.least = request.wanted = request.most = cp::Money{2'500'000};
    CHECK(store->reserve(request));
  }
}

TEST_CASE(
    "account/sqlite_store: the next version's migration goes over what is there, or is undone") {
  // Migrations to come, as examples: one that works and one that fails half-way.
  const World world;
  add_account(*world.store(), "ann", cp::Money::dollars(10));
  constexpr auto& now = cp::detail::sqlite_account_migrations;
  auto database = world.database();
  for (const bool good : {false, true}) {
    std::vector<const char*> steps{now.begin(), now.end()};
    steps.push_back(good ? "ALTER TABLE account ADD COLUMN note TEXT NOT NULL DEFAULT 'n'"
                         : "ALTER TABLE account ADD COLUMN other TEXT; SELECT nonsense");
    const cp::detail::SqliteSchema schema{"", cp::detail::account_schema.application_id, steps,
                                          "FULL"};
    const auto version = cp::detail::sqlite_version(database, schema);
    REQUIRE(version);
    CHECK(*version == now.size());
    CHECK(static_cast<bool>(cp::detail::migrate_sqlite(database, *version, schema)) == good);
  }
  CHECK(*database.integer("", "PRAGMA user_version") == static_cast<std::int64_t>(now.size() + 1));
  CHECK(*database.integer("", "SELECT count(*) FROM account WHERE note = 'n'") == 1);
  CHECK_FALSE(database.integer("", "SELECT count(other) FROM account"));
  // This version leaves the newer file alone.
  refused(world.open(), cp::Errc::unsupported);
}

TEST_CASE(
    "account/sqlite_store: a damaged file is an error that does not advise to throw it away") {
  const World world;
  {
    const auto store = world.store();
    add_account(*store, "ann", cp::Money::dollars(10));
    auto database = world.database();
    REQUIRE(database.run("", "PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  fs::remove(world.file.string() + "-wal");
  fs::remove(world.file.string() + "-shm");
  SUBCASE("no database") {
    world.home.write(".local/state/credpool/accounts.sqlite", std::string(8192, 'x'));
  }
  SUBCASE("another program's") {
    auto database = world.database();
    REQUIRE(database.run("", "PRAGMA application_id = 7"));
  }
  const auto opened = world.open();
  refused(opened, cp::Errc::malformed);
  CHECK(opened.error().hint.find("backup") != std::string::npos);
  CHECK(opened.error().hint.find("starts empty") == std::string::npos);
  CHECK(fs::exists(world.file));
}

TEST_CASE("account/sqlite_store: a link or a file that others may write is refused") {
  const World world;
  world.store();
  SUBCASE("link") {
    fs::rename(world.file, world.home.path() / "elsewhere");
    fs::create_symlink(world.home.path() / "elsewhere", world.file);
  }
  SUBCASE("mode") {
    fs::permissions(world.file, fs::perms::others_write, fs::perm_options::add);
  }
  refused(world.open(), cp::Errc::unsafe_file);
}
