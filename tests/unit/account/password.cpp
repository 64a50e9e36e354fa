// SPDX-License-Identifier: MIT
#include <credpool/account/password.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("account/password: the rules") {
  CHECK(cp::password_fault("Demo1234!").empty());
  CHECK(cp::password_fault("Aa345678").empty());
  CHECK(cp::password_fault("A1" + std::string(126, 'x')).empty());
  // Characters are counted, not bytes.
  std::string umlauts = "A1";
  for (int i = 0; i < 126; ++i) umlauts += "\xc3\xa4";
  CHECK(cp::password_fault(umlauts).empty());
  for (const std::string& text :
       {std::string{}, std::string{"x"}, std::string{"Aa34567"}, std::string{"demo1234!"},
        std::string{"Demodemo!"}, "A1" + std::string(127, 'x'), umlauts + "x",
        std::string{"A1\xff\xff\xff\xff\xff\xff\xff"},
        std::string{"Demo\0"
                    "1234",
                    9}})
    CHECK_FALSE(cp::password_fault(text).empty());
}

TEST_CASE("account/password: a salted digest knows its password, and no other") {
  cp::SaltedDigestHasher hasher;
  const auto hash = hasher.hash("Demo1234!");
  REQUIRE(hash);
  CHECK(hash->find("Demo") == std::string::npos);
  CHECK(hasher.is_current(*hash));
  CHECK(hasher.verify(*hash, "Demo1234!"));
  CHECK_FALSE(hasher.verify(*hash, "Demo1234"));
  CHECK_FALSE(hasher.verify(*hash, ""));
  CHECK_FALSE(hasher.verify("", ""));
  CHECK_FALSE(hasher.verify("$argon2id$v=19$fake", "Demo1234!"));
  CHECK(*hasher.hash("Demo1234!") != *hash);
}
