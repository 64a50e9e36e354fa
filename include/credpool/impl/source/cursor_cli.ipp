#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/cursor_cli.hpp>

#include <credpool/impl/source/jwt_login.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::vector<std::filesystem::path> CursorCli::locations(
    const Environment& environment) const {
  const auto config = environment.config_home();
  const auto home = environment.home();
  std::vector<std::filesystem::path> files;
  if (config) files.push_back(*config / "cursor/auth.json");
  if (home) files.push_back(*home / ".cursor/auth.json");
  return files;
}

CREDPOOL_INLINE Result<std::vector<Credential>> CursorCli::discover(
    const Environment& environment) const {
  const auto files = locations(environment);
  if (files.empty()) return fail(environment.home().error());
  std::vector<Credential> found;
  for (const auto& path : files) {
    const auto store = detail::read_json_store(cli, provider, path, environment, found);
    if (!store) continue;
    found.push_back(detail::jwt_login({cli, provider, store->facts, {}},
                                      {detail::text_member(store->document, "accessToken"),
                                       detail::text_member(store->document, "refreshToken")}));
  }
  merge_same_tokens(found);
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
