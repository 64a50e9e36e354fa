#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings_file.hpp>
#include <credpool/core/hash.hpp>

#include <map>
#include <optional>

namespace credpool::inline CREDPOOL_ABI {

/// Keeps the settings of a running process up to date.
///
/// Looks when it is asked; it has no thread of its own. A file that appears, disappears, is
/// replaced or is edited in place counts as a change when its bytes differ, whatever its time stamp
/// says.
///
/// @thread_safety caller serialises
class SettingsWatcher {
 public:
  enum class Change {
    none,
    applied,  ///< current() is new
    refused,  ///< the new files are wrong: current() is what it was, refused() says why
  };

  /// Reads the settings for the first time. When they are wrong, current() holds the defaults and
  /// refused() says why.
  explicit SettingsWatcher(Environment environment);

  /// Whether any file involved has changed since it was last read.
  bool changed() const;

  /// Reads again when something changed.
  Change poll();

  /// The last settings that were right.
  const SettingsReport& current() const noexcept { return current_; }
  /// The report of the last reading when it was wrong; null when it was right.
  const SettingsReport* refused() const noexcept { return refused_ ? &*refused_ : nullptr; }

 private:
  using Fingerprints = std::map<std::filesystem::path, std::optional<Digest>>;

  static Fingerprints look(const std::vector<std::filesystem::path>& files,
                           const Environment& environment);
  void read();

  Environment environment_;
  SettingsReport current_;
  std::optional<SettingsReport> refused_;
  Fingerprints seen_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/config/settings_watcher.ipp>
#endif
