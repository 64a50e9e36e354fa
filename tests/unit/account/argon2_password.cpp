// SPDX-License-Identifier: MIT
#include <credpool/account/argon2_password.hpp>

#include <doctest/doctest.h>

#include <chrono>

namespace cp = credpool;

namespace {
// The least that libsodium allows, so that the tests stay quick.
constexpr cp::Argon2PasswordHasher::Cost least{1, 8192};
}  // namespace

TEST_CASE("account/argon2_password: argon2id with a salt of its own") {
  cp::Argon2PasswordHasher hasher{least};
  const auto hash = hasher.hash("Demo1234!");
  REQUIRE(hash);
  CHECK(hash->starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
  CHECK(hasher.is_current(*hash));
  CHECK(hasher.verify(*hash, "Demo1234!"));
  CHECK_FALSE(hasher.verify(*hash, "demo1234!"));
  CHECK_FALSE(hasher.verify(*hash, ""));
  CHECK(*hasher.hash("Demo1234!") != *hash);
  // S5: bcrypt looks at 72 bytes only.
  const std::string long_one = "A1" + std::string(98, 'x');
  CHECK_FALSE(hasher.verify(*hasher.hash(long_one + "1"), long_one + "2"));
}

TEST_CASE("account/argon2_password: by default one hash takes 64 MiB") {
  cp::Argon2PasswordHasher hasher;
  const auto hash = hasher.hash("Demo1234!");
  REQUIRE(hash);
  CHECK(hash->starts_with("$argon2id$v=19$m=65536,t=2,p=1$"));
  CHECK(hasher.is_current(*hash));
}

TEST_CASE("account/argon2_password: another cost is not current") {
  cp::Argon2PasswordHasher cheap{least};
  cp::Argon2PasswordHasher dearer{{2, 16384}};
  const auto hash = cheap.hash("Demo1234!");
  REQUIRE(hash);
  CHECK_FALSE(dearer.is_current(*hash));
  CHECK(dearer.verify(*hash, "Demo1234!"));
}

TEST_CASE("account/argon2_password: bcrypt hashes of an imported database are verified") {
  cp::Argon2PasswordHasher hasher{least};
  // Made with cost 4 of "Demo1234!"; the reference server uses cost 10 and "$2b$".
  const std::string hash = "$2b$04$abcdefghijklmnopqrstuu68WyYIubjIAOAoC.yw.L66SPLyILiwO";
  CHECK(hasher.verify(hash, "Demo1234!"));
  CHECK_FALSE(hasher.verify(hash, "Demo1234"));
  CHECK_FALSE(hasher.is_current(hash));
}

TEST_CASE("account/argon2_password: a hash that cannot be read fits no password") {
  cp::Argon2PasswordHasher hasher{least};
  for (const std::string& hash :
       {std::string{}, std::string{"$2b$04$"}, "$2b$04$" + std::string(53, '!'),
        std::string{"$argon2id$v=19$m=8,t=1,p=1$"}, std::string{"$1$salt$fake"},
        std::string{"Demo1234!"}, std::string(5000, '$')}) {
    CHECK_FALSE(hasher.verify(hash, "Demo1234!"));
    CHECK_FALSE(hasher.is_current(hash));
  }
}
