#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings_file.hpp>
#include <credpool/core/openclaw_directory.hpp>
#include <credpool/impl/config/settings_reader.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// Reads the files of one environment in their order and fills a report.
class SettingsLoader {
 public:
  explicit SettingsLoader(const Environment& environment)
      : environment_{environment}, files_{environment}, reader_{report_, files_, environment} {}

  void assume(const std::filesystem::path& path, std::string_view text) {
    files_.assume(path, std::string{text});
  }

  SettingsReport load() {
    if (environment_.variable("CREDPOOL_CONFIG")) {
      with_path(settings_path(environment_), [&](const auto& path) { read_own(path, true); });
    } else if (environment_.home() || environment_.variable("OPENCLAW_CONFIG_PATH") ||
               environment_.variable("XDG_CONFIG_HOME")) {
      // Without a home there are no files to read; whoever needs a home says so.
      with_path(openclaw_config_path(environment_), [&](const auto& path) { read_openclaw(path); });
      with_path(settings_path(environment_), [&](const auto& path) { read_own(path, false); });
    }
    read_variables();
    report_.files = files_.paths();
    return std::move(report_);
  }

 private:
  void note(const Error& error) {
    report_.problems.push_back(
        {SettingsProblem::Severity::error, error.errc(), {}, error.place, error.doing, error.hint});
  }

  template <class F> void with_path(const Result<std::filesystem::path>& path, F&& use) {
    if (path) {
      use(*path);
    } else {
      note(path.error());
    }
  }

  /// The document of a file; none when it is not there (unless it must) or cannot be used.
  std::optional<Json5Value> document(const std::filesystem::path& path, bool must_exist) {
    auto read = files_.read_root(path);
    if (read) return *std::move(read);
    if (must_exist || read.error().errc() != Errc::not_found) note(read.error());
    return std::nullopt;
  }

  bool resolved(Json5Value& value, bool deep) {
    const auto done = files_.resolve(value, deep);
    if (!done) note(done.error());
    return done.has_value();
  }

  void read_own(const std::filesystem::path& path, bool must_exist) {
    auto root = document(path, must_exist);
    if (root && resolved(*root, true)) reader_.apply(*root);
  }

  void read_openclaw(const std::filesystem::path& path) {
    auto root = document(path, false);
    if (!root) return;
    auto* value = &*root;
    // Only includes on the way to our own part are followed: the rest is not our business.
    for (const auto* step : {"plugins", "entries", "cli-token-discovery"}) {
      if (!resolved(*value, false)) return;
      auto* member = value->member(step);
      if (member == nullptr) return;
      value = &member->value;
    }
    if (!resolved(*value, true)) return;
    if (!reader_.is_object(*value, "plugins.entries.cli-token-discovery")) return;
    if (const auto* enabled = value->member("enabled")) reader_.apply_enabled(*enabled);
    if (const auto* config = value->find("config")) reader_.apply(*config);
  }

  void read_variables() {
    auto& settings = report_.settings;
    if (const auto name = environment_.variable("CREDPOOL_ROTATION_STRATEGY")) {
      const auto names = rotation_strategy_names();
      if (std::find(names.begin(), names.end(), *name) != names.end()) {
        settings.rotation_strategy = *name;
        report_.origins["rotationStrategy"] = "env:CREDPOOL_ROTATION_STRATEGY";
      } else {
        const auto nearest = nearest_name(*name, names);
        report_.problems.push_back({SettingsProblem::Severity::error, Errc::configuration,
                                    "rotationStrategy", "env:CREDPOOL_ROTATION_STRATEGY",
                                    "expected a strategy's name",
                                    nearest ? "did you mean \"" + std::string{*nearest} + "\"?"
                                            : "see rotationStrategy in docs/configuration.md"});
      }
    }
    const auto path = [&](std::string_view variable, const char* setting,
                          std::filesystem::path& target) {
      const auto value = environment_.variable(variable);
      if (!value) return;
      target = environment_.expand(*value);
      report_.origins[setting] = "env:" + std::string{variable};
    };
    if (const auto store = environment_.variable("CREDPOOL_STORE")) {
      if (is_safe_store_address(*store)) {
        settings.store = *store;
        report_.origins["store"] = "env:CREDPOOL_STORE";
      } else {
        report_.problems.push_back({SettingsProblem::Severity::error, Errc::configuration, "store",
                                    "env:CREDPOOL_STORE",
                                    "expected postgresql://host/database without a password",
                                    "put the password into ~/.pgpass"});
      }
    }
    path("CREDPOOL_HISTORY_PATH", "historyPath", settings.history_path);
    path("CREDPOOL_STATE_DIRECTORY", "stateDirectory", settings.state_directory);
  }

  const Environment& environment_;
  SettingsReport report_;
  ConfigFiles files_;
  SettingsReader reader_;
};

}  // namespace detail

CREDPOOL_INLINE Error SettingsProblem::error() const {
  return {code, setting.empty() ? text : "setting " + setting + ": " + text, place, hint};
}

CREDPOOL_INLINE bool SettingsReport::ok() const noexcept {
  return std::none_of(problems.begin(), problems.end(), [](const SettingsProblem& problem) {
    return problem.severity == SettingsProblem::Severity::error;
  });
}

