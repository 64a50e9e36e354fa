// SPDX-License-Identifier: MIT
#include <credpool/account/postgres_store.hpp>

#include <contract/account_api/walk.hpp>
#include <postgres_server.hpp>

namespace cp = credpool;

TEST_CASE("contract/account_api: over PostgresAccountStore") {
  const PostgresServer server;
  const auto store =
      cp::PostgresAccountStore::open({.connection = cp::Secret{server.address()}, .server = "a"});
  if (!store) FAIL(store.error().message());
  account_api_walk::whole_walk(**store);
}
