// SPDX-License-Identifier: MIT
#include <credpool/config/settings_edit.hpp>

#include "throwaway_home.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace cp = credpool;
using Keys = std::vector<std::string>;

namespace {

const std::string own = ".config/credpool/config.json5";

std::string text_of(const ThrowawayHome& home) {
  std::ifstream file{home.path() / own};
  return {std::istreambuf_iterator<char>{file}, {}};
}

cp::Result<cp::SettingsEdited> edit(const ThrowawayHome& home,
                                    const std::vector<cp::SettingEdit>& edits,
                                    bool dry_run = false) {
  return cp::edit_settings(home.environment({}), edits, dry_run);
}

}  // namespace

TEST_CASE("config/settings_edit: the keys of a setting, with names that hold dots") {
  CHECK(*cp::setting_keys("rotationStrategy") == Keys{"rotationStrategy"});
  CHECK(*cp::setting_keys("cooldown.ladderSeconds") == Keys{"cooldown", "ladderSeconds"});
  CHECK(*cp::setting_keys("cliSources.kimi-cli.priority") ==
        Keys{"cliSources", "kimi-cli", "priority"});
  CHECK(*cp::setting_keys("weights.openai:me@acme.example") ==
        Keys{"weights", "openai:me@acme.example"});
  CHECK(*cp::setting_keys("providers.a.b.models") == Keys{"providers", "a.b", "models"});
  CHECK(*cp::setting_keys("proxy.models.gpt-5.1") == Keys{"proxy", "models", "gpt-5.1"});
  CHECK(*cp::setting_keys("order.openai") == Keys{"order", "openai"});
  REQUIRE(cp::setting_key_of("policy.openai") != nullptr);
  CHECK(cp::setting_key_of("policy.openai")->path == "policy.*");
  for (const auto* wrong : {"", "policy.", "cliSources", "cliSources.a.colour", "nothing"}) {
    CAPTURE(wrong);
    CHECK(cp::setting_key_of(wrong) == nullptr);
    CHECK(cp::setting_keys(wrong).error().errc() == cp::Errc::invalid_argument);
  }
  CHECK(cp::setting_keys("rotationStratgey").error().hint == R"(did you mean "rotationStrategy"?)");
}

TEST_CASE("config/settings_edit: writes what is asked for and keeps every other byte") {
  const ThrowawayHome home;
  home.write(own, "{\n  // mine\n  rotationStrategy: 'p2c', // fast\n  weights: { a: 2 },\n}\n");
  const auto edited = edit(home, {{"rotationStrategy", cp::Json5Value{"priority"}},
                                  {"cliSources.kimi-cli.priority", cp::Json5Value{7}},
                                  {"weights.a", std::nullopt},
                                  {"weights.b", std::nullopt}});
  REQUIRE_MESSAGE(edited, edited.error().message());
  CHECK(edited->before.settings.rotation_strategy == "p2c");
  CHECK(edited->after.settings.rotation_strategy == "priority");
  const auto text = text_of(home);
  CAPTURE(text);
  CHECK(text.find("// mine") != std::string::npos);
  CHECK(text.find("rotationStrategy: 'priority', // fast") != std::string::npos);
  const auto report = cp::read_settings(home.environment({}));
  CHECK(report.ok());
  CHECK(report.settings.rotation_strategy == "priority");
  CHECK(report.settings.cli_source("kimi-cli").priority == 7);
  CHECK(report.settings.weights.empty());
}

TEST_CASE("config/settings_edit: a file that is not there is made, private") {
  const ThrowawayHome home;
  REQUIRE(edit(home, {{"autoImport", cp::Json5Value{false}}}));
  CHECK_FALSE(cp::read_settings(home.environment({})).settings.auto_import);
  const auto mode = std::filesystem::status(home.path() / own).permissions();
  CHECK((mode & std::filesystem::perms{077}) == std::filesystem::perms::none);
}

TEST_CASE("config/settings_edit: what would be wrong is not written, not even half of it") {
  const ThrowawayHome home;
  const std::string text = "{ rotationStrategy: 'p2c' }\n";
  home.write(own, text);
  const auto refused = edit(home, {{"autoImport", cp::Json5Value{false}},
                                   {"rotationStrategy", cp::Json5Value{"fastest"}}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().errc() == cp::Errc::configuration);
  CHECK(refused.error().place.find("config.json5:1:") != std::string::npos);
  CHECK(edit(home, {{"nobody", cp::Json5Value{1}}}).error().errc() == cp::Errc::invalid_argument);
  CHECK(text_of(home) == text);

  const std::string broken = "{ rotationStrategy: \n";
  home.write(own, broken);
  CHECK_FALSE(edit(home, {{"autoImport", cp::Json5Value{false}}}));
  CHECK(text_of(home) == broken);
}

TEST_CASE("config/settings_edit: a dry run says the same and writes nothing") {
  const ThrowawayHome home;
  const auto edited = edit(home, {{"autoImport", cp::Json5Value{false}}}, true);
  REQUIRE(edited);
  CHECK_FALSE(edited->after.settings.auto_import);
  CHECK_FALSE(std::filesystem::exists(home.path() / ".config/credpool"));
}

TEST_CASE("config/settings_edit: editors take turns and lose nothing") {
  const ThrowawayHome home;
  std::vector<std::thread> editors;
  for (int i = 0; i < 8; ++i)
    editors.emplace_back([&home, i] {
      (void)edit(home, {{"weights.w" + std::to_string(i), cp::Json5Value{i + 1}}});
    });
  for (auto& editor : editors) editor.join();
  CHECK(cp::read_settings(home.environment({})).settings.weights.size() == 8);
}
