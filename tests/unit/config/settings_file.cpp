// SPDX-License-Identifier: MIT
#include <credpool/config/settings_file.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

namespace cp = credpool;
using Severity = cp::SettingsProblem::Severity;

namespace {

constexpr auto own = ".config/credpool/config.json5";
constexpr auto openclaw = ".openclaw/openclaw.json";

std::string plugin(std::string_view entry) {
  return "{\n  plugins: { entries: { 'cli-token-discovery': " + std::string{entry} + " } }\n}\n";
}

cp::SettingsProblem only_problem(const cp::SettingsReport& report) {
  REQUIRE(report.problems.size() == 1);
  return report.problems.front();
}

std::string origin(const cp::SettingsReport& report, std::string_view path) {
  for (const auto& row : report.rows())
    if (row.path == path) return row.origin;
  return "no such setting";
}

}  // namespace

TEST_CASE("config/settings_file: nothing there means the defaults") {
  const ThrowawayHome home;
  const auto report = cp::read_settings(home.environment());
  CHECK(report.ok());
  CHECK(report.problems.empty());
  CHECK(report.files.size() == 2);
  CHECK(origin(report, "rotationStrategy") == "default");
}

TEST_CASE("config/settings_file: the example of the seed is read") {
  const ThrowawayHome home;
  home.write(openclaw, plugin(R"({
        enabled: true,
        config: {
          // Run discovery on gateway startup
          scanOnStartup: false,
          autoImport: false, validateTokens: false,
          rotationStrategy: "priority", // "least-used"
          cliSources: {
            "gemini-cli": { enabled: true, priority: 1 },  // Use first
            "qwen-cli": { enabled: false }                 // Disabled
          }
        }
      })"));
  const auto report = cp::read_settings(home.environment());
  REQUIRE(report.ok());
  CHECK(report.problems.empty());
  CHECK_FALSE(report.settings.scan_on_startup);
  CHECK_FALSE(report.settings.auto_import);
  CHECK_FALSE(report.settings.validate_tokens);
  CHECK(report.settings.rotation_strategy == "priority");
  CHECK(report.settings.cli_source("gemini-cli").priority == 1);
  CHECK_FALSE(report.settings.cli_source("qwen-cli").enabled);
  CHECK(report.settings.cli_source("qwen-cli").priority == 3);
  CHECK(origin(report, "rotationStrategy") == (home.path() / openclaw).string() + ":8:29");
}

TEST_CASE("config/settings_file: the plugin's switch is honoured, OPENCLAW_STATE_DIR too") {
  const ThrowawayHome home;
  home.write("elsewhere/openclaw.json", plugin("{ enabled: false }"));
  CHECK(cp::read_settings(home.environment()).settings.enabled);
  const auto state = (home.path() / "elsewhere").string();
  CHECK_FALSE(
      cp::read_settings(home.environment({{"OPENCLAW_STATE_DIR", state}})).settings.enabled);
  CHECK_FALSE(
      cp::read_settings(home.environment({{"OPENCLAW_CONFIG_PATH", state + "/openclaw.json"}}))
          .settings.enabled);
}

TEST_CASE("config/settings_file: our own file wins, key by key, and variables win over both") {
  const ThrowawayHome home;
  home.write(openclaw, plugin("{ config: { rotationStrategy: 'p2c', autoImport: false,"
                              " weights: { a: 1, b: 2 } } }"));
  home.write(own, "{ rotationStrategy: 'latency', weights: { b: 3 }, historyPath: 'h.json' }");
  const auto report = cp::read_settings(home.environment());
  REQUIRE(report.ok());
  CHECK(report.settings.rotation_strategy == "latency");
  CHECK_FALSE(report.settings.auto_import);
  CHECK(report.settings.weights.at("a") == 1);
  CHECK(report.settings.weights.at("b") == 3);
  CHECK(report.settings.history_path == home.path() / ".config/credpool/h.json");

  const auto varied = cp::read_settings(home.environment(
      {{"CREDPOOL_ROTATION_STRATEGY", "weighted"}, {"CREDPOOL_HISTORY_PATH", "~/x"}}));
  CHECK(varied.settings.rotation_strategy == "weighted");
  CHECK(origin(varied, "rotationStrategy") == "env:CREDPOOL_ROTATION_STRATEGY");
  CHECK(varied.settings.history_path == home.path() / "x");

  const auto wrong =
      cp::read_settings(home.environment({{"CREDPOOL_ROTATION_STRATEGY", "wieghted"}}));
  CHECK_FALSE(wrong.ok());
  CHECK(only_problem(wrong).hint == "did you mean \"weighted\"?");
}

