#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/openclaw_directory.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<std::filesystem::path> openclaw_directory(const Environment& environment) {
  if (const auto chosen = environment.variable("OPENCLAW_STATE_DIR"))
    return environment.expand(*chosen);
  const auto home = environment.variable("OPENCLAW_HOME");
  if (home && home->find_first_not_of(" \t") != std::string::npos && *home != "undefined" &&
      *home != "null")
    return environment.expand(*home) / ".openclaw";
  auto own = environment.home();
  if (!own) return own;
  return *own / ".openclaw";
}

CREDPOOL_INLINE Result<std::filesystem::path> openclaw_config_path(const Environment& environment) {
  if (const auto chosen = environment.variable("OPENCLAW_CONFIG_PATH"))
    return environment.expand(*chosen);
  auto directory = openclaw_directory(environment);
  if (!directory) return directory;
  return *directory / "openclaw.json";
}

}  // namespace credpool::inline CREDPOOL_ABI
