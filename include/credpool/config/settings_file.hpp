#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings.hpp>
#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Something a person should know about a configuration file.
struct SettingsProblem {
  enum class Severity {
    warning,  ///< the settings are in effect all the same
    error,    ///< they are not
  };
  Severity severity = Severity::error;
  Errc code = Errc::configuration;
  std::string setting;  ///< "cliSources.kimi-cli.enabled"; empty when it is about a whole file
  std::string place;    ///< "<file>:<line>:<column>", or the file
  std::string text;     ///< what is wrong and what was expected; never a value of the file
  std::string hint;     ///< what to write; may be empty

  Error error() const;
};

/// What was read, and everything that was noticed on the way.
struct SettingsReport {
  Settings settings;                           ///< meaningful only when ok()
  std::map<std::string, std::string> origins;  ///< setting -> where it comes from, unless default
  std::vector<SettingsProblem> problems;       ///< in the order of the files
  std::vector<std::filesystem::path> files;    ///< all looked at, those not there included

  bool ok() const noexcept;
  /// Every effective setting with its value and origin, sorted by path.
  std::vector<SettingRow> rows() const;
};

/// Finds and reads the configuration.
///
/// Later ones win, key by key: the defaults; then `$CREDPOOL_CONFIG` alone, or else OpenClaw's
/// configuration (`plugins.entries["cli-token-discovery"]`, whose `enabled` counts too) followed by
/// `$XDG_CONFIG_HOME/credpool/config.json5`; then the variables CREDPOOL_ROTATION_STRATEGY,
/// CREDPOOL_HISTORY_PATH and CREDPOOL_STATE_DIRECTORY. A file that is not there is passed over,
/// except the one that `$CREDPOOL_CONFIG` names.
///
/// In every file, `${NAME}` in a string is replaced by that variable (`$${NAME}` is not), and
/// `{"$include": "other.json5"}` by that file: at most 10 levels and 2 MiB, below the directory of
/// the first file or one of `$OPENCLAW_INCLUDE_ROOTS`.
///
/// @effects reads files; writes nothing
/// @source OpenClaw 2026.9.6 for the substitution, the include and their bounds
SettingsReport read_settings(const Environment& environment);

/// The same as if that file held that text: what an edit would bring.
SettingsReport read_settings_with(const Environment& environment, const std::filesystem::path& file,
                                  std::string_view text);

/// The same for callers who want settings or one error (the first).
Result<Settings> load_settings(const Environment& environment);

/// Where our own configuration file is: `$CREDPOOL_CONFIG`, else
/// `$XDG_CONFIG_HOME/credpool/config.json5`. It need not exist.
Result<std::filesystem::path> settings_path(const Environment& environment);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/config/settings_file.ipp>
#endif
