// SPDX-License-Identifier: MIT
#include <credpool/core/hash.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("core/hash: SHA-256, the examples of FIPS 180-4") {
  CHECK(cp::to_hex(cp::sha256("")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(cp::to_hex(cp::sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(cp::to_hex(cp::sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("core/hash: parts cannot be shifted into one another") {
  CHECK(cp::sha256_of_parts({"ab", "c"}) != cp::sha256_of_parts({"a", "bc"}));
  CHECK(cp::sha256_of_parts({"a", ""}) != cp::sha256_of_parts({"a"}));
  CHECK(cp::sha256_of_parts({"a", "b"}) == cp::sha256_of_parts({"a", "b"}));
  // Eight bytes of length, then the part.
  CHECK(cp::sha256_of_parts({"a"}) == cp::sha256({"\0\0\0\0\0\0\0\1a", 9}));
}

TEST_CASE("core/hash: hexadecimal text is lower-case") {
  CHECK(cp::to_hex(std::string_view{"\x00\x7f\xff", 3}) == "007fff");
  CHECK(cp::to_hex(std::string_view{}).empty());
  CHECK(cp::token_hash("abc") ==
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
