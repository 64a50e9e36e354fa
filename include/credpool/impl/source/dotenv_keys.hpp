#pragma once
// SPDX-License-Identifier: MIT

// The keys of .env files, for the source "dotenv" and for the CLIs that read such files.
// Internal: included by .ipp files only.

#include <credpool/impl/source/dotenv_parser.hpp>
#include <credpool/impl/source/key_search.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// .env files are configuration by size and hold secrets.
inline constexpr FileRules dotenv_file_rules{config_file_rules.max_bytes, true, true};

struct DotenvSearch {
  std::string_view cli;
  std::string_view provider;      ///< of a file that cannot be read
  std::string_view reader;        ///< look only for variables that this CLI reads; empty: for all
  bool rotation = false;          ///< OpenClaw's lists and numbered variables too
  bool without_openclaw = false;  ///< pass over OPENCLAW_*
  bool shared = false;            ///< see Place::shared
};

inline NamedValues named_values_of_dotenv(std::string_view text) {
  NamedValues values;
  for (auto& [name, value] : parse_dotenv_text(text))
    values.emplace(std::move(name), std::move(value));
  return values;
}

/// Appends the keys in the text of one .env file.
inline void add_dotenv_keys(const DotenvSearch& search, const FileText& file,
                            const Environment& environment, std::vector<Credential>& found) {
  auto values = named_values_of_dotenv(file.bytes.reveal());
  if (search.without_openclaw)
    std::erase_if(values, [](const auto& entry) { return entry.first.starts_with("OPENCLAW_"); });
  collect_keys({.cli = search.cli,
                .reader = search.reader,
                .rotation = search.rotation,
                .values = values,
                .environment = environment.variables(),
                .place =
                    [&](std::string_view name, std::string_view index) {
                      auto pointer = std::string{name};
                      if (!index.empty()) pointer += '/' + std::string{index};
                      auto place = place_of(file.facts, search.cli, pointer);
                      place.shared = search.shared;
                      return place;
                    }},
               found);
}

/// The same for the file at that path; one that is there and cannot be read is listed.
inline void add_dotenv_keys(const DotenvSearch& search, const std::filesystem::path& path,
                            const Environment& environment, std::vector<Credential>& found) {
  const auto file = read_store(path, environment, dotenv_file_rules);
  if (file.failure)
    found.push_back(unusable_store(search.cli, search.provider, path, *file.failure));
  if (file.text) add_dotenv_keys(search, *file.text, environment, found);
}

/// Whether the .env file is one that any program may read: not in the CLI's own folder.
/// @param folder the CLI's folder in a project or a home: ".gemini", ".qwen"
inline bool is_shared_dotenv(const std::filesystem::path& path, std::string_view folder) {
  return path.parent_path().filename() != folder;
}

/// The .env files that gemini and qwen look at, in their order, as far as they exist: the nearest
/// one from the working directory upward (`<folder>/.env` before `.env`), then those of the user.
/// A link that leads nowhere, which they pass over, is among them, so that it can be listed.
///
/// @param folder     the CLI's folder in a project: ".gemini", ".qwen"
/// @param stop_at    the walk ends before this directory; empty: at the root
/// @param user_files those of the user
/// @source gemini-cli 0.61.0 cli/src/config/settings.ts; qwen-code 0.24.4 findEnvFiles
inline std::vector<std::filesystem::path> nearest_dotenv_files(
    const Environment& environment, std::string_view folder, const std::filesystem::path& stop_at,
    const std::vector<std::filesystem::path>& user_files) {
  std::vector<std::filesystem::path> files;
  const auto add = [&](const std::filesystem::path& path) {
    std::error_code not_there;
    const bool there = environment.exists(path);
    if (!there && !std::filesystem::is_symlink(path, not_there)) return false;
    if (std::find(files.begin(), files.end(), path) == files.end()) files.push_back(path);
    return there;
  };
  for (auto directory = environment.working_directory(); !directory.empty() && directory != stop_at;
       directory = directory.parent_path()) {
    if (add(directory / folder / ".env") || add(directory / ".env")) break;
    if (directory == directory.parent_path()) break;
  }
  for (const auto& path : user_files) add(path);
  return files;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
