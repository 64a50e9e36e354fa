#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/qwen_cli.hpp>

#include <credpool/impl/source/dotenv_keys.hpp>
#include <credpool/impl/source/qwen_login_store.hpp>
#include <credpool/impl/source/qwen_store.hpp>
#include <credpool/impl/source/settings_values.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline std::vector<std::filesystem::path> qwen_settings_files(const Environment& environment) {
  std::vector<std::filesystem::path> files;
  if (const auto home = environment.directory("QWEN_HOME", ".qwen"))
    files.push_back(*home / "settings.json");
  if (const auto& here = environment.working_directory(); !here.empty())
    if (const auto project = here / ".qwen/settings.json"; files.empty() || files[0] != project)
      files.push_back(project);
  return files;
}

inline std::vector<std::filesystem::path> qwen_dotenv_files(const Environment& environment) {
  std::vector<std::filesystem::path> user_files;
  std::filesystem::path stop_at;
  if (const auto qwen = environment.directory("QWEN_HOME", ".qwen"))
    user_files.push_back(*qwen / ".env");
  if (const auto home = environment.home()) {
    user_files.push_back(*home / ".qwen/.env");
    user_files.push_back(*home / ".env");
    stop_at = *home;
  }
  return nearest_dotenv_files(environment, ".qwen", stop_at, user_files);
}

/// A place that gives values to variables: the environment, a .env file, the settings' `env`.
struct QwenValues {
  NamedValues values;
  std::function<Place(std::string_view name)> place;
  bool list_known = true;  ///< list the keys of the table too, not only those referred to
  bool shared = false;     ///< of those of the table, see Place::shared
};

/// Appends the keys of one place: those that the settings refer to, then those of the table.
inline void add_qwen_keys(const QwenValues& given, const std::vector<QwenKeyReference>& references,
                          const Environment& environment, std::vector<Credential>& found) {
  auto rest = given.values;
  for (const auto& reference : references) {
    const auto value = named_value(given.values, reference.variable);
    if (value.empty()) continue;
    const FoundKey key{QwenCli::cli, qwen_provider(reference), Kind::api_key, reference.variable,
                       reference.base_url};
    found.push_back(key_credential(key, value, given.place(reference.variable)));
    note_if_shadowed(found.back(), environment.variables(), reference.variable, value);
    rest.erase(reference.variable);
  }
  if (!given.list_known) return;
  collect_keys({.cli = QwenCli::cli,
                .reader = QwenCli::cli,
                .values = rest,
                .environment = environment.variables(),
                .place =
                    [&](std::string_view name, std::string_view) {
                      auto place = given.place(name);
                      place.shared = given.shared;
                      return place;
                    }},
               found);
}

/// A reference to a variable that nothing sets.
inline Credential missing_qwen_key(const QwenKeyReference& reference) {
  const auto provider = qwen_provider(reference);
  const bool shown = is_variable_name(reference.variable);
  auto credential = Credential::unusable(
      QwenCli::cli, provider, reference.settings->path.string() + '#' + reference.pointer,
      Reason::missing_variable,
      shown ? "the settings refer to the variable " + reference.variable + ", which is nowhere set"
            : "envKey does not name a variable that is set");
  credential.kind = Kind::api_key;
  credential.base_url = reference.base_url;
  credential.profile_id =
      std::string{provider} + ':' + (shown ? reference.variable : std::string{"settings"});
  credential.places.push_back(place_of(*reference.settings, QwenCli::cli, reference.pointer));
  return credential;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> QwenCli::locations(
    const Environment& environment) const {
  std::vector<std::filesystem::path> files;
  if (const auto home = environment.directory("QWEN_HOME", ".qwen"))
    files.push_back(*home / "oauth_creds.json");
  for (auto& path : detail::qwen_settings_files(environment)) files.push_back(std::move(path));
  for (auto& path : detail::qwen_dotenv_files(environment)) files.push_back(std::move(path));
  return files;
}

CREDPOOL_INLINE Result<std::vector<Credential>> QwenCli::discover(
    const Environment& environment) const {
  const auto home = environment.directory("QWEN_HOME", ".qwen");
  if (!home) return fail(home.error());
  std::vector<Credential> found;

  const auto login_path = *home / "oauth_creds.json";
  const auto login = read_store(login_path, environment);
  if (login.failure) found.push_back(unusable_store(cli, provider, login_path, *login.failure));
  if (login.text) found.push_back(detail::read_qwen_login(login_path, *login.text));

  std::vector<detail::QwenSettings> settings;
  for (const auto& path : detail::qwen_settings_files(environment)) {
    const auto file = read_store(path, environment, {config_file_rules.max_bytes, true, true});
    if (file.failure) found.push_back(unusable_store(cli, "dashscope", path, *file.failure));
    if (!file.text) continue;
    if (auto parsed = detail::parse_qwen_settings(*file.text)) {
      settings.push_back(std::move(*parsed));
    } else {
      found.push_back(unusable_store(cli, "dashscope", path, parsed.error()));
    }
  }
  std::vector<detail::QwenKeyReference> references;
  for (const auto& one : settings) detail::add_qwen_references(one, references);

  // In the CLI's order: the environment, .env files, the settings' own `env`.
  std::vector<detail::QwenValues> places;
  places.push_back({environment.variables(),
                    [](std::string_view name) {
                      return Place{"env:" + std::string{name}, {}};
                    },
                    false});
  for (const auto& path : detail::qwen_dotenv_files(environment)) {
    const auto file = read_store(path, environment, detail::dotenv_file_rules);
    if (file.failure) found.push_back(unusable_store(cli, "dashscope", path, *file.failure));
    if (file.text)
      places.push_back(
          {detail::named_values_of_dotenv(file.text->bytes.reveal()),
           [facts = file.text->facts](std::string_view name) { return place_of(facts, cli, name); },
           true, detail::is_shared_dotenv(path, ".qwen") && path.parent_path() != *home});
  }
  for (const auto& one : settings)
    places.push_back({detail::settings_values(one.document), [&one](std::string_view name) {
                        return place_of(one.facts, cli, "/env/" + std::string{name});
                      }});
  for (const auto& place : places) detail::add_qwen_keys(place, references, environment, found);
  for (const auto& one : settings) detail::add_qwen_inline_key(one, found);
  for (const auto& reference : references) {
    environment.note_variable(reference.variable);
    const bool is_set = std::any_of(places.begin(), places.end(), [&](const auto& place) {
      return !detail::named_value(place.values, reference.variable).empty();
    });
    if (!is_set) found.push_back(detail::missing_qwen_key(reference));
  }
  merge_same_tokens(found);
  return found;
}

CREDPOOL_INLINE Result<std::unique_ptr<LoginStore>> QwenCli::login_store(
    const Credential& credential, const Environment& environment) const {
  const auto home = environment.directory("QWEN_HOME", ".qwen");
  if (!home) return fail(home.error());
  return detail::file_login_store<detail::QwenLoginStore>(credential, environment,
                                                          {cli, *home, "oauth_creds.json"});
}

}  // namespace credpool::inline CREDPOOL_ABI
