// SPDX-License-Identifier: MIT
#include <credpool/gateway/event_hub.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace cp = credpool;

namespace {

std::vector<std::string> told(cp::EventSubscription& reader) {
  std::vector<std::string> lines;
  for (auto events = reader.take(); !events.empty(); events = reader.take())
    for (const auto& event : events)
      lines.push_back(event->id + " " + event->type + " " + event->data);
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("gateway/event_hub: a new reader looks at everything first, then goes by the events") {
  cp::EventHub hub{{.epoch = "e"}};
  hub.publish("before", "{}");
  const auto reader = hub.subscribe("", [] {});
  REQUIRE(reader);
  CHECK(told(*reader) == Lines{"e-1 resync {}"});
  hub.publish("scan.finished", R"({"found":3})");
  hub.publish("flow", "{}");
  CHECK(told(*reader) == Lines{R"(e-2 scan.finished {"found":3})", "e-3 flow {}"});
  CHECK(hub.published() == 3);
  CHECK(hub.dropped() == 0);
}

TEST_CASE("gateway/event_hub: a reader resumes where it was, if that is still known") {
  cp::EventHub hub{{.epoch = "e", .ring = 3}};
  for (int i = 1; i <= 5; ++i) hub.publish("n", std::to_string(i));
  const auto first = [&](std::string_view last) { return told(*hub.subscribe(last, [] {})); };
  CHECK(first("e-2") == Lines{"e-3 n 3", "e-4 n 4", "e-5 n 5"});
  CHECK(first("e-4") == Lines{"e-5 n 5"});
  CHECK(first("e-5").empty());
  // Left the ring, of another run, of the future, or no such thing.
  for (const auto* last : {"e-1", "e-0", "f-4", "e-6", "e-", "e", "-4", "e-4x", "e- 4", "ee-4",
                           "e-18446744073709551615", "e-99999999999999999999"})
    CHECK_MESSAGE(first(last) == Lines{"e-5 resync {}"}, last);
  // Where nothing has happened yet there is nothing to miss.
  cp::EventHub fresh{{.epoch = "e"}};
  CHECK(told(*fresh.subscribe("e-0", [] {})).empty());
}

TEST_CASE("gateway/event_hub: who is too slow is told how much it missed, and starts anew") {
  cp::EventHub hub{{.epoch = "e", .ring = 4}};
  const auto slow = hub.subscribe("e-0", [] {});
  for (int i = 1; i <= 4; ++i) hub.publish("n", std::to_string(i));
  CHECK(slow->take(1).front()->data == "1");
  hub.publish("n", "5");  // 2 to 5 are there still
  CHECK(slow->take(1).front()->data == "2");
  for (int i = 6; i <= 20; ++i) hub.publish("n", std::to_string(i));
  CHECK(told(*slow) == Lines{R"( dropped {"count":18})", "e-20 resync {}"});
  CHECK(hub.dropped() == 18);
  hub.publish("n", "21");
  CHECK(told(*slow) == Lines{"e-21 n 21"});
}

TEST_CASE("gateway/event_hub: what is kept is bounded in bytes, too") {
  cp::EventHub hub{{.epoch = "e", .ring = 1'000, .bytes = 10'000}};
  const auto reader = hub.subscribe("e-0", [] {});
  for (int i = 0; i < 10; ++i) hub.publish("large", std::string(3'000, 'x'));
  CHECK(told(*reader).front() == R"( dropped {"count":10})");
  const auto rest = hub.subscribe("e-7", [] {});
  CHECK(told(*rest).size() == 3);
  // One that is larger than all there may be is told all the same.
  hub.publish("huge", std::string(50'000, 'x'));
  CHECK(told(*rest).size() == 1);
}

TEST_CASE("gateway/event_hub: a reader is woken once, and only after it took everything") {
  cp::EventHub hub{{.epoch = "e"}};
  int woken = 0;
  const auto reader = hub.subscribe("e-0", [&] { ++woken; });
  hub.publish("n", "1");
  CHECK(woken == 0);  // it has not looked yet
  CHECK(told(*reader).size() == 1);
  hub.publish("n", "2");
  hub.publish("n", "3");
  CHECK(woken == 1);
  CHECK(reader->take(1).size() == 1);
  hub.publish("n", "4");
  CHECK(woken == 1);  // it knows that there is more
  CHECK(told(*reader).size() == 2);
  hub.publish("n", "5");
  CHECK(woken == 2);
}

TEST_CASE("gateway/event_hub: there are only so many readers, and a place that is left is free") {
  cp::EventHub hub{{.epoch = "e", .subscribers = 2}};
  auto one = hub.subscribe("", [] {});
  const auto two = hub.subscribe("", [] {});
  CHECK(hub.subscribers() == 2);
  CHECK(hub.subscribe("", [] {}) == nullptr);
  one.reset();
  CHECK(hub.subscribers() == 1);
  CHECK(hub.subscribe("", [] {}) != nullptr);
}

TEST_CASE("gateway/event_hub: publishers and readers of many threads") {
  cp::EventHub hub{{.epoch = "e", .ring = 64}};
  constexpr int publishers = 4;
  constexpr int each = 5'000;
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  std::vector<std::uint64_t> seen(3);
  for (auto& count : seen)
    threads.emplace_back([&hub, &done, &count] {
      std::atomic<bool> woken{true};
      const auto reader = hub.subscribe("e-0", [&woken] { woken = true; });
      std::uint64_t next = 0;
      const auto drain = [&] {
        for (auto events = reader->take(7); !events.empty(); events = reader->take(7))
          for (const auto& event : events) {
            if (event->type == "dropped")
              count += std::stoull(event->data.substr(event->data.find(':') + 1));
            if (event->id.empty()) continue;
            const auto number = std::stoull(event->id.substr(2));
            CHECK(number >= next);  // in order, none twice
            next = number + (event->type == "resync" ? 0 : 1);
            if (event->type == "n") ++count;
          }
      };
      while (!done) {
        if (woken.exchange(false)) drain();
        std::this_thread::yield();
      }
      drain();
    });
  while (hub.subscribers() < seen.size()) std::this_thread::yield();
  std::vector<std::thread> writers;
  for (int i = 0; i < publishers; ++i)
    writers.emplace_back([&hub] {
      for (int n = 0; n < each; ++n) hub.publish("n", "{}");
    });
  for (auto& writer : writers) writer.join();
  done = true;
  for (auto& thread : threads) thread.join();
  // Every event was told, or told to be missing.
  for (const auto count : seen) CHECK(count == publishers * each);
  CHECK(hub.subscribers() == 0);
}
