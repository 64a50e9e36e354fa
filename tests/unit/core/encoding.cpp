// SPDX-License-Identifier: MIT
#include <credpool/core/encoding.hpp>

#include <doctest/doctest.h>

#include <string_view>

namespace cp = credpool;

TEST_CASE("core/encoding: base64, the vectors of RFC 4648 section 10") {
  struct Vector {
    std::string_view bytes;
    std::string_view text;
  };
  for (const auto& vector :
       {Vector{"", ""}, Vector{"f", "Zg=="}, Vector{"fo", "Zm8="}, Vector{"foo", "Zm9v"},
        Vector{"foob", "Zm9vYg=="}, Vector{"fooba", "Zm9vYmE="}, Vector{"foobar", "Zm9vYmFy"}}) {
    CAPTURE(vector.text);
    const auto bare = vector.text.substr(0, vector.text.find('='));
    CHECK(cp::decode_base64(vector.text) == vector.bytes);
    CHECK(cp::decode_base64(bare) == vector.bytes);
    CHECK(cp::encode_base64url(vector.bytes) == bare);
  }
}

TEST_CASE("core/encoding: both alphabets are read, the URL one is written") {
  const std::string bytes{"\xfb\xff\xfe\x00", 4};
  CHECK(cp::decode_base64("+//+AA==") == bytes);
  CHECK(cp::decode_base64("-__-AA") == bytes);
  CHECK(cp::encode_base64url(bytes) == "-__-AA");
}

TEST_CASE("core/encoding: every byte survives the way there and back") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
    CHECK(cp::decode_base64(cp::encode_base64url(bytes)) == bytes);
  }
}

TEST_CASE("core/encoding: what is no base64 is refused") {
  for (const std::string_view text : {"Z", "Zm9vY", "Zm 9v", "Zm9v\n", "Z===", "=",
                                      "====", "Zm9v=", "Zg=", "Zm=9", "Zm9vYg=a", "Zg==Zg=="}) {
    CAPTURE(text);
    CHECK_FALSE(cp::decode_base64(text));
  }
}

TEST_CASE("core/encoding: bits that belong to no byte do not count") {
  CHECK(cp::decode_base64("Zh==") == "f");
  CHECK(cp::decode_base64("Zm9=") == "fo");
}

TEST_CASE("core/encoding: hexadecimal, either case") {
  CHECK(cp::decode_hex("00fFa1") == std::string{"\x00\xff\xa1", 3});
  CHECK(cp::decode_hex("") == "");
  for (const std::string_view text : {"0", "0g", "0x", " 0", "-1"})
    CHECK_FALSE(cp::decode_hex(text));
}

TEST_CASE("core/encoding: UTF-8 as Unicode defines it, and no NUL") {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, "abc"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv,
        "\xee\x80\x80"sv, "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv})
    CHECK(cp::is_valid_utf8(text));
  for (const auto text :
       {"\0"sv, "\x80"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2\x41"sv, "\xe0\x9f\xbf"sv,
        "\xe1\x80"sv, "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv, "\xf0\x8f\xbf\xbf"sv,
        "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv, "\xf0\x90\x80"sv})
    CHECK_FALSE(cp::is_valid_utf8(text));
}

TEST_CASE("core/encoding: B10 a token is printable ASCII without blanks") {
  CHECK(cp::is_safe_token("sk-ant-oat01-FAKE_.~!"));
  CHECK(cp::is_safe_token(std::string(16384, 'a')));
  using namespace std::string_view_literals;
  for (const auto text : {""sv, "a b"sv, "a\nb"sv, "a\r\nX: y"sv, "a\0b"sv, "a\x7f"sv, "a\t"sv,
                          "a\xc3\xa9"sv, "\xff"sv})
    CHECK_FALSE(cp::is_safe_token(text));
  CHECK_FALSE(cp::is_safe_token(std::string(1 << 20, 'a')));
}
