#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/claude_cli.hpp>

#include <credpool/impl/source/claude_login_store.hpp>
#include <credpool/impl/source/claude_store.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Result<std::filesystem::path> claude_login_file(const Environment& environment) {
  constexpr std::string_view own_directory = "CLAUDE_SECURESTORAGE_CONFIG_DIR";
  const bool moved = environment.variable(own_directory).has_value();
  auto directory = environment.directory(moved ? own_directory : "CLAUDE_CONFIG_DIR", ".claude");
  if (!directory) return directory;
  return *directory / ".credentials.json";
}

inline std::vector<std::filesystem::path> claude_settings_files(const Environment& environment) {
  std::vector<std::filesystem::path> files;
  const auto add = [&](const std::filesystem::path& path) {
    if (std::find(files.begin(), files.end(), path) == files.end()) files.push_back(path);
  };
  if (const auto directory = environment.directory("CLAUDE_CONFIG_DIR", ".claude"))
    add(*directory / "settings.json");
  if (const auto& project = environment.working_directory(); !project.empty()) {
    add(project / ".claude/settings.json");
    add(project / ".claude/settings.local.json");
  }
  return files;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> ClaudeCli::locations(
    const Environment& environment) const {
  std::vector<std::filesystem::path> files;
  if (auto login = detail::claude_login_file(environment)) files.push_back(std::move(*login));
  for (auto& path : detail::claude_settings_files(environment)) files.push_back(std::move(path));
  return files;
}

CREDPOOL_INLINE Result<std::vector<Credential>> ClaudeCli::discover(
    const Environment& environment) const {
  const auto login_path = detail::claude_login_file(environment);
  if (!login_path) return fail(login_path.error());
  std::vector<Credential> found;

  // Logins of MCP servers stand in the same file, so it may be larger than a login.
  const auto login =
      read_store(*login_path, environment, {config_file_rules.max_bytes, true, true});
  if (login.failure) found.push_back(unusable_store(cli, provider, *login_path, *login.failure));
  if (login.text) found.push_back(detail::read_claude_login(*login_path, *login.text));

  for (const auto& path : detail::claude_settings_files(environment)) {
    const auto settings = read_store(path, environment, {config_file_rules.max_bytes, true, true});
    if (settings.failure) found.push_back(unusable_store(cli, provider, path, *settings.failure));
    if (settings.text) detail::add_claude_settings(*settings.text, environment, found);
  }
  merge_same_tokens(found);
  return found;
}

CREDPOOL_INLINE Result<std::unique_ptr<LoginStore>> ClaudeCli::login_store(
    const Credential& credential, const Environment& environment) const {
  const auto file = detail::claude_login_file(environment);
  if (!file) return fail(file.error());
  return detail::file_login_store<detail::ClaudeLoginStore>(
      credential, environment, {cli, file->parent_path(), ".credentials.json"});
}

}  // namespace credpool::inline CREDPOOL_ABI
