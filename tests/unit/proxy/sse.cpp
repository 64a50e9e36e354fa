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

namespace {

/// Puts the data of long events together again.
struct Parts final : cp::SseLongData {
  std::string data;
  std::size_t times = 0;
  void add(std::string_view, std::string_view part) override {
    CHECK_FALSE(part.empty());
    data += part;
    ++times;
  }
  void feed(cp::SseReader& reader, std::string_view piece, Events& events) {
    while (reader.next(piece, this)) {
      if (reader.in_parts()) {
        CHECK(reader.data().empty());
        events.emplace_back(reader.event(), std::exchange(data, {}));
      } else {
        CHECK(data.empty());
        events.emplace_back(reader.event(), reader.data());
      }
    }
  }
};

}  // namespace

TEST_CASE("proxy/sse: the data of an event that is too long is given away in parts") {
  const std::string large(200, 'x');
  const std::pair<std::string, Events> streams[] = {
      {"data: " + large + "\n\ndata: b\n\n", {{"", large}, {"", "b"}}},
      {"data:" + large + "\r\n\r\n", {{"", large}}},
      {"data: a\nid: " + large + "\n\ndata: b\n\n", {{"", "a"}, {"", "b"}}},
      {"id: " + large + "\ndata: " + large + "\n\n", {{"", large}}},
      {"data: " + large + "\ndata: " + large + "\ndata\ndata: c\n\n",
       {{"", large + '\n' + large + "\n\nc"}}},
      {"event: x\ndata: " + large + "\n:" + large + "\ndata: " + large + "\n\n",
       {{"x", large + '\n' + large}}},
      {"data: " + large + "\nevent: late\n\n", {{"late", large}}},
      {"database: " + large + "\n\ndata: b\n\n", {{"", "b"}}},
  };
  for (const auto& [stream, expected] : streams) {
    for (const std::size_t step :
         {std::size_t{1}, std::size_t{7}, std::size_t{90}, stream.size()}) {
      const auto& text = stream;
      CAPTURE(text);
      CAPTURE(step);
      cp::SseReader reader{100};
      Parts parts;
      Events events;
      for (std::size_t at = 0; at < text.size(); at += step)
        parts.feed(reader, std::string{text.substr(at, step)}, events);
      CHECK(events == expected);
      CHECK(reader.passed_over() == 0);
      CHECK(reader.at_boundary());
      // A line that lies within a piece is told as it stands, however long.
      if (step == text.size() && &expected == &streams[0].second) CHECK(parts.times == 0);
    }
  }
}

TEST_CASE("proxy/sse: the same events wherever the pieces are cut, in parts too") {
  std::mt19937 random{7};
  const std::vector<std::string> lines{"data: a",
                                       "data:" + std::string(30, 'b'),
                                       "data: " + std::string(90, 'c'),
                                       "event: x",
                                       ": " + std::string(70, 'd'),
                                       "id: " + std::string(80, 'e'),
                                       "",
                                       "",
                                       "data"};
  std::size_t times = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string stream;
    for (auto left = random() % 20; left > 0; --left)
      stream += lines[random() % lines.size()] + (round % 3 == 0 ? "\r\n" : "\n");
    cp::SseReader one, many{64};
    Parts parts;
    Events expected, events;
    feed(one, stream, expected);
    for (std::size_t at = 0; at < stream.size();) {
      const auto size = random() % 40;
      parts.feed(many, std::string{stream.substr(at, size)}, events);
      at += size;
    }
    CAPTURE(stream);
    CHECK(events == expected);
    CHECK(many.at_boundary() == one.at_boundary());
    times += parts.times;
  }
  CHECK(times > 1000);
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
