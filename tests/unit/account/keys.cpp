// SPDX-License-Identifier: MIT
#include <credpool/account/keys.hpp>

#include <doctest/doctest.h>

#include <set>

namespace cp = credpool;

TEST_CASE("account/keys: a UUID is of version 4 and new each time") {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const auto uuid = cp::new_uuid();
    REQUIRE(uuid);
    REQUIRE(uuid->size() == 36);
    CHECK(uuid->at(14) == '4');
    CHECK(std::string_view{"89ab"}.find(uuid->at(19)) != std::string_view::npos);
    for (const std::size_t dash : {8, 13, 18, 23}) CHECK(uuid->at(dash) == '-');
    CHECK(seen.insert(*uuid).second);
  }
}

TEST_CASE("account/keys: keys have their forms, and only theirs") {
  const auto management = cp::new_management_key();
  const auto provisioned = cp::new_provisioned_key();
  REQUIRE(management);
  REQUIRE(provisioned);
  CHECK(cp::is_management_key(management->reveal()));
  CHECK_FALSE(cp::is_provisioned_key(management->reveal()));
  CHECK(cp::is_provisioned_key(provisioned->reveal()));
  CHECK_FALSE(cp::is_management_key(provisioned->reveal()));
  const auto management_form = [](std::string uuid) {
    return cp::is_management_key("sk-mgmt-" + uuid);
  };
  // The demo account's key of the mock: its UUID is of no version.
  CHECK(management_form("de000000-0000-0000-0000-000000000000"));
  for (const std::string uuid :
       {"", "de000000-0000-0000-0000-00000000000", "de000000-0000-0000-0000-0000000000000",
        "de000000x0000-0000-0000-000000000000", "ge000000-0000-0000-0000-000000000000"})
    CHECK_FALSE(management_form(uuid));
  CHECK_FALSE(cp::is_management_key("SK-MGMT-" + std::string{management->reveal().substr(8)}));
  const auto provisioned_form = [](std::string hex) {
    return cp::is_provisioned_key("sk-prov-" + hex);
  };
  CHECK(provisioned_form("0123456789abcdef0123456789ABCDEF"));
  for (const std::string hex :
       {"", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdefa",
        "0123456789abcdef0123456789abcdeg"})
    CHECK_FALSE(provisioned_form(hex));
}

TEST_CASE("account/keys: the digest is SHA-256, the name its beginning") {
  CHECK(cp::key_digest("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(cp::key_name_of(cp::key_digest("abc")) == "ba7816bf8f01cfea");
}
