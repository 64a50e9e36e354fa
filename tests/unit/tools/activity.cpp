// SPDX-License-Identifier: MIT
#include "../../../tools/gateway/activity.hpp"

#include <credpool/impl/core/sqlite.hpp>
#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <numeric>
#include <thread>

using namespace credpool_cli;
namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

/// An hour and its minutes, moved by hand; the first second of a day.
struct World {
  ThrowawayHome home;
  cp::Environment environment = home.environment();
  cp::StateDirectory directory = *cp::StateDirectory::locate(environment);
  cp::TimePoint time{std::chrono::days{20'000}};
  std::vector<ServedRow> told;
  std::vector<cp::Errc> troubles;

  ActivityOptions options(bool kept = false) {
    ActivityOptions made;
    made.now = [this] { return time; };
    made.name = [](std::string_view id) {
      return ServedBy{std::string{id} + "-long", "openai:default", "openai"};
    };
    made.each_second = [this](const auto& rows) { told = rows; };
    made.trouble = [this](const cp::Error& error) { troubles.push_back(error.errc()); };
    made.ticks = false;
    if (kept) {
      auto opened = cp::SqliteDayUses::open(directory, environment);
      REQUIRE(opened);
      made.days = std::move(*opened);
    }
    return made;
  }
};

cp::AccessRecord served(std::string model, int status = 200,
                        std::string credential = "aaaaaaaaaaaa") {
  cp::AccessRecord record;
  record.credential = std::move(credential);
  record.model = std::move(model);
  record.status = status;
  record.usage.input = 10;
  record.usage.output = 5;
  return record;
}

std::uint64_t sum(const Activity::Minutes& minutes) {
  return std::accumulate(minutes.begin(), minutes.end(), std::uint64_t{0});
}

}  // namespace

TEST_CASE("tools/activity: minutes pass, whether somebody comes by or not") {
  World world;
  Activity activity{world.options()};
  activity.record(served("gpt-5"));
  activity.record(served("gpt-5", 500));
  CHECK(sum(activity.recent("aaaaaaaaaaaa")) == 0);  // noted, not counted yet
  activity.tick();
  auto recent = activity.recent("aaaaaaaaaaaa");
  CHECK(recent[59] == 2);
  REQUIRE(world.told.size() == 1);
  CHECK(world.told[0].model == "gpt-5");
  CHECK(world.told[0].served.requests == 2);
  CHECK(world.told[0].served.failed == 1);
  CHECK(world.told[0].served.tokens() == 30);
  world.told.clear();
  activity.tick();
  CHECK(world.told.empty());

  world.time += 3min;
  CHECK(activity.recent("aaaaaaaaaaaa")[56] == 2);
  activity.record(served("gpt-5"));
  activity.tick();
  recent = activity.recent("aaaaaaaaaaaa");
  CHECK(recent[56] == 2);
  CHECK(recent[59] == 1);
  CHECK(sum(recent) == 3);
  world.time += 57min;
  CHECK(sum(activity.recent("aaaaaaaaaaaa")) == 1);
  world.time += 3min;
  CHECK(sum(activity.recent("aaaaaaaaaaaa")) == 0);
  activity.tick();
  CHECK(activity.hour().credentials.empty());
  CHECK(activity.recent("nobody") == Activity::Minutes{});
}

TEST_CASE("tools/activity: a model is named once an upstream has answered for it") {
  World world;
  auto options = world.options();
  options.most_models = 3;
  Activity activity{std::move(options)};
  activity.record(served("made-up", 404));
  activity.record(served("m1"));
  activity.record(served("m1", 429));
  activity.record(served("sk-proj-abcdefghijklmnop"));  // no name at all
  activity.record(served(""));
  activity.record(served(std::string(500, 'x')));
  activity.record(served("org/m2\x1b[31m"));
  activity.record(served("m3"));
  activity.record(served("m4"));  // one too many
  activity.tick();
  std::map<std::string, std::uint32_t> models;
  for (const auto& row : world.told) models[row.model] += row.served.requests;
  CHECK(models ==
        std::map<std::string, std::uint32_t>{{"m1", 2}, {"m3", 1}, {"org/m2", 1}, {"other", 5}});
  auto gone = served("m1");
  gone.ending = cp::Ending::client_gone;
  activity.record(gone);
  auto lost = served("m1");
  lost.ending = cp::Ending::upstream_lost;
  activity.record(lost);
  activity.record(served("m1", 200, ""));  // no credential: nobody served it
  activity.tick();
  REQUIRE(world.told.size() == 1);
  CHECK(world.told[0].served.requests == 2);
  CHECK(world.told[0].served.failed == 1);
}

TEST_CASE("tools/activity: days are kept over restarts, and what is not written yet counts") {
  World world;
  {
    Activity activity{world.options(true)};
    activity.record(served("m1"));
    activity.tick();
    REQUIRE(activity.days(1));
    CHECK(activity.days(1)->front().requests == 1);
    world.time += 1min;
    activity.record(served("m1", 500));
    activity.tick();  // a minute is over: written
    activity.record(served("m1"));
    activity.tick();
    const auto now = activity.days(1);
    REQUIRE(now->size() == 1);
    CHECK(now->front().requests == 3);
    CHECK(now->front().credential == "aaaaaaaaaaaa-long");
    activity.record(served("m1"));
  }
  world.time += 24h;
  Activity again{world.options(true)};
  again.record(served("m1", 500));  // its name was earned yesterday
  again.tick();
  const auto days = again.days(30);
  REQUIRE(days);
  REQUIRE(days->size() == 2);
  CHECK(days->at(0).requests == 4);
  CHECK(days->at(0).failed == 1);
  CHECK(days->at(0).input_tokens == 40);
  CHECK(days->at(1).day == days->at(0).day + std::chrono::days{1});
  CHECK(days->at(1).model == "m1");
  CHECK(again.days(1)->size() == 1);
  CHECK(world.troubles.empty());
}

TEST_CASE("tools/activity: days that cannot be written wait for the next minute") {
  World world;
  auto options = world.options();
  auto days = cp::SqliteDayUses::open(world.directory, world.environment, cp::Duration{0});
  REQUIRE(days);
  options.days = std::move(*days);
  Activity activity{std::move(options)};
  auto blocker = cp::detail::SqliteDatabase::open(
      std::filesystem::canonical(world.directory.path()) / "activity.sqlite", cp::Duration{0});
  REQUIRE(blocker);
  REQUIRE(blocker->run("holding the file", "BEGIN IMMEDIATE"));
  activity.record(served("m1"));
  for (int i = 0; i < 3; ++i) {
    world.time += 1min;
    activity.tick();
  }
  CHECK(world.troubles == std::vector{cp::Errc::busy});  // told once
  CHECK(activity.days(1)->front().requests == 1);
  REQUIRE(blocker->run("letting go", "ROLLBACK"));
  const auto kept = [&] {
    return cp::SqliteDayUses::open(world.directory, world.environment)->since({}, 10);
  };
  CHECK(kept()->empty());
  world.time += 1min;
  activity.tick();
  REQUIRE(kept()->size() == 1);
  CHECK(kept()->front().requests == 1);
}

TEST_CASE("tools/activity: records of many threads are all counted") {
  World world;
  Activity activity{world.options()};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) activity.record(served("m1"));
    });
  for (int i = 0; i < 20; ++i) activity.tick();
  for (auto& thread : threads) thread.join();
  activity.tick();
  CHECK(sum(activity.recent("aaaaaaaaaaaa")) == 8'000);
}

TEST_CASE("tools/activity: a second is counted whole, however much is served in it") {
  World world;
  Activity activity{world.options()};
  for (int i = 0; i < 100'000; ++i) activity.record(served("m1"));
  activity.tick();
  CHECK(sum(activity.recent("aaaaaaaaaaaa")) == 100'000);

  // Made-up names take no memory of their own beyond a bound; their requests count all the same.
  for (int i = 0; i < 20'000; ++i) activity.record(served("name-" + std::to_string(i)));
  activity.tick();
  CHECK(sum(activity.recent("aaaaaaaaaaaa")) == 120'000);
  std::uint64_t by_model = 0;
  const auto hour = activity.hour();
  for (const auto& model : hour.models) by_model += sum(model.requests);
  CHECK(by_model == 120'000);
  CHECK(hour.models.size() <= 65);
}
