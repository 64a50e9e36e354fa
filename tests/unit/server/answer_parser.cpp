// SPDX-License-Identifier: MIT
#include <credpool/impl/server/answer_parser.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using Parser = cp::detail::AnswerParser;

namespace {

/// What was told, as text.
struct Told final : cp::detail::AnswerSink {
  std::string text;

  bool on_answer_head(const cp::UpstreamAnswerHead& head) override {
    text += std::to_string(head.status) + ":";
    return true;
  }
  bool on_answer_data(std::string_view bytes) override {
    text += bytes;
    return true;
  }
};

struct Outcome {
  Parser::State state;
  std::string told;
  bool too_large;
};

Outcome read(std::string_view answer) {
  Told told;
  Parser parser;
  parser.begin(told, false);
  const auto state = parser.feed(answer);
  return {state, told.text, parser.too_large()};
}

std::string with_headers(std::size_t count) {
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  for (std::size_t i = 1; i < count; ++i) answer += "a:\r\n";
  return answer + "\r\n";
}

}  // namespace

TEST_CASE("server/answer_parser: an interim answer is passed over, and has no body") {
  const auto whole =
      read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  CHECK(whole.state == Parser::State::complete);
  CHECK(whole.told == "200:{}");
  for (const auto* answer :
       {"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}) {
    CAPTURE(answer);
    const auto refused = read(answer);
    CHECK(refused.state == Parser::State::refused);
    CHECK(refused.told.empty());
  }
}

TEST_CASE(
    "server/answer_parser: a status that is none, another protocol, a header without a name") {
  for (const auto* answer : {"HTTP/1.1 1 0\r\n\r\nwhatever", "HTTP/1.1 099 x\r\n\r\nwhatever",
                             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n: x\r\n\r\na"}) {
    CAPTURE(answer);
    const auto refused = read(answer);
    CHECK(refused.state == Parser::State::refused);
    CHECK(refused.told.empty());
    CHECK_FALSE(refused.too_large);
  }
}

TEST_CASE("server/answer_parser: a head has its limits") {
  CHECK(read(with_headers(Parser::max_headers)).state == Parser::State::complete);
  const auto many = read(with_headers(Parser::max_headers + 1));
  CHECK(many.state == Parser::State::refused);
  CHECK(many.too_large);
  const auto large =
      read("HTTP/1.1 200 OK\r\na: " + std::string(Parser::max_head, 'x') + "\r\n\r\n");
  CHECK(large.state == Parser::State::refused);
  CHECK(large.too_large);
}

TEST_CASE("server/answer_parser: what ends with the connection is complete when that ends") {
  Told told;
  Parser parser;
  parser.begin(told, false);
  CHECK(parser.feed("HTTP/1.1 200 OK\r\n\r\nto the") == Parser::State::in_body);
  CHECK(parser.feed(" end") == Parser::State::in_body);
  CHECK(parser.end() == Parser::State::complete);
  CHECK(told.text == "200:to the end");
  CHECK_FALSE(parser.keep_alive());

  parser.begin(told, false);
  CHECK(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nto the") ==
        Parser::State::in_body);
  CHECK(parser.end() == Parser::State::in_body);
}
