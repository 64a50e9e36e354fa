// SPDX-License-Identifier: MIT
#include <credpool/impl/server/answer_parser.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using Parser = cp::detail::AnswerParser;

namespace {

/// What was told, as text.
struct Told final : cp::detail::AnswerSink {
  std::string text;
  bool with_headers = false;

  bool on_answer_head(const cp::UpstreamAnswerHead& head) override {
    text += std::to_string(head.status) + ":";
    if (with_headers)
      for (const auto& [name, value] : head.headers)
        text.append(name).append("=").append(value).append(";");
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

void check_refused(const char* answer) {
  CAPTURE(answer);
  const auto refused = read(answer);
  CHECK(refused.state == Parser::State::refused);
  CHECK(refused.told.empty());
  CHECK_FALSE(refused.too_large);
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
        "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"})
    check_refused(answer);
}

TEST_CASE(
    "server/answer_parser: a status that is none, another protocol, a header without a name") {
  for (const auto* answer : {"HTTP/1.1 1 0\r\n\r\nwhatever", "HTTP/1.1 099 x\r\n\r\nwhatever",
                             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n: x\r\n\r\na"})
    check_refused(answer);
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

TEST_CASE("server/answer_parser: a head in pieces is told as if it had come in one") {
  const std::string answer =
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nfirst:  one \r\nempty:\r\nContent-Length: 4\r\n\r\nbody";
  const std::string_view told_whole = "200:first=one;empty=;Content-Length=4;body";
  for (std::size_t first = 1; first <= answer.size(); ++first) {
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{7}, std::size_t{40}, answer.size()}) {
      CAPTURE(first);
      CAPTURE(piece);
      Told told;
      told.with_headers = true;
      Parser parser;
      parser.begin(told, false);
      // Of each piece nothing is left when the next one comes, as with a buffer that is shared.
      auto state = parser.feed(std::string{answer.substr(0, first)});
      for (auto at = first; at < answer.size(); at += piece)
        state = parser.feed(std::string{answer.substr(at, piece)});
      CHECK(state == Parser::State::complete);
      CHECK(told.text == told_whole);
    }
  }
}

TEST_CASE("server/answer_parser: how much of an answer follows it is told of the last piece") {
  Told told;
  Parser parser;
  parser.begin(told, false);
  CHECK(parser.feed("HTTP/1.1 200 OK\r\nContent-Le") == Parser::State::in_head);
  CHECK(parser.feed("ngth: 2\r\n\r\n{}HTTP") == Parser::State::complete);
  CHECK(parser.used() == std::string_view{"ngth: 2\r\n\r\n{}"}.size());
  CHECK(told.text == "200:{}");
}

TEST_CASE("server/answer_parser: a header that is folded, or holds a control character") {
  const auto with = [](const std::string& header) {
    return "HTTP/1.1 200 OK\r\n" + header + "\r\nContent-Length: 0\r\n\r\n";
  };
  check_refused(with("a: b\r\n c").c_str());
  check_refused(with("a: b\r\n\tc").c_str());
  CHECK(read(with("a: b\tc")).told == "200:");
  for (int code = 0; code < 128; ++code) {
    if ((code >= 0x20 && code != 0x7f) || code == '\t') continue;
    const std::string control(1, static_cast<char>(code));
    for (const auto& header :
         {"a: b" + control + "c", "a:" + control + "c", "a: c" + control, "a" + control + ": c"}) {
      CAPTURE(header);
      CHECK(read(with(header)).told.empty());
    }
  }
}

TEST_CASE("server/answer_parser: a head that never ends is kept no further than its limit") {
  const std::string blanks(1 << 10, ' ');
  Told told;
  Parser parser;
  parser.begin(told, false);
  auto state = parser.feed("HTTP/1.1 200 OK\r\na:");
  std::size_t fed = 0;
  for (; state == Parser::State::in_head && fed < 2 * Parser::max_head; fed += blanks.size())
    state = parser.feed(blanks);
  CHECK(state == Parser::State::refused);
  CHECK(parser.too_large());
  CHECK(fed <= Parser::max_head + blanks.size());

  // What comes before the answer has no end either, but is not kept.
  parser.begin(told, false);
  const std::string_view interim = "HTTP/1.1 102 Processing\r\na: b\r\n\r\n";
  for (fed = 0; fed < 2 * Parser::max_head; fed += interim.size())
    CHECK(parser.feed(interim) == Parser::State::in_head);
  CHECK(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == Parser::State::complete);
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
