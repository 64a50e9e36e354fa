// SPDX-License-Identifier: MIT
#include <credpool/store/sqlite_day_uses.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>

namespace cp = credpool;
using std::chrono::days;
using std::chrono::sys_days;

namespace {

constexpr sys_days today{days{20'000}};

cp::DayUse use(sys_days day, std::string model, std::uint64_t requests) {
  return {day, "abcdef012345", "openai:default", "openai", std::move(model), requests, 1, 10, 20};
}

struct World {
  ThrowawayHome home;
  cp::Environment environment = home.environment();
  cp::StateDirectory directory = *cp::StateDirectory::locate(environment);

  cp::SqliteDayUses open() const {
    auto opened = cp::SqliteDayUses::open(directory, environment);
    REQUIRE(opened);
    return std::move(*opened);
  }
};

}  // namespace

TEST_CASE("store/sqlite_day_uses: counts add up over openings, days and writers") {
  const World world;
  auto first = world.open();
  auto second = world.open();
  const std::array uses{use(today, "m1", 2), use(today, "m2", 5), use(today - days{1}, "m1", 7)};
  REQUIRE(first.add(uses, today - days{90}));
  REQUIRE(second.add(uses, today - days{90}));
  const auto all = world.open().since(today - days{30}, 100);
  REQUIRE(all);
  REQUIRE(all->size() == 3);
  CHECK((*all)[0].day == today - days{1});
  CHECK((*all)[0].requests == 14);
  CHECK((*all)[1].model == "m1");
  CHECK((*all)[1].requests == 4);
  CHECK((*all)[1].failed == 2);
  CHECK((*all)[1].input_tokens == 20);
  CHECK((*all)[1].output_tokens == 40);
  CHECK((*all)[2].requests == 10);
  CHECK(first.since(today, 100)->size() == 2);
  CHECK(first.since(today - days{30}, 1)->front().model == "m2");  // the newest
  CHECK(*first.models(today - days{30}, 10) == std::vector<std::string>{"m1", "m2"});
  CHECK(first.models(today - days{30}, 1)->size() == 1);
}

TEST_CASE("store/sqlite_day_uses: old days go, and the file is nobody else's to read") {
  const World world;
  auto store = world.open();
  REQUIRE(store.add(std::array{use(today - days{91}, "old", 1), use(today - days{90}, "edge", 1)},
                    today - days{90}));
  REQUIRE(store.since(sys_days{}, 100)->size() == 1);
  CHECK(store.since(sys_days{}, 100)->front().model == "edge");
  REQUIRE(store.add({}, today));
  CHECK(store.since(sys_days{}, 100)->empty());
  struct stat facts {};
  REQUIRE(::stat((world.directory.path() / "activity.sqlite").c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
}
