// SPDX-License-Identifier: MIT
#include "../../../tools/gateway/logged_exchange.hpp"

#include <credpool/server/fake.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace cp = credpool;
using namespace credpool_cli;

namespace {

/// Hears what a real handler hears.
struct Listener final : cp::ExchangeListener {
  void on_drained() override { ++drained; }
  void on_client_gone() override { ++gone; }
  int drained = 0;
  int gone = 0;
};

struct World {
  std::shared_ptr<LoggedExchange> open(std::string method = "GET") {
    inner = std::make_shared<cp::FakeExchange>(
        cp::FakeRequest{.method = std::move(method), .target = "/events?secret=1"}, loop);
    auto record = access_record(inner->head(), inner->peer(), cp::TimePoint{});
    id = record.request_id;
    return LoggedExchange::over(inner, std::move(record),
                                [this](const cp::AccessRecord& done) { told.push_back(done); });
  }

  std::shared_ptr<cp::FakeLoop> loop = std::make_shared<cp::FakeLoop>();
  std::shared_ptr<cp::FakeExchange> inner;
  std::string id;
  std::vector<cp::AccessRecord> told;
};

}  // namespace

TEST_CASE("tools/logged_exchange: a whole answer has the id, and one line") {
  World world;
  const auto exchange = world.open();
  exchange->record().who = "token:main";
  exchange->respond({.status = 403, .headers = {{"a", "b"}}, .body = "no"});
  exchange->respond({});
  CHECK(world.id.starts_with("r-"));
  CHECK(world.inner->answer().status == 403);
  CHECK(world.inner->answer().header("x-request-id") == world.id);
  CHECK(world.inner->answer().header("a") == "b");
  REQUIRE(world.told.size() == 1);
  const auto& line = world.told.front();
  CHECK(line.request_id == world.id);
  CHECK(line.path == "/events");
  CHECK(line.method == "GET");
  CHECK(line.who == "token:main");
  CHECK(line.status == 403);
  CHECK(line.bytes_out == 2);
  CHECK(line.ending == cp::Ending::refused);
}

TEST_CASE("tools/logged_exchange: a stream is told at its end, with all its bytes") {
  World world;
  const auto exchange = world.open();
  const auto listener = std::make_shared<Listener>();
  exchange->listen(listener);
  exchange->start({.status = 500, .headers = {}, .content_length = {}});
  CHECK(exchange->recall());
  exchange->start({});
  exchange->write("12345");
  world.inner->stop_reading();
  CHECK_FALSE(exchange->flush());
  world.inner->read_on();
  CHECK(listener->drained == 1);
  exchange->write("678");
  CHECK(world.told.empty());
  exchange->finish();
  CHECK(world.inner->answer().body == "12345678");
  CHECK(world.inner->answer().header("x-request-id") == world.id);
  REQUIRE(world.told.size() == 1);
  CHECK(world.told.front().status == 200);
  CHECK(world.told.front().bytes_out == 8);
  CHECK(world.told.front().ending == cp::Ending::ok);
}

TEST_CASE("tools/logged_exchange: who leaves, and who is cut off") {
  World world;
  auto exchange = world.open();
  const auto listener = std::make_shared<Listener>();
  exchange->listen(listener);
  world.inner->leave();
  CHECK(listener->gone == 1);
  exchange->respond({});
  REQUIRE(world.told.size() == 1);
  CHECK(world.told.back().ending == cp::Ending::client_gone);
  exchange = world.open();
  exchange->start({});
  exchange->cut();
  REQUIRE(world.told.size() == 2);
  CHECK(world.told.back().ending == cp::Ending::timed_out);
  CHECK(world.told.back().request_id != world.told.front().request_id);
  exchange = world.open("HEAD");
  exchange->respond({.status = 200, .headers = {}, .body = "not sent"});
  CHECK(world.told.back().bytes_out == 0);
}

TEST_CASE("tools/logged_exchange: nothing keeps it alive when it has ended") {
  World world;
  std::weak_ptr<LoggedExchange> left;
  {
    const auto exchange = world.open();
    left = exchange;
    exchange->respond({});
  }
  CHECK(left.expired());
}
