// SPDX-License-Identifier: MIT
#include <credpool/validation/shown_text.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

namespace {

cp::Credential credential() {
  auto made = cp::Credential::api_key("env", "openai", cp::Secret{"sk-FAKE-0123456789abcdef"});
  made.refresh_token = cp::Secret{"rt-FAKE-zyxwvutsrq"};
  return made;
}

}  // namespace

TEST_CASE("validation/shown_text: one plain line") {
  CHECK(cp::shown_text("  a\r\n\tb  ", credential()) == "a b");
  CHECK(cp::shown_text("\x1b[31mred\x1b[0m \x1b]0;title\a ok\b\x7f", credential()) == "red ok");
  CHECK(cp::shown_text("a\xff\xfe"
                       "b\xc2\x9b"
                       "c\xe2\x80\xae"
                       "d",
                       credential()) == "abcd");
  CHECK(cp::shown_text("\xe9\x99\x90\xe9\x80\x9f", credential()) == "\xe9\x99\x90\xe9\x80\x9f");
  CHECK(cp::shown_text("\x1b[", credential()).empty());
  CHECK(cp::shown_text("", credential()).empty());
}

TEST_CASE("validation/shown_text: cut at a character's border") {
  CHECK(cp::shown_text("ab\xe9\x99\x90", credential(), 4) == "ab");
  CHECK(cp::shown_text(std::string(500, 'x'), credential()).size() == 200);
}

TEST_CASE("validation/shown_text: a secret that the server echoes is masked, whole or in part") {
  CHECK(cp::shown_text("Incorrect API key provided: sk-FAKE-0123456789abcdef.", credential()) ==
        "Incorrect API key provided: ***.");
  CHECK(cp::shown_text("key 456789abcdef ends so", credential()) == "key *** ends so");
  CHECK(cp::shown_text("rt-FAKE-zyxwvutsrq", credential()) == "***");
  CHECK(cp::shown_text("sk-FAKE\x1b[0m-0123456789abcdef", credential()) == "***");
  CHECK(cp::shown_text("FAKE-01", credential()) == "FAKE-01");  // seven characters tell nothing
  auto tiny = cp::Credential::api_key("env", "x", cp::Secret{"abc"});
  CHECK(cp::shown_text("xabcx", tiny) == "x***x");
}
