// SPDX-License-Identifier: MIT
#include <credpool/config/settings_watcher.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using Change = cp::SettingsWatcher::Change;

namespace {
constexpr auto own = ".config/credpool/config.json5";
}

TEST_CASE("config/settings_watcher: a file that appears, changes and goes") {
  const ThrowawayHome home;
  cp::SettingsWatcher watcher{home.environment()};
  CHECK_FALSE(watcher.changed());
  CHECK(watcher.poll() == Change::none);

  home.write(own, "{ rotationStrategy: 'p2c' }");
  CHECK(watcher.changed());
  CHECK(watcher.poll() == Change::applied);
  CHECK(watcher.current().settings.rotation_strategy == "p2c");
  CHECK(watcher.poll() == Change::none);

  home.write(own, "{ rotationStrategy: 'p2c'}");  // other bytes, the same meaning
  CHECK(watcher.poll() == Change::applied);
  home.write(own, "{ rotationStrategy: 'p2c'}");  // written again, nothing new
  CHECK(watcher.poll() == Change::none);

  std::filesystem::remove(home.path() / own);
  CHECK(watcher.poll() == Change::applied);
  CHECK(watcher.current().settings.rotation_strategy == "round-robin");
}

TEST_CASE("config/settings_watcher: a bad file keeps the old settings and is reported") {
  const ThrowawayHome home;
  home.write(own, "{ rotationStrategy: 'p2c' }");
  cp::SettingsWatcher watcher{home.environment()};
  home.write(own, "{ rotationStrategy: 'p2");
  CHECK(watcher.poll() == Change::refused);
  CHECK(watcher.current().settings.rotation_strategy == "p2c");
  REQUIRE(watcher.refused() != nullptr);
  CHECK(watcher.refused()->problems.size() == 1);
  CHECK(watcher.poll() == Change::none);
  home.write(own, "{ rotationStrategy: 'latency' }");
  CHECK(watcher.poll() == Change::applied);
  CHECK(watcher.refused() == nullptr);
  CHECK(watcher.current().settings.rotation_strategy == "latency");
}

TEST_CASE("config/settings_watcher: included files count, missing ones too") {
  const ThrowawayHome home;
  home.write(own, "{ $include: 'more.json5' }");
  cp::SettingsWatcher watcher{home.environment()};
  CHECK(watcher.refused() != nullptr);
  home.write(".config/credpool/more.json5", "{ autoImport: false }");
  CHECK(watcher.poll() == Change::applied);
  CHECK_FALSE(watcher.current().settings.auto_import);
  home.write(".config/credpool/more.json5", "{ autoImport: true }");
  CHECK(watcher.poll() == Change::applied);
  CHECK(watcher.current().settings.auto_import);
}
