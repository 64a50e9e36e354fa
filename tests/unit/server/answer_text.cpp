// SPDX-License-Identifier: MIT
#include <credpool/impl/server/answer_text.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using cp::detail::AfterAnswer;

TEST_CASE("server/answer_text: whole answers") {
  const cp::Answer answer{200, {{"content-type", "text/plain"}}, "hello"};
  CHECK(cp::detail::whole_answer(answer, "today", false, AfterAnswer::keep) ==
        "HTTP/1.1 200 OK\r\ndate: today\r\ncontent-type: text/plain\r\ncontent-length: "
        "5\r\n\r\nhello");
  CHECK(cp::detail::whole_answer(answer, "today", true, AfterAnswer::close) ==
        "HTTP/1.1 200 OK\r\ndate: today\r\nconnection: close\r\ncontent-type: text/plain\r\n"
        "content-length: 5\r\n\r\n");
  CHECK(
      cp::detail::whole_answer({204, {}, "never"}, "today", false, AfterAnswer::keep_and_say_so) ==
      "HTTP/1.1 204 No Content\r\ndate: today\r\nconnection: keep-alive\r\n\r\n");
  CHECK(cp::detail::whole_answer({304, {}, "never"}, "d", false, AfterAnswer::keep) ==
        "HTTP/1.1 304 Not Modified\r\ndate: d\r\n\r\n");
  CHECK(cp::detail::whole_answer({499, {}, ""}, "d", false, AfterAnswer::keep) ==
        "HTTP/1.1 499 Status\r\ndate: d\r\ncontent-length: 0\r\n\r\n");
}

TEST_CASE("server/answer_text: heads") {
  cp::AnswerHead head;
  head.headers = {{"a", "b"}};
  CHECK(cp::detail::answer_head(head, "d", true, AfterAnswer::keep) ==
        "HTTP/1.1 200 OK\r\ndate: d\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n");
  CHECK(cp::detail::answer_head(head, "d", false, AfterAnswer::close) ==
        "HTTP/1.1 200 OK\r\ndate: d\r\nconnection: close\r\na: b\r\n\r\n");
  head.content_length = 1'000'000'000'000;
  CHECK(cp::detail::answer_head(head, "d", false, AfterAnswer::keep) ==
        "HTTP/1.1 200 OK\r\ndate: d\r\na: b\r\ncontent-length: 1000000000000\r\n\r\n");
  head.status = 204;
  CHECK(cp::detail::answer_head(head, "d", false, AfterAnswer::keep) ==
        "HTTP/1.1 204 No Content\r\ndate: d\r\na: b\r\n\r\n");
}

TEST_CASE("server/answer_text: the line before a chunk") {
  std::array<char, 20> room;
  CHECK(cp::detail::chunk_size_line(500, room) == "1f4\r\n");
  CHECK(cp::detail::chunk_size_line(SIZE_MAX, room) == "ffffffffffffffff\r\n");
}

TEST_CASE("server/answer_text: a head that has too little room grows, and loses nothing") {
  for (std::size_t room = 0; room < 120; ++room) {
    cp::detail::HeadWriter head{room};
    head.add("HTTP/1.1 ").add_number(200).add({}).add("\r\n");
    head.header("content-length", "12").add_number(~std::uint64_t{0}).add(std::string(60, 'x'));
    CHECK(std::move(head).take() ==
          "HTTP/1.1 200\r\ncontent-length: 12\r\n18446744073709551615" + std::string(60, 'x'));
  }
}

TEST_CASE("server/answer_text: a head may stand where an earlier one stood") {
  const std::string longer(100, 'x');
  for (const std::size_t room : {0, 10, 200}) {
    cp::detail::HeadWriter head{room, longer};
    head.add("HTTP/1.1 ").add_number(200).add("\r\n");
    CHECK(std::move(head).take() == "HTTP/1.1 200\r\n");
  }
}
