#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings_watcher.hpp>
#include <credpool/core/file.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE SettingsWatcher::SettingsWatcher(Environment environment)
    : environment_{std::move(environment)} {
  read();
}

CREDPOOL_INLINE SettingsWatcher::Fingerprints SettingsWatcher::look(
    const std::vector<std::filesystem::path>& files, const Environment& environment) {
  Fingerprints found;
  for (const auto& path : files) {
    const auto file = read_file(path, environment, config_file_rules);
    if (file) {
      found[path] = sha256(file->bytes.reveal());
    } else if (file.error().errc() == Errc::not_found) {
      found[path] = std::nullopt;
    } else {
      // There and not readable: a state of its own, so that mending the file counts as a change.
      found[path] = sha256_of_parts({"unreadable", to_string(file.error().errc())});
    }
  }
  return found;
}

CREDPOOL_INLINE bool SettingsWatcher::changed() const {
  std::vector<std::filesystem::path> files;
  for (const auto& [path, digest] : seen_) files.push_back(path);
  return look(files, environment_) != seen_;
}

CREDPOOL_INLINE void SettingsWatcher::read() {
  // Looked at before it is read for good: a file that changes in between makes the settings newer
  // than what was seen, and the next poll reads once more. The first reading names the files.
  seen_ = look(read_settings(environment_).files, environment_);
  auto report = read_settings(environment_);
  if (report.ok()) {
    current_ = std::move(report);
    refused_.reset();
  } else {
    refused_ = std::move(report);
  }
}

CREDPOOL_INLINE SettingsWatcher::Change SettingsWatcher::poll() {
  if (!changed()) return Change::none;
  read();
  return refused_ ? Change::refused : Change::applied;
}

}  // namespace credpool::inline CREDPOOL_ABI
