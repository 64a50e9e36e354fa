#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/json5_value.hpp>
#include <credpool/config/settings_file.hpp>

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What the schema says about a setting: "cliSources.kimi-cli.enabled" is a "cliSources.*.enabled".
/// @param path as in SettingRow
/// @return null when there is no such setting
const SettingKey* setting_key_of(std::string_view path) noexcept;

/// The keys, from the top of a file, under which a setting stands. A name of the user's own may
/// hold dots: "weights.openai:me@acme.example" has two keys.
/// @errors invalid_argument when there is no such setting; the hint names the nearest one
Result<std::vector<std::string>> setting_keys(std::string_view path);

/// One setting that is to be another one.
struct SettingEdit {
  std::string path;                 ///< as in SettingRow
  std::optional<Json5Value> value;  ///< none: removed from our file, so that others or the default
                                    ///< count
};

/// What an edit did, or would do.
struct SettingsEdited {
  SettingsReport before;
  SettingsReport after;
  std::filesystem::path file;  ///< that was written, or would be
};

/// Writes settings into our own file (settings_path()) and leaves every other byte of it as it is,
/// comments included; all of them or none.
///
/// Editors of one file take turns by a lock beside it. A file that is not there is made (0600).
///
/// @param dry_run only says what it would do
/// @errors invalid_argument for a setting that there is not; configuration when the settings would
///         be wrong then, or are now: nothing is written, and the error is that of the reading;
///         those of edit_json5, read_file, replace_file and FileLock
/// @effects the file, its lock, and its directory when that is missing
Result<SettingsEdited> edit_settings(const Environment& environment,
                                     std::span<const SettingEdit> edits, bool dry_run = false);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/config/settings_edit.ipp>
#endif
