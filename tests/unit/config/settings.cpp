// SPDX-License-Identifier: MIT
#include <credpool/config/settings.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

namespace cp = credpool;

TEST_CASE("config/settings: the defaults are those of the seed") {
  const cp::Settings settings;
  CHECK(settings.scan_on_startup);
  CHECK(settings.auto_import);
  CHECK(settings.validate_tokens);
  CHECK(settings.rotation_strategy == "round-robin");
  CHECK(settings.cli_source("kimi-cli").priority == 1);
  CHECK(settings.cli_source("gemini-cli").priority == 4);
  CHECK(settings.cli_source("opencode").enabled);
  CHECK(settings.cli_source("opencode").priority == 10);
  CHECK(settings.provider_use("openai") == cp::ProviderUse::allow);
}

TEST_CASE("config/settings: the schema names every key once") {
  std::set<std::string_view> seen;
  for (const auto& key : cp::settings_schema()) {
    CHECK(seen.insert(key.path).second);
    CHECK_FALSE(key.type.empty());
    CHECK(key.meaning.ends_with('.'));
  }
  CHECK(seen.contains("cliSources.*.enabled"));
}

TEST_CASE("config/settings: the nearest name forgives two slips") {
  constexpr std::array<std::string_view, 4> names{"scanOnStartup", "autoImport", "policy",
                                                  "weights"};
  CHECK(cp::nearest_name("scanOnStartp", names) == "scanOnStartup");
  CHECK(cp::nearest_name("auto_import", names) == "autoImport");
  CHECK(cp::nearest_name("ploicy", names) == "policy");
  CHECK(cp::nearest_name("wieghst", names) == "weights");
  CHECK(cp::nearest_name("completely-else", names) == std::nullopt);
  CHECK(cp::nearest_name("x", names) == std::nullopt);
  CHECK(cp::nearest_name(std::string(100000, 'a'), names) == std::nullopt);
}
