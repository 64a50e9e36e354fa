#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/dotenv.hpp>

#include <credpool/core/openclaw_directory.hpp>
#include <credpool/impl/source/dotenv_keys.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::vector<std::pair<std::string, std::string>> parse_dotenv(
    std::string_view text) {
  return detail::parse_dotenv_text(text);
}

CREDPOOL_INLINE std::vector<std::filesystem::path> DotenvKeys::locations(
    const Environment& environment) const {
  std::vector<std::filesystem::path> files;
  const auto add = [&](const std::filesystem::path& path) {
    if (std::find(files.begin(), files.end(), path) == files.end()) files.push_back(path);
  };
  if (const auto home = environment.home()) add(*home / ".env");
  if (const auto& here = environment.working_directory(); !here.empty()) add(here / ".env");
  if (const auto state = openclaw_directory(environment)) add(*state / ".env");
  return files;
}

CREDPOOL_INLINE Result<std::vector<Credential>> DotenvKeys::discover(
    const Environment& environment) const {
  if (const auto home = environment.home(); !home) return fail(home.error());
  std::vector<Credential> found;
  const auto project = environment.working_directory() / ".env";
  for (const auto& path : locations(environment)) {
    detail::DotenvSearch search{.cli = cli, .provider = provider, .reader = {}, .rotation = true};
    // OpenClaw lets no project speak for it, unless the project is the home directory.
    search.without_openclaw = path == project && path.parent_path() != *environment.home();
    detail::add_dotenv_keys(search, path, environment, found);
  }
  merge_same_tokens(found);
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
