// SPDX-License-Identifier: MIT
#include <credpool/impl/server/request_parser.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>

namespace cp = credpool;

namespace {

using Parser = cp::detail::RequestParser;

/// What became of a text that was fed in pieces of one size.
struct Outcome {
  Parser::State state = Parser::State::wants_more;
  int status = 0;
  std::string method;
  std::string target;
  std::string headers;
  std::string body;
  std::string rest;
  bool keep_alive = false;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome parse(std::string_view text, std::size_t piece, const cp::ServerLimits& limits = {}) {
  Parser parser{limits, [](const cp::RequestHead& head) -> std::optional<cp::Answer> {
                  if (head.path() == "/refused") return cp::Answer{403, {}, {}};
                  return std::nullopt;
                }};
  Outcome outcome;
  std::string all{text};
  while (!all.empty() && outcome.state == Parser::State::wants_more) {
    // A copy of exactly that size: reading past it is seen by a sanitizer.
    const std::string now{all.substr(0, piece)};
    all.erase(0, now.size());
    outcome.state = parser.feed(now);
  }
  if (outcome.state == Parser::State::refused) {
    const auto& answer = parser.refusal_answer();
    outcome.status = answer ? answer->status : parser.refusal().status;
    return outcome;
  }
  if (outcome.state != Parser::State::complete) return outcome;
  outcome.method = parser.head().method;
  outcome.target = parser.head().target;
  for (const auto& [name, value] : parser.head().headers)
    outcome.headers.append(name).append("=").append(value).append(";");
  outcome.body = parser.body();
  outcome.rest = parser.take_rest() + all;
  outcome.keep_alive = parser.keep_alive();
  return outcome;
}

/// The same in every splitting, or a failure.
Outcome parse(std::string_view text, const cp::ServerLimits& limits = {}) {
  const auto whole = parse(text, text.size(), limits);
  for (const std::size_t piece : {1, 2, 3, 7, 64, 1000}) {
    CAPTURE(piece);
    const auto other = parse(text, piece, limits);
    CHECK(other == whole);
  }
  return whole;
}

std::string post(std::string_view headers, std::string_view body = {}) {
  return "POST /v1 HTTP/1.1\r\nHost: a\r\n" + std::string{headers} + "\r\n" + std::string{body};
}

struct Case {
  std::string name;
  std::string text;
  int status;
};

}  // namespace

TEST_CASE("server/request_parser: requests as they should be") {
  const auto get = parse("GET /a?b=c HTTP/1.1\r\nHost: x\r\nEmpty:\r\nTrail: v \t\r\n\r\n");
  CHECK(get.state == Parser::State::complete);
  CHECK(get.method == "GET");
  CHECK(get.target == "/a?b=c");
  CHECK(get.headers == "Host=x;Empty=;Trail=v;");
  CHECK(get.keep_alive);

  CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\nEmpty: \r\n\r\n").headers == "Host=a;Empty=;");

  const auto length = parse(post("Content-Length: 5\r\n", "helloGET / HTTP/1.1\r\n"));
  CHECK(length.body == "hello");
  CHECK(length.rest == "GET / HTTP/1.1\r\n");

  const auto chunked = parse(post("Transfer-Encoding: chunked\r\n",
                                  "4;x=y\r\nwiki\r\n5\r\npedia\r\n0\r\nTrailer: t\r\n\r\nrest"));
  CHECK(chunked.body == "wikipedia");
  CHECK(chunked.headers == "Host=a;Transfer-Encoding=chunked;");
  CHECK(chunked.rest == "rest");

  const auto old = parse("GET / HTTP/1.0\r\n\r\n");
  CHECK(old.state == Parser::State::complete);
  CHECK_FALSE(old.keep_alive);
  CHECK(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").keep_alive);
  CHECK(parse("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").state == Parser::State::complete);
  CHECK(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").target == "*");
  // Nothing here speaks another protocol: the request is answered as it is.
  CHECK(parse(post("Connection: Upgrade\r\nUpgrade: websocket\r\n")).state ==
        Parser::State::complete);
}

TEST_CASE("server/request_parser: what could be read in two ways is refused") {
  const std::string zeros(40, '0');
  const Case cases[] = {
      {"length and encoding",
       post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"encoding and length",
       post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), 400},
      {"length of nothing and encoding",
       post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400},
      {"the same length twice", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
      {"a list of lengths", post("Content-Length: 3, 3\r\n", "abc"), 400},
      {"a length with a letter", post("Content-Length: 1x\r\n", "a"), 400},
      {"a signed length", post("Content-Length: +1\r\n", "a"), 400},
      {"a negative length", post("Content-Length: -1\r\n", "a"), 400},
      {"a length in hex", post("Content-Length: 0x1\r\n", "a"), 400},
      {"an empty length", post("Content-Length:\r\n", "a"), 400},
      {"a length over 64 bits", post("Content-Length: 18446744073709551616\r\n", "a"), 400},
      {"blank before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
      {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 0},
      {"identity", post("Transfer-Encoding: identity\r\n", "a"), 0},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
      {"xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 0},
      {"encoding twice",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 0},
      {"encoding behind a tab",
       post("Transfer-Encoding:\x0b"
            "chunked\r\n",
            "0\r\n\r\n"),
       400},
      {"encoding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       501},
      {"chunk size overflow", post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\n"), 400},
      {"chunk size with a letter", post("Transfer-Encoding: chunked\r\n", "5g\r\nhello\r\n"), 400},
      {"chunk size with blank", post("Transfer-Encoding: chunked\r\n", " 5\r\nhello\r\n"), 400},
      {"chunk size in 0x", post("Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n"), 400},
      {"chunk without its end", post("Transfer-Encoding: chunked\r\n", "5\r\nhelloX\r\n0\r\n\r\n"),
       400},
      {"chunk size and bare LF", post("Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n"),
       400},
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"bare LF behind the last header", "GET / HTTP/1.1\r\nHost: a\n\n", 400},
      {"bare LF before the end", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"bare LF before the request", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"bare CR in a value", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400},
      {"bare CR at the end of a value", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400},
      {"obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400},
      {"obs-fold of nothing", "GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n", 400},
      {"folded first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"NUL in a value", std::string{"GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29}, 400},
      {"NUL in a name", std::string{"GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n", 29}, 400},
      {"NUL in the target", std::string{"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 29}, 400},
      {"control character in a value", "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", 400},
      {"DEL in a value", "GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n", 400},
      {"header without colon", "GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", 400},
      {"header without name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
      {"blank in a header's name", "GET / HTTP/1.1\r\nHost: a\r\na b: x\r\n\r\n", 400},
      {"HTTP/0.9", "GET /\r\n\r\n", 505},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 0},
      {"http/1.1", "GET / http/1.1\r\nHost: a\r\n\r\n", 0},
      {"lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501},
      {"CONNECT of a path", "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"absolute-form", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"target without a slash", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"two blanks before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"two blanks behind the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"blank behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 0},
      {"blank before the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"tab in the request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"another protocol", "SOURCE / ICE/1.0\r\nHost: a\r\n\r\n", 0},
      {"RTSP", "SETUP / RTSP/1.0\r\nHost: a\r\n\r\n", 0},
      {"no Host", "GET / HTTP/1.1\r\nX: a\r\n\r\n", 400},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"neither a name nor a value", "GET / HTTP/1.1\r\nHost: a\r\n:\r\n\r\n", 400},
      {"another expectation", post("Expect: 200-ok\r\nContent-Length: 1\r\n", "a"), 417},
      {"TLS", "\x16\x03\x01\x02\x01\x01", 0},
      {"refused by the handler", "GET /refused HTTP/1.1\r\nHost: a\r\n\r\n", 403},
  };
  for (const auto& one : cases) {
    CAPTURE(one.name);
    const auto outcome = parse(one.text);
    CHECK(outcome.state == Parser::State::refused);
    if (one.status != 0)
      CHECK(outcome.status == one.status);
    else
      CHECK((outcome.status == 400 || outcome.status == 501 || outcome.status == 505));
  }
}

TEST_CASE("server/request_parser: a value that is folded is refused, wherever its lines end") {
  for (const std::string_view behind : {"", "Y: b\r\n"}) {
    for (std::size_t first = 0; first < 4; ++first) {
      for (std::size_t second = 0; second < 4; ++second) {
        for (std::size_t third = 0; third < 4; ++third) {
          for (const char blank : {' ', '\t'}) {
            std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(first, 'x');
            head += "\r\n" + (blank + std::string(second, 'x'));
            if (third > 0) head += "\r\n" + (blank + std::string(third - 1, 'x'));
            head += "\r\n";
            head.append(behind).append("\r\n");
            CHECK_MESSAGE(parse(head).status == 400, head);
          }
        }
      }
    }
  }
}

TEST_CASE("server/request_parser: limits") {
  const auto with_headers = [](int count) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 1; i < count; ++i) text += "X-" + std::to_string(i) + ": 1\r\n";
    return text + "\r\n";
  };
  CHECK(parse(with_headers(100)).state == Parser::State::complete);
  CHECK(parse(with_headers(101)).status == 431);
  const auto with_value = [](std::size_t size) {
    return "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(size, 'x') + "\r\n\r\n";
  };
  CHECK(parse(with_value(16'000)).state == Parser::State::complete);
  CHECK(parse(with_value(20'000)).status == 431);
  CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x')).status == 431);
  CHECK(parse("GET /" + std::string(8'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n").state ==
        Parser::State::complete);
  CHECK(parse("GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n").status == 414);

  cp::ServerLimits small;
  small.max_body_bytes = 100;
  CHECK(parse(post("Content-Length: 100\r\n", std::string(100, 'x')), small).state ==
        Parser::State::complete);
  CHECK(parse(post("Content-Length: 101\r\n", std::string(101, 'x')), small).status == 413);
  CHECK(parse(post("Content-Length: 99999999999\r\n"), small).status == 413);
}

TEST_CASE("server/request_parser: the limit of a chunked body counts its framing") {
  cp::ServerLimits small;
  small.max_body_bytes = 1'000;
  const auto bomb =
      post("Transfer-Encoding: chunked\r\n", "1;" + std::string(5'000, 'e') + "\r\na\r\n0\r\n\r\n");
  constexpr std::size_t pieces[] = {1, 7, 64, 500, 100'000};  // the last one: all at once
  for (const auto piece : pieces) CHECK(parse(bomb, piece, small).status == 413);
  std::string many;
  for (int i = 0; i < 2'000; ++i) many += "1\r\na\r\n";
  for (const auto piece : pieces)
    CHECK(parse(post("Transfer-Encoding: chunked\r\n", many), piece, small).status == 413);
  const auto trailers =
      post("Transfer-Encoding: chunked\r\n", "0\r\nA: " + std::string(5'000, 'x') + "\r\n\r\n");
  for (const auto piece : pieces) CHECK(parse(trailers, piece, small).status == 413);
  const auto at_once =
      post("Transfer-Encoding: chunked\r\n", "3e9\r\n" + std::string(1'001, 'x') + "\r\n0\r\n\r\n");
  CHECK(parse(at_once, small).status == 413);
  // What follows in the same piece is no part of it.
  const auto most =
      post("Transfer-Encoding: chunked\r\n", "3dc\r\n" + std::string(988, 'x') + "\r\n0\r\n\r\n") +
      std::string(500, 'y');
  for (const std::size_t piece : {64, 100'000})
    CHECK(parse(most, piece, small).state == Parser::State::complete);
}

TEST_CASE("server/request_parser: a large body is read to where it stays, and no byte further") {
  const cp::ServerLimits limits;
  Parser parser{limits, [](const cp::RequestHead&) { return std::nullopt; }};
  const std::string next = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const std::size_t size : {5'000u, 100'000u, 3'000'000u}) {
    CAPTURE(size);
    std::string body;
    for (std::size_t i = 0; i < size; ++i) body += static_cast<char>('a' + i % 23);
    CHECK(parser.body_room().empty());
    REQUIRE(parser.feed("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) +
                        "\r\n\r\n" + body.substr(0, 100)) == Parser::State::wants_more);
    std::size_t given = 100;
    auto state = Parser::State::wants_more;
    while (state == Parser::State::wants_more) {
      const auto room = parser.body_room();
      // Never so much that a byte of the next request could come into it.
      REQUIRE(room.size() <= size - given);
      CHECK(room.empty() == (size - given < 4096));  // few bytes may come with the next request
      const auto now = room.empty() ? size - given : std::min<std::size_t>(room.size(), 40'001);
      if (room.empty()) {
        state = parser.feed(body.substr(given) + next);
      } else {
        body.copy(room.data(), now, given);
        state = parser.feed({room.data(), now});
      }
      given += now;
    }
    REQUIRE(state == Parser::State::complete);
    CHECK(parser.body() == body);
    CHECK(given == size);
    parser.restart();
    CHECK(parser.had_large_body() == (size > 64 << 10));
  }
  REQUIRE(
      parser.feed("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4000\r\n") ==
      Parser::State::wants_more);
  CHECK(parser.body_room().empty());  // a chunk's end may come next
}

TEST_CASE("server/request_parser: one request after the other, each from a clean start") {
  const cp::ServerLimits limits;
  Parser parser{limits, [](const cp::RequestHead&) { return std::nullopt; }};
  REQUIRE(parser.feed("HEAD /a HTTP/1.0\r\nX: 1\r\n\r\nPOST /b HTTP/1.1\r\nHo") ==
          Parser::State::complete);
  auto rest = parser.take_rest();
  parser.restart();
  CHECK(parser.head().method.empty());
  CHECK(parser.head().headers.empty());
  CHECK(parser.head().minor_version == 1);
  CHECK_FALSE(parser.in_head());
  REQUIRE(parser.feed(rest) == Parser::State::wants_more);
  CHECK(parser.in_head());
  REQUIRE(parser.feed("st: b\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n") ==
          Parser::State::wants_more);
  CHECK(parser.in_body());
  CHECK(parser.take_expectation());
  CHECK_FALSE(parser.take_expectation());
  REQUIRE(parser.feed("ok") == Parser::State::complete);
  CHECK(parser.head().target == "/b");
  CHECK(parser.head().header("host") == "b");
  CHECK(parser.body() == "ok");
}

TEST_CASE("server/request_parser: the lines of a head, judged in blocks as one by one") {
  using Fault = cp::detail::HeadFault;
  // As RFC 9112 has it, byte by byte.
  const auto expected = [](std::string_view text, std::size_t size) {
    for (std::size_t at = 0; at < size; ++at) {
      const char c = text[at];
      const bool control = (c >= 0 && c < ' ' && c != '\t') || c == '\x7f';
      if (!control) continue;
      const bool line_ends = c == '\r' && at + 1 < size && text[at + 1] == '\n';
      const bool folds = line_ends && at + 2 < text.size() &&
                         std::string_view{" \t:"}.find(text[at + 2]) != std::string_view::npos;
      if (folds || (!line_ends && (c == '\r' || c == '\n' || c == '\0'))) return Fault::lines;
      if (!line_ends) return Fault::control;
      ++at;
    }
    return Fault::none;
  };
  const std::string_view letters{"a \t:\r\n\0\x01\x7f", 9};
  std::size_t wrong = 0;
  std::array<int, 3> seen{};
  for (const std::size_t before : {0, 11, 13, 14, 15, 30}) {
    for (int number = 0; number < 9 * 9 * 9 * 9; ++number) {
      std::string text(before, 'x');
      for (int rest = number, i = 0; i < 4; ++i, rest /= 9)
        text += letters[static_cast<std::size_t>(rest % 9)];
      for (const std::size_t after : {0, 17}) {
        const auto whole = text + std::string(after, 'y');
        for (const auto size : {whole.size(), text.size() - 1}) {
          const auto fault = cp::detail::head_fault(whole, size);
          ++seen[static_cast<std::size_t>(fault)];
          wrong += fault != expected(whole, size);
        }
      }
    }
  }
  CHECK(wrong == 0);
  for (const int each : seen) CHECK(each > 1000);
}