CREDPOOL_INLINE std::vector<SettingRow> SettingsReport::rows() const {
  std::vector<SettingRow> rows;
  const auto add = [&](std::string path, const Json5Value& value) {
    const auto origin = origins.find(path);
    const auto from = origin == origins.end() ? std::string{"default"} : origin->second;
    rows.push_back({std::move(path), write_json5(value), from});
  };
  const auto& s = settings;
  add("enabled", s.enabled);
  add("scanOnStartup", s.scan_on_startup);
  add("autoImport", s.auto_import);
  add("validateTokens", s.validate_tokens);
  add("rotationStrategy", s.rotation_strategy);
  for (const auto& [cli, source] : s.cli_sources) {
    add("cliSources." + cli + ".enabled", source.enabled);
    add("cliSources." + cli + ".priority", source.priority);
  }
  for (const auto& [provider, url] : s.base_urls) add("baseUrls." + provider, url);
  for (const auto& entry : s.oauth) {
    const auto& server = entry.second;
    const auto add_given = [&](std::string_view key, const std::string& value) {
      if (!value.empty()) add("oauth." + entry.first + '.' + std::string{key}, value);
    };
    add_given("tokenUrl", server.token_url);
    add_given("deviceUrl", server.device_url);
    add_given("authorizeUrl", server.authorize_url);
    add_given("clientId", server.client_id);
    add_given("clientSecretFile", server.client_secret_file.string());
  }
  for (const auto& [provider, use] : s.policy) add("policy." + provider, to_string(use));
  for (const auto& [cli, owner] : s.ownership) add("ownership." + cli, to_string(owner));
  for (const auto& [name, weight] : s.weights) add("weights." + name, weight);
  for (const auto& [provider, names] : s.models)
    add("models." + provider, Json5Value::Array(names.begin(), names.end()));
  for (const auto& [provider, names] : s.order)
    add("order." + provider, Json5Value::Array(names.begin(), names.end()));
  Json5Value::Array ladder;
  for (const auto rest : s.cooldown_ladder) ladder.emplace_back(static_cast<double>(rest.count()));
  add("cooldown.ladderSeconds", std::move(ladder));
  add("affinity.mode", to_string(s.affinity_mode));
  add("affinity.loadFactor", s.affinity_load_factor);
  add("admission", s.admission_mode == AdmissionMode::fixed
                       ? Json5Value{Json5Value::Object{{"fixed", s.admission_limit}}}
                       : Json5Value{to_string(s.admission_mode)});
  // An empty path means the default place, which belongs to whoever opens it.
  const auto path = [](const std::filesystem::path& p) {
    return p.empty() ? Json5Value{} : Json5Value{p.string()};
  };
  add("store", s.store.empty() ? Json5Value{} : Json5Value{s.store});
  add("historyPath", path(s.history_path));
  add("stateDirectory", path(s.state_directory));
  for (const auto& entry : s.providers) {
    const auto& provider = entry.second;
    const auto at = "providers." + entry.first + '.';
    add(at + "baseUrl", provider.base_url);
    add(at + "api", to_string(provider.api));
    if (!provider.key_variable.empty()) add(at + "keyVariable", provider.key_variable);
    if (!provider.key_file.empty()) add(at + "keyFile", provider.key_file.string());
    if (!provider.models.empty())
      add(at + "models", Json5Value::Array(provider.models.begin(), provider.models.end()));
  }
  const auto& proxy = s.proxy;
  add("proxy.listen", proxy.listen);
  for (const auto& [name, targets] : proxy.models) {
    Json5Value::Array list;
    for (const auto& target : targets) list.emplace_back(target.provider + '/' + target.model);
    add("proxy.models." + name, std::move(list));
  }
  const auto seconds = [](std::chrono::seconds time) { return static_cast<double>(time.count()); };
  add("proxy.hold", seconds(proxy.hold));
  add("proxy.maxAttempts", proxy.max_attempts);
  add("proxy.maxBodyBytes", static_cast<double>(proxy.max_body_bytes));
  add("proxy.timeouts.requestHead", seconds(proxy.timeouts.request_head));
  add("proxy.timeouts.requestBody", seconds(proxy.timeouts.request_body));
  add("proxy.timeouts.connect", seconds(proxy.timeouts.connect));
  add("proxy.timeouts.firstByte", seconds(proxy.timeouts.first_byte));
  add("proxy.timeouts.idle", seconds(proxy.timeouts.idle));
  add("proxy.timeouts.drain", seconds(proxy.timeouts.drain));
  std::sort(rows.begin(), rows.end(),
            [](const SettingRow& a, const SettingRow& b) { return a.path < b.path; });
  return rows;
}

CREDPOOL_INLINE SettingsReport read_settings(const Environment& environment) {
  return detail::SettingsLoader{environment}.load();
}

CREDPOOL_INLINE SettingsReport read_settings_with(const Environment& environment,
                                                  const std::filesystem::path& file,
                                                  std::string_view text) {
  detail::SettingsLoader loader{environment};
  loader.assume(file, text);
  return loader.load();
}

CREDPOOL_INLINE Result<Settings> load_settings(const Environment& environment) {
  auto report = read_settings(environment);
  for (const auto& problem : report.problems)
    if (problem.severity == SettingsProblem::Severity::error) return fail(problem.error());
  return std::move(report.settings);
}

CREDPOOL_INLINE Result<std::filesystem::path> settings_path(const Environment& environment) {
  if (const auto chosen = environment.variable("CREDPOOL_CONFIG"))
    return environment.expand(*chosen);
  auto base = environment.config_home();
  if (!base) return base;
  return *base / "credpool/config.json5";
}

}  // namespace credpool::inline CREDPOOL_ABI