TEST_CASE("config/settings_file: CREDPOOL_CONFIG stands alone and must be there") {
  const ThrowawayHome home;
  home.write(own, "{ autoImport: false }");
  const auto path = home.write("mine.json5", "{ validateTokens: false }").string();
  const auto report = cp::read_settings(home.environment({{"CREDPOOL_CONFIG", path}}));
  CHECK(report.settings.auto_import);
  CHECK_FALSE(report.settings.validate_tokens);
  const auto missing = cp::read_settings(home.environment({{"CREDPOOL_CONFIG", "/nowhere.json5"}}));
  CHECK(only_problem(missing).code == cp::Errc::not_found);
  CHECK(only_problem(missing).place == "/nowhere.json5");
}

TEST_CASE("config/settings_file: every kind of setting") {
  const ThrowawayHome home;
  home.write(own, R"({
    $schema: "x",
    baseUrls: { openai: "https://${REGION}.example.com/v1" },
    oauth: { "kimi-code": { tokenUrl: "http://127.0.0.1:9/token", clientId: "abc",
                             clientSecretFile: "secret.txt" } },
    store: "postgresql://me@db.example/pool",
    policy: { openai: "ask" }, ownership: { "codex-cli": "borrow" },
    models: { openai: ["a", "b"] }, order: { openai: ["openai:b", "openai:a"] }, cooldown: { ladderSeconds: [1, 1, 60] },
    affinity: { mode: "hard", loadFactor: 2 }, admission: { fixed: 4 },
    stateDirectory: "~/state",
  })");
  const auto report = cp::read_settings(home.environment({{"REGION", "eu"}}));
  REQUIRE(report.problems.empty());
  const auto& s = report.settings;
  CHECK(s.base_urls.at("openai") == "https://eu.example.com/v1");
  CHECK(s.provider_use("openai") == cp::ProviderUse::ask);
  CHECK(s.oauth.at("kimi-code").token_url == "http://127.0.0.1:9/token");
  CHECK(s.oauth.at("kimi-code").client_id == "abc");
  CHECK(s.store == "postgresql://me@db.example/pool");
  CHECK(s.oauth.at("kimi-code").client_secret_file.is_absolute());
  CHECK(s.ownership.at("codex-cli") == cp::Ownership::borrow);
  CHECK(s.models.at("openai").size() == 2);
  CHECK(s.order.at("openai") == std::vector<std::string>{"openai:b", "openai:a"});
  CHECK(s.cooldown_ladder.back() == std::chrono::minutes{1});
  CHECK(s.affinity_mode == cp::AffinityMode::hard);
  CHECK(s.affinity_load_factor == 2);
  CHECK(s.admission_mode == cp::AdmissionMode::fixed);
  CHECK(s.admission_limit == 4);
  CHECK(s.state_directory == home.path() / "state");
  const auto rows = report.rows();
  const auto row =
      std::find_if(rows.begin(), rows.end(), [](const auto& r) { return r.path == "admission"; });
  REQUIRE(row != rows.end());
  CHECK(row->value == "{\"fixed\": 4}");
  CAPTURE(row->origin);
  CHECK(row->origin.ends_with("config.json5:9:59"));
}

