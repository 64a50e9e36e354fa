// SPDX-License-Identifier: MIT
#include <contract/account/account_spending.hpp>

#include <credpool/account/memory_store.hpp>
#include <credpool/account/sqlite_store.hpp>

#include <throwaway_home.hpp>

namespace cp = credpool;

TEST_CASE("contract/account: MemoryAccountStore") {
  cp::MemoryAccountStore store;
  account_contract::whole_contract(store);
}

TEST_CASE("contract/account: MemoryAccountStore that was written and read") {
  auto store = cp::MemoryAccountStore::from_document(cp::MemoryAccountStore{}.document());
  REQUIRE(store);
  account_contract::whole_contract(*store);
  // Once more with all that in it: nothing is lost on the way.
  const auto text = store->document();
  const auto again = cp::MemoryAccountStore::from_document(text);
  REQUIRE(again);
  CHECK(again->document() == text);
}

TEST_CASE("contract/account: SqliteAccountStore") {
  const ThrowawayHome home;
  const auto directory = cp::StateDirectory::locate(home.environment());
  REQUIRE(directory);
  const auto store = cp::SqliteAccountStore::open(*directory, home.environment());
  REQUIRE(store);
  account_contract::whole_contract(**store);
}
