// SPDX-License-Identifier: MIT
#include <credpool/impl/core/scrypt.hpp>

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <string>

namespace cp = credpool;

namespace {

std::string hex(const std::optional<std::string>& bytes) {
  return bytes ? cp::to_hex(*bytes) : std::string{"none"};
}

}  // namespace

TEST_CASE("core/scrypt: the test vectors of RFC 7914") {
  CHECK(hex(cp::detail::scrypt("", "", 16, 1, 64)) ==
        "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
        "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
  CHECK(hex(cp::detail::scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 64)) ==
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
  CHECK(hex(cp::detail::pbkdf2_once("passwd", "salt", 64)) ==
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

TEST_CASE("core/scrypt: it answers as OpenSSL's, whatever the sizes") {
  for (std::size_t round = 0; round < 40; ++round) {
    const std::string password(round * 7 % 130, static_cast<char>('a' + round % 26));
    const std::string salt(round * 3 % 70, static_cast<char>(round * 11));
    const std::size_t cost = std::size_t{2} << round % 6;
    const std::size_t block_size = 1 + round % 9;
    const std::size_t size = 1 + round * 5 % 100;
    std::string expected(size, '\0');
    REQUIRE(EVP_PBE_scrypt(password.data(), password.size(),
                           reinterpret_cast<const unsigned char*>(salt.data()), salt.size(), cost,
                           block_size, 1, 0, reinterpret_cast<unsigned char*>(expected.data()),
                           size) == 1);
    CHECK(hex(cp::detail::scrypt(password, salt, cost, block_size, size)) == cp::to_hex(expected));
  }
}