TEST_CASE("config/settings_file: a wrong type names file, line, column and what to write") {
  const ThrowawayHome home;
  const auto path = home.write(own, "{\n  // c\n  scanOnStartup: 'yes',\n}").string();
  const auto problem = only_problem(cp::read_settings(home.environment()));
  CHECK(problem.severity == Severity::error);
  CHECK(problem.place == path + ":3:18");
  CHECK(problem.setting == "scanOnStartup");
  CHECK(problem.text == "expected true or false, found a string");
  CHECK(problem.hint == "write true or false, without quotes");
  const auto failed = cp::load_settings(home.environment());
  REQUIRE_FALSE(failed);
  CHECK(failed.error().place == path + ":3:18");
}

TEST_CASE("config/settings_file: wrong values are refused without being quoted") {
  const ThrowawayHome home;
  for (const auto* text : {"[]",
                           "{cliSources: []}",
                           "{cliSources: {a: true}}",
                           "{cliSources: {a: {priority: 1.5}}}",
                           "{cliSources: {a: {priority: -1}}}",
                           "{cliSources: {a: {priority: 1e999}}}",
                           "{weights: {a: NaN}}",
                           "{weights: {a: '1'}}",
                           "{rotationStrategy: 'sk-canary'}",
                           "{rotationStrategy: 1}",
                           "{baseUrls: {a: 'http://sk-canary.example'}}",
                           "{baseUrls: {a: 'https://sk-canary@example.com'}}",
                           "{policy: {a: 'sk-canary'}}",
                           "{ownership: {a: 'rent'}}",
                           "{oauth: {a: {tokenUrl: 'http://sk-canary.example'}}}",
                           "{oauth: {a: {clientId: 'a b'}}}",
                           "{store: 'postgresql://me:sk-canary@db/x'}",
                           "{store: 'postgresql://db/x?password=sk-canary'}",
                           "{store: 'mysql://db'}",
                           "{models: {a: 'm'}}",
                           "{models: {a: [1]}}",
                           "{cooldown: {ladderSeconds: []}}",
                           "{cooldown: {ladderSeconds: [60, 1]}}",
                           "{cooldown: {ladderSeconds: [0]}}",
                           "{cooldown: 60}",
                           "{affinity: 'soft'}",
                           "{affinity: {loadFactor: 0.5}}",
                           "{admission: 'fixed'}",
                           "{admission: {fixed: 0}}",
                           "{admission: {}}",
                           "{admission: 4}",
                           "{historyPath: ''}",
                           "{historyPath: '${UNSET_NAME}'}",
                           "{a: 'sk-canary",
                           "{autoImport: false, autoImport: true}"}) {
    CAPTURE(text);
    home.write(own, text);
    const auto report = cp::read_settings(home.environment());
    CHECK_FALSE(report.ok());
    for (const auto& problem : report.problems) {
      CHECK(problem.error().message().find("canary") == std::string::npos);
      CHECK(problem.place.find("config.json5:1:") != std::string::npos);
    }
  }
}

TEST_CASE("config/settings_file: an unknown key is a warning with the nearest known name") {
  const ThrowawayHome home;
  home.write(own, "{ rotationStratgy: 1, cliSources: { a: { enabeld: true } }, zzz: 1 }");
  const auto report = cp::read_settings(home.environment());
  CHECK(report.ok());
  REQUIRE(report.problems.size() == 3);
  CHECK(report.problems[0].hint == "did you mean \"rotationStrategy\"?");
  CHECK(report.problems[0].place.ends_with(":1:3"));
  CHECK(report.problems[1].setting == "cliSources.a.enabeld");
  CHECK(report.problems[1].hint == "did you mean \"enabled\"?");
  CHECK(report.problems[2].hint == "remove it");
  CHECK(report.problems[2].severity == Severity::warning);
}

