// SPDX-License-Identifier: MIT
#include <credpool/account/email.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("account/email: what people use, in lower case") {
  CHECK(cp::normal_email("demo@openclaw.dev") == "demo@openclaw.dev");
  CHECK(cp::normal_email("First.Last+Tag@Mail.Example.COM") == "first.last+tag@mail.example.com");
  CHECK(cp::normal_email("o'neill@a-b.example") == "o'neill@a-b.example");
  CHECK(cp::normal_email(std::string(64, 'a') + "@example.com"));
}

TEST_CASE("account/email: anything else is refused") {
  for (const std::string_view text : {"",
                                      "notanemail",
                                      "@example.com",
                                      "a@",
                                      "a@localhost",
                                      "a@.example.com",
                                      "a@example..com",
                                      "a@example.com.",
                                      ".a@example.com",
                                      "a.@example.com",
                                      "a..b@example.com",
                                      "a b@example.com",
                                      "a@exa mple.com",
                                      "a@b@example.com",
                                      "a@-example.com",
                                      "a@example-.com",
                                      "a@exam_ple.com",
                                      "\"a b\"@example.com",
                                      "a@[127.0.0.1]",
                                      "a\n@example.com",
                                      "a@example.com\n",
                                      "\xc3\xa4@example.com",
                                      "<a@example.com>"}) {
    INFO(text);
    CHECK_FALSE(cp::normal_email(text));
  }
  CHECK_FALSE(cp::normal_email(std::string(65, 'a') + "@example.com"));
  CHECK_FALSE(cp::normal_email("a@" + std::string(64, 'b') + ".com"));
  std::string many = "a@";
  for (int i = 0; i < 130; ++i) many += "b.";
  CHECK_FALSE(cp::normal_email(many + "com"));
  CHECK_FALSE(cp::normal_email({"a\0@example.com", 14}));
}
