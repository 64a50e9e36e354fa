#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>

#include <filesystem>

namespace credpool::inline CREDPOOL_ABI {

/// Where OpenClaw keeps its files: `$OPENCLAW_STATE_DIR`, else .openclaw below `$OPENCLAW_HOME` or
/// the home directory. It need not exist.
///
/// @errors configuration when there is no home directory
/// @effects none
/// @source OpenClaw 2026.9.6; a blank OPENCLAW_HOME, "undefined" and "null" count as unset there
Result<std::filesystem::path> openclaw_directory(const Environment& environment);

/// OpenClaw's configuration: `$OPENCLAW_CONFIG_PATH`, else openclaw.json in that directory.
Result<std::filesystem::path> openclaw_config_path(const Environment& environment);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/openclaw_directory.ipp>
#endif
