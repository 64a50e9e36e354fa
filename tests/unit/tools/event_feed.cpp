// SPDX-License-Identifier: MIT
#include "../../../tools/gateway/event_feed.hpp"

#include <credpool/server/fake.hpp>

#include <doctest/doctest.h>

#include <string>

namespace cp = credpool;
using namespace credpool_cli;
using namespace std::chrono_literals;

namespace {

/// A hub, and readers of it whose time stands still.
struct World {
  std::shared_ptr<cp::FakeExchange> open(std::string last = {}) {
    cp::FakeRequest request{.method = "GET", .target = "/events"};
    if (!last.empty()) request.headers.emplace_back("last-event-id", std::move(last));
    auto exchange = std::make_shared<cp::FakeExchange>(std::move(request), loop);
    feeds.open(exchange, hub, access, who);
    loop->run_posted();
    return exchange;
  }
  void publish(int count, std::string_view type = "n") {
    for (int i = 0; i < count; ++i) hub.publish(type, "{}");
    loop->run_posted();
  }

  std::shared_ptr<cp::FakeLoop> loop = std::make_shared<cp::FakeLoop>();
  cp::EventHub hub{{.epoch = "e"}};
  cp::GatewayAccess access{[] { return cp::TimePoint{}; }};
  EventFeeds feeds;
  cp::GatewayIdentity who{.kind = cp::GatewayIdentity::Kind::socket};
};

}  // namespace

TEST_CASE("tools/event_feed: events as a stream, from where the reader was") {
  World world;
  const auto reader = world.open();
  CHECK(reader->answer().header("content-type") == "text/event-stream");
  CHECK(reader->answer().header("cache-control") == "no-store");
  CHECK(reader->answer().body == ":\n\nid: e-0\nevent: resync\ndata: {}\n\n");
  world.hub.publish("flow", R"({"id":1})");
  world.loop->run_posted();
  CHECK(reader->answer().body.ends_with("id: e-1\nevent: flow\ndata: {\"id\":1}\n\n"));
  CHECK(world.open("e-0")->answer().body == ":\n\nid: e-1\nevent: flow\ndata: {\"id\":1}\n\n");
}

TEST_CASE("tools/event_feed: who reads nothing is told, once it reads again, and held up nobody") {
  World world;
  const auto slow = world.open();
  const auto good = world.open();
  slow->stop_reading();
  for (int i = 0; i < 50; ++i) world.publish(100);
  CHECK(good->answer().body.ends_with("id: e-5000\nevent: n\ndata: {}\n\n"));
  CHECK(good->answer().body.find("dropped") == std::string::npos);
  // It took one batch, and nothing was kept for it beyond that.
  CHECK(slow->flushes() <= 4);
  slow->read_on();
  world.loop->run_posted();
  const auto& body = slow->answer().body;
  CHECK(body.find("event: dropped\ndata: {\"count\":") != std::string::npos);
  CHECK(body.ends_with("id: e-5000\nevent: resync\ndata: {}\n\n"));
  world.publish(1);
  CHECK(body.ends_with("id: e-5001\nevent: n\ndata: {}\n\n"));
  CHECK(world.hub.dropped() > 3'000);
}

TEST_CASE(
    "tools/event_feed: a stream that is quiet lives, and one whose credential ended does not") {
  World world;
  const auto token = world.access.tokens().create("ci", {cp::Scope::read}, {});
  world.who = {.kind = cp::GatewayIdentity::Kind::token,
               .number = world.access.tokens().find(token->reveal(), {})->number};
  const auto reader = world.open();
  const auto before = reader->answer().body.size();
  world.loop->advance(15s);
  CHECK(reader->answer().body.substr(before) == ":\n\n");
  REQUIRE(world.access.tokens().revoke("ci"));
  world.loop->advance(15s);
  CHECK(reader->end() == cp::FakeExchange::End::finished);
  CHECK(world.hub.subscribers() == 0);
}

TEST_CASE("tools/event_feed: streams end with their peer, and with the server") {
  World world;
  const auto left = world.open();
  left->leave();
  CHECK(world.hub.subscribers() == 0);
  const auto good = world.open();
  const auto slow = world.open();
  slow->stop_reading();
  world.publish(1);
  world.feeds.end();
  world.loop->run_posted();
  CHECK(good->end() == cp::FakeExchange::End::finished);
  CHECK(slow->end() == cp::FakeExchange::End::cut);
  CHECK(world.hub.subscribers() == 0);
  CHECK(world.open()->answer().status == 503);
  world.loop->advance(60s);  // no timer touches what is gone
}
