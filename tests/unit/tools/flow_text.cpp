// SPDX-License-Identifier: MIT
#include "../../../tools/gateway/flow_text.hpp"

#include <doctest/doctest.h>

using namespace credpool_cli;
using credpool::Secret;

namespace {

std::string shown(std::string_view line) {
  return shown_output(line, {});
}

}  // namespace

TEST_CASE("tools/flow_text: lines come whole, however their bytes come") {
  LineSplitter splitter;
  CHECK(splitter.feed("one\ntw") == std::vector<std::string>{"one"});
  CHECK(splitter.rest() == "tw");
  CHECK(splitter.feed("o\r\n\nspin 1\rspin 2\r") ==
        std::vector<std::string>{"two", "spin 1", "spin 2"});
  CHECK(splitter.rest().empty());
  CHECK(splitter.feed("Code: ").empty());
  CHECK(splitter.take_rest() == "Code: ");
  const auto long_ones = splitter.feed(std::string(20'000, 'x'));
  REQUIRE(long_ones.size() == 2);
  CHECK(long_ones[0].size() == 8192);
}

TEST_CASE("tools/flow_text: no escape sequence and no control character is handed on") {
  CHECK(shown("\x1b[1m\x1b[38;5;1mBold\x1b[0m \x1b]8;;http://x\x07link\x07 \x9b"
              "31mred") == "Bold link 31mred");
  CHECK(shown("a\x08\x08"
              "b\x7f \xe2\x80\xae"
              "c") == "ab c");
  CHECK(shown(std::string(1000, 'a')).size() == 400);
}

TEST_CASE("tools/flow_text: what may be a token is masked, wherever it stands") {
  for (const std::string_view token :
       {"sk-proj-abcdefghij0123", "sk-ant-oat01-AbCdEf", "AIzaSyA0123456789abcdef",
        "ghp_0123456789abcdef", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "0123456789abcdef0123456789abcdef", "rt_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4MTIz"}) {
    for (const std::string_view before : {"", "key=", "\"", "token: ", "("}) {
      CAPTURE(token);
      const auto line = shown(std::string{before} + std::string{token} + ")");
      CHECK(line.find(token.substr(4, 8)) == std::string::npos);
      CHECK(line.find("***") != std::string::npos);
    }
  }
  // What a person has to read stays.
  for (const std::string_view line :
       {"Open https://auth.openai.com/codex/device and enter ABCD-12345",
        "Logged in as ann@example.com", "Waiting for authentication... (press Ctrl-C to stop)",
        "version 2026.11.21-rc1+build.7",
        "/home/ann/.config/some-cli/a-rather-long-name-of-a-directory/auth.json"})
    CHECK(shown(line) == line);
}

TEST_CASE("tools/flow_text: an address keeps what its page needs, and no secret") {
  const std::string page =
      "https://claude.com/cai/oauth/"
      "authorize?code=true&client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e&state="
      "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4MTIzNDU2Nzg&code_challenge="
      "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4MTIzNDU2Nzg";
  CHECK(shown_output(page, {}, 4096) == page);
  CHECK(shown("http://localhost:1455/auth/callback?code=ac_0123456789abcdefghij&state=x") ==
        "http://localhost:1455/auth/callback?code=***&state=x");
  CHECK(shown("https://ann:hunter22@host.test/x#access_token=0123456789abcdef") ==
        "https://host.test/x#access_token=***");
  CHECK(shown("(https://host.test/sk-abcdefghijklm0123456789)") == "(https://host.test/***");
}

TEST_CASE("tools/flow_text: what the person typed is not shown again") {
  const Secret typed{"abc-def-ghi-jkl"};
  CHECK(shown_output("you said abc-def-ghi-jkl, right?", typed) == "you said ***, right?");
  CHECK(shown_output("echo: abc-def-gh", typed) == "echo: ***");
  CHECK(shown_output("yes, really", Secret{"y"}) == "yes, really");
}

TEST_CASE("tools/flow_text: the page and the code are found") {
  CHECK(address_in("go to <https://a.test/device?x=1>.") == "https://a.test/device?x=1");
  CHECK(address_in("see https://a.test/b, or not") == "https://a.test/b");
  CHECK(address_in("http:// and nothing").empty());
  CHECK(user_code_in("enter ABCD-EFGH.") == "ABCD-EFGH");
  CHECK(user_code_in("code: 9ZK2-4Q1RT") == "9ZK2-4Q1RT");
  CHECK(user_code_in("since 2026-1121 WORD-wide ABCDE-FGH").empty());
  CHECK(looks_like_question("Paste code here if prompted > "));
  CHECK(looks_like_question("Password: "));
  CHECK_FALSE(looks_like_question("Waiting"));
  CHECK_FALSE(looks_like_question(""));
}
