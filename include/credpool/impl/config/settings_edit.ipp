#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings_edit.hpp>

#include <credpool/config/json5_edit.hpp>
#include <credpool/core/file.hpp>
#include <credpool/core/file_lock.hpp>

#include <algorithm>
#include <chrono>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// What stands in a path for the "*" of a schema's key; none when the path is not of that key.
inline std::optional<std::string_view> setting_name_in(std::string_view key,
                                                       std::string_view path) noexcept {
  const auto star = key.find('*');
  if (star == std::string_view::npos) return std::nullopt;
  const auto front = key.substr(0, star);
  const auto back = key.substr(star + 1);
  if (path.size() <= front.size() + back.size()) return std::nullopt;
  if (!path.starts_with(front) || !path.ends_with(back)) return std::nullopt;
  return path.substr(front.size(), path.size() - front.size() - back.size());
}

inline void add_setting_keys(std::string_view dotted, std::vector<std::string>& keys) {
  while (!dotted.empty()) {
    const auto dot = std::min(dotted.find('.'), dotted.size());
    if (dot > 0) keys.emplace_back(dotted.substr(0, dot));
    dotted.remove_prefix(std::min(dot + 1, dotted.size()));
  }
}

inline Result<std::string> edited_settings_text(std::string text,
                                                std::span<const SettingEdit> edits) {
  for (const auto& edit : edits) {
    const auto keys = setting_keys(edit.path);
    if (!keys) return fail(keys.error());
    auto changed = edit.value ? edit_json5(text, *keys, *edit.value) : remove_json5(text, *keys);
    if (!changed) {
      // What is not there need not be removed.
      if (!edit.value && changed.error().errc() == Errc::not_found) continue;
      return changed;
    }
    text = std::move(*changed);
  }
  return text;
}

inline Result<void> settings_must_be_right(const SettingsReport& report) {
  for (const auto& problem : report.problems) {
    if (problem.severity != SettingsProblem::Severity::error) continue;
    auto error = problem.error();
    error.code = Errc::configuration;
    return fail(std::move(error));
  }
  return {};
}

}  // namespace detail

CREDPOOL_INLINE const SettingKey* setting_key_of(std::string_view path) noexcept {
  for (const auto& key : settings_schema())
    if (key.path == path || detail::setting_name_in(key.path, path)) return &key;
  return nullptr;
}

CREDPOOL_INLINE Result<std::vector<std::string>> setting_keys(std::string_view path) {
  const auto* const key = setting_key_of(path);
  if (key == nullptr) {
    std::vector<std::string_view> names;
    for (const auto& known : settings_schema()) names.push_back(known.path);
    const auto nearest = nearest_name(path, names);
    return fail(Errc::invalid_argument, "choosing a setting",
                path.size() > 80 ? "" : std::string{path},
                nearest ? "did you mean \"" + std::string{*nearest} + "\"?"
                        : "`credpool config show` lists them all");
  }
  std::vector<std::string> keys;
  const auto name = detail::setting_name_in(key->path, path);
  const auto star = name ? key->path.find('*') : key->path.size();
  detail::add_setting_keys(key->path.substr(0, star), keys);
  if (name) {
    keys.emplace_back(*name);
    detail::add_setting_keys(key->path.substr(star + 1), keys);
  }
  return keys;
}

CREDPOOL_INLINE Result<SettingsEdited> edit_settings(const Environment& environment,
                                                     std::span<const SettingEdit> edits,
                                                     bool dry_run) {
  constexpr std::chrono::seconds patience{5};
  const auto path = settings_path(environment);
  if (!path) return fail(path.error());
  FileLock turn;
  if (!dry_run) {
    if (auto made = make_private_directory(path->parent_path()); !made) return fail(made.error());
    auto taken = FileLock::take(path->parent_path() / ("." + path->filename().string() + ".lock"),
                                patience, "waiting for the turn to change the settings");
    if (!taken) return fail(taken.error());
    turn = std::move(*taken);
  }
  auto before = read_settings(environment);
  const auto file = read_file(*path, environment, config_file_rules);
  if (!file && file.error().errc() != Errc::not_found) return fail(file.error());
  const std::string old{file ? file->bytes.reveal() : std::string_view{"{\n}\n"}};
  const auto text = detail::edited_settings_text(old, edits);
  if (!text) {
    auto error = text.error();
    if (error.place.empty() || error.errc() != Errc::invalid_argument)
      error.place = path->string() + (error.place.empty() ? "" : ":" + error.place);
    return fail(std::move(error));
  }
  auto after = read_settings_with(environment, *path, *text);
  if (auto right = detail::settings_must_be_right(after); !right) return fail(right.error());
  if (!dry_run && (*text != old || !file))
    if (auto written = replace_file(*path, *text, 0600, true); !written)
      return fail(written.error());
  return SettingsEdited{std::move(before), std::move(after), *path};
}

}  // namespace credpool::inline CREDPOOL_ABI
