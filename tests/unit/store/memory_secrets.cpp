// SPDX-License-Identifier: MIT
#include <credpool/store/memory_secrets.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("store/memory_secrets: put, get, list, replace and erase") {
  cp::MemorySecrets store;
  CHECK(store.get("a:b").error().errc() == cp::Errc::not_found);
  cp::SecretRecord record{"a:b", "a-cli", "a", cp::Kind::api_key, cp::Secret{"first"}, {}, "", ""};
  REQUIRE(store.put(record));
  record.secret = cp::Secret{"second"};
  REQUIRE(store.put(record));
  CHECK(store.get("a:b")->secret.reveal() == "second");
  const auto listed = store.list();
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().secret.empty());
  REQUIRE(store.erase("a:b"));
  CHECK(store.erase("a:b").error().errc() == cp::Errc::not_found);
}
