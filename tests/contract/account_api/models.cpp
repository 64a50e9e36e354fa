// SPDX-License-Identifier: MIT
#include "walk.hpp"

#include <credpool/account/sqlite_store.hpp>

#include <throwaway_home.hpp>

namespace cp = credpool;

TEST_CASE("contract/account_api: over MemoryAccountStore") {
  cp::MemoryAccountStore store;
  account_api_walk::whole_walk(store);
}

TEST_CASE("contract/account_api: over SqliteAccountStore") {
  const ThrowawayHome home;
  const auto environment = home.environment();
  const auto directory = cp::StateDirectory::locate(environment);
  REQUIRE(directory);
  const auto store = cp::SqliteAccountStore::open(*directory, environment);
  REQUIRE(store);
  account_api_walk::whole_walk(**store);
}