TEST_CASE("config/settings_file: variables are replaced as OpenClaw does") {
  const ThrowawayHome home;
  const auto model = [&](std::string_view text) {
    home.write(own, "{ models: { a: ['" + std::string{text} + "'] } }");
    const auto report = cp::read_settings(home.environment({{"NAME_1", "v"}, {"EMPTY", ""}}));
    return report.ok() ? report.settings.models.at("a").front()
                       : "error: " + report.problems[0].text;
  };
  CHECK(model("x${NAME_1}y${NAME_1}") == "xvyv");
  CHECK(model("$${NAME_1}") == "${NAME_1}");
  CHECK(model("${lower} ${1A} ${} ${ $x ${NAME_1") == "${lower} ${1A} ${} ${ $x ${NAME_1");
  CHECK(model("${NOT_SET}") == "error: the variable NOT_SET is not set");
  CHECK(model("${EMPTY}") == "error: the variable EMPTY is not set");
}

TEST_CASE("config/settings_file: includes are followed, siblings win, places are right") {
  const ThrowawayHome home;
  home.write(openclaw, "{ $include: './plugins.json5', gateway: 1 }");
  home.write(".openclaw/plugins.json5",
             plugin("{ config: { $include: ['sub/a.json5', 'sub/b.json5'],"
                    " autoImport: false } }"));
  home.write(".openclaw/sub/a.json5", "{ rotationStrategy: 'p2c', autoImport: true }");
  const auto b = home.write(".openclaw/sub/b.json5", "{\n rotationStrategy: 'latency' }").string();
  const auto report = cp::read_settings(home.environment());
  REQUIRE_MESSAGE(report.problems.empty(), report.problems.front().error().message());
  CHECK(report.settings.rotation_strategy == "latency");
  CHECK_FALSE(report.settings.auto_import);
  CHECK(origin(report, "rotationStrategy") == b + ":2:20");
  CHECK(report.files.size() == 5);
}

TEST_CASE("config/settings_file: includes stay in bounds") {
  const ThrowawayHome home;
  const auto refused = [&](std::string_view text) {
    home.write(own, text);
    const auto report = cp::read_settings(home.environment());
    CAPTURE(text);
    CHECK_FALSE(report.ok());
    return report.problems.empty() ? std::string{} : report.problems.front().hint;
  };
  home.write("outside.json5", "{}");
  CHECK(refused("{$include: '../../outside.json5'}").find("OPENCLAW_INCLUDE_ROOTS") !=
        std::string::npos);
  std::filesystem::create_symlink(home.path() / "outside.json5",
                                  home.path() / ".config/credpool/link");
  CHECK(refused("{$include: 'link'}").find("OPENCLAW_INCLUDE_ROOTS") != std::string::npos);
  CHECK(refused("{$include: 'config.json5'}").find("circle") != std::string::npos);
  CHECK(refused("{$include: 1}") == "write the name of a file");
  CHECK(refused("{$include: []}") == "write the name of a file");
  refused("{$include: 'missing.json5'}");

  home.write(own, "{$include: '../../outside.json5'}");
  const auto allowed = cp::read_settings(
      home.environment({{"OPENCLAW_INCLUDE_ROOTS", "/nowhere:" + home.path().string()}}));
  CHECK(allowed.ok());

  const std::string big(900 * 1024, ' ');
  for (const auto* name : {"a", "b", "c"})
    home.write(std::string{".config/credpool/"} + name, "{}" + big);
  CHECK(refused("{$include: ['a', 'b', 'c']}") == "over 2 MiB in all files");
}

TEST_CASE("config/settings_file: other parts of openclaw.json are not our business") {
  const ThrowawayHome home;
  home.write(openclaw, "{ models: { $include: '/etc/shadow', key: '${NOT_SET}' } }");
  CHECK(cp::read_settings(home.environment()).problems.empty());
  home.write(openclaw, "{ plugins: [] }");
  CHECK(cp::read_settings(home.environment()).problems.empty());
  home.write(openclaw, "{ plugins: ");
  CHECK_FALSE(cp::read_settings(home.environment()).ok());
}

TEST_CASE("config/settings_file: what is no file is refused at once") {
  const ThrowawayHome home;
  home.write(".config/credpool/x", "");
  ::mkfifo((home.path() / own).c_str(), 0600);
  const auto report = cp::read_settings(home.environment());
  CHECK(only_problem(report).code == cp::Errc::unsafe_file);
}
