// SPDX-License-Identifier: MIT
#include <credpool/proxy/sse.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cp = credpool;

namespace {

using Events = std::vector<std::pair<std::string, std::string>>;

void feed(cp::SseReader& reader, std::string_view piece, Events& events) {
  // A piece of its own on the heap, so that a view that outlives it is found.
  const std::vector<char> bytes{piece.begin(), piece.end()};
  reader.feed({bytes.data(), bytes.size()},
              [&events](std::string_view event, std::string_view data) {
                events.emplace_back(event, data);
              });
}

Events whole(std::string_view stream, std::size_t cap = 1 << 20) {
  cp::SseReader reader{cap};
  Events events;
  feed(reader, stream, events);
  return events;
}

}  // namespace

TEST_CASE("proxy/sse: events as the standard reads them") {
  CHECK(whole("data: a\n\n") == Events{{"", "a"}});
  CHECK(whole("event: x\r\ndata: a\r\ndata:  b\r\n\r\n") == Events{{"x", "a\n b"}});
  CHECK(whole("event:x\rdata:a\r\rdata: b\r\r") == Events{{"x", "a"}, {"", "b"}});
  CHECK(whole("\xef\xbb\xbf"
              "data: a\n\n") == Events{{"", "a"}});
  CHECK(whole("data: a\n\n\xef\xbb\xbf"
              "data: b\n\n") == Events{{"", "a"}});
  CHECK(whole("\xef\xbb"
              "data: b\n\n")
            .empty());
  CHECK(whole(": comment\n\ndata: a\n: inside\nid: 7\nretry: 5\nunknown\n\n") == Events{{"", "a"}});
  CHECK(whole("data\n\n") == Events{{"", ""}});
  CHECK(whole("data\ndata\n\n") == Events{{"", "\n"}});
  CHECK(whole("event: x\n\ndata: a\n\n") == Events{{"", "a"}});  // no data: the name is forgotten
  CHECK(whole("event: x\nevent: y\ndata: {\"a\":\"b:c\"}\n\n") == Events{{"y", "{\"a\":\"b:c\"}"}});
  CHECK(whole("dat: a\n data: b\nData: c\n\n").empty());
  CHECK(whole("data: a\n").empty());  // not ended
  CHECK(whole("\n\n\r\n\r\r").empty());
  CHECK(whole(std::string{"data: a\0b\n\n", 11}) == Events{{"", std::string{"a\0b", 3}}});
}

TEST_CASE("proxy/sse: where an event of our own may follow") {
  cp::SseReader reader;
  Events events;
  CHECK(reader.at_boundary());
  const std::pair<std::string, bool> pieces[] = {
      {"\xef", false},   {"\xbb", false},       {"\xbf", true},     {"d", false},
      {"ata: a", false}, {"\n", false},         {"\n", true},       {"\n", true},
      {": ping", false}, {"\n", true},          {"id: 1\n", false}, {"\r", true},
      {"\n", true},      {"event: x\r", false}, {"\n", false},      {"data: b\r\n", false},
      {"\r\n", true},    {":\n:\n", true}};
  for (const auto& [bytes, boundary] : pieces) {
    const auto& piece = bytes;
    CAPTURE(piece);
    feed(reader, piece, events);
    CHECK(reader.at_boundary() == boundary);
  }
  CHECK(events == Events{{"", "a"}, {"x", "b"}});
}

TEST_CASE("proxy/sse: what is too long is passed over, and the next one is told") {
  const std::string large(200, 'x');
  for (const auto& stream :
       {"data: " + large + "\n\ndata: b\n\n", "data: a\nid: " + large + "\n\ndata: b\n\n",
        "event: " + large + "\ndata: a\n\ndata: b\n\n",
        "data: " + large.substr(0, 60) + "\ndata: " + large.substr(0, 60) + "\n\ndata: b\n\n"}) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, stream.size()}) {
      cp::SseReader reader{100};
      Events events;
      for (std::size_t at = 0; at < stream.size(); at += step)
        feed(reader, std::string_view{stream}.substr(at, step), events);
      CAPTURE(stream);
      CHECK(events == Events{{"", "b"}});
      CHECK(reader.passed_over() == 1);
      CHECK(reader.at_boundary());
    }
  }
  // Comments do not count, however long.
  CHECK(whole("data: a\n:" + large + "\n\n", 100) == Events{{"", "a"}});
  CHECK(whole("data: " + large.substr(0, 94) + "\n\n", 100).size() == 1);
  CHECK(whole("data: " + large.substr(0, 95) + "\n\n", 100).empty());
}

TEST_CASE("proxy/sse: the same events wherever the pieces are cut") {
  std::mt19937 random{99};
  const std::vector<std::string> lines{"data: a",
                                       "data:b",
                                       "event: x",
                                       "event: response.completed",
                                       ": ping",
                                       "",
                                       "",
                                       "id: 1",
                                       "data",
                                       "data: {\"usage\":{\"x\":1}}",
                                       "data: " + std::string(60, 'y'),
                                       "junk"};
  const std::vector<std::string> ends{"\n", "\r\n", "\r"};
  int told = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string stream = random() % 4 == 0 ? "\xef\xbb\xbf" : "";
    const auto mixed = random() % 4;
    for (auto left = random() % 20; left > 0; --left)
      stream += lines[random() % lines.size()] + ends[mixed < 3 ? mixed : random() % 3];
    cp::SseReader one{100}, many{100};
    Events expected, events;
    feed(one, stream, expected);
    for (std::size_t at = 0; at < stream.size();) {
      const auto size = random() % 9;
      feed(many, std::string_view{stream}.substr(at, size), events);
      at += size;
    }
    CAPTURE(stream);
    CHECK(events == expected);
    CHECK(many.at_boundary() == one.at_boundary());
    CHECK(many.passed_over() == one.passed_over());
    told += static_cast<int>(events.size());
  }
  CHECK(told > 1000);
}
