// SPDX-License-Identifier: MIT
#include <credpool/core/openclaw_directory.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;

TEST_CASE("core/openclaw_directory: the variables of OpenClaw are honoured") {
  const ThrowawayHome home;
  const auto config = [&](std::map<std::string, std::string, std::less<>> variables) {
    return cp::openclaw_config_path(home.environment(std::move(variables)))->string();
  };
  CHECK(config({}) == home.path() / ".openclaw/openclaw.json");
  CHECK(config({{"OPENCLAW_HOME", "/srv/h"}}) == "/srv/h/.openclaw/openclaw.json");
  CHECK(config({{"OPENCLAW_HOME", "null"}}) == home.path() / ".openclaw/openclaw.json");
  CHECK(config({{"OPENCLAW_STATE_DIR", "/srv/s"}, {"OPENCLAW_HOME", "/srv/h"}}) ==
        "/srv/s/openclaw.json");
  CHECK(config({{"OPENCLAW_STATE_DIR", "~/s"}}) == home.path() / "s/openclaw.json");
  CHECK(config({{"OPENCLAW_CONFIG_PATH", "/srv/c.json"}, {"OPENCLAW_STATE_DIR", "/s"}}) ==
        "/srv/c.json");
}
