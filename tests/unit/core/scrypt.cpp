// SPDX-License-Identifier: MIT
#include <credpool/core/hash.hpp>
#include <credpool/impl/core/scrypt.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("core/scrypt: the test vectors of RFC 7914, and a cost that there is no memory for") {
  const auto hex = [](const std::optional<cp::Secret>& key) {
    return key ? cp::to_hex(key->reveal()) : std::string{"none"};
  };
  CHECK(hex(cp::detail::scrypt("", "", 16, 1, 64)) ==
        "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
        "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
  CHECK(hex(cp::detail::scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 64)) ==
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
  CHECK_FALSE(cp::detail::scrypt("a", "b", std::size_t{1} << 20, 8, 32));
  CHECK_FALSE(cp::detail::scrypt("a", "b", std::size_t{1} << 60, 8, 32));
  CHECK_FALSE(cp::detail::scrypt("a", "b", 1'000, 8, 32));  // no power of two
}
