#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>

#include <filesystem>
#include <functional>

namespace credpool_cli {

/// The key in a private file of its own; `make` makes one when the file is missing.
/// @errors unsafe_file when others can read it; malformed when it holds no such key; io
credpool::Result<credpool::Secret> key_in_file(
    const std::filesystem::path& path, const credpool::Environment& environment,
    const std::function<credpool::Result<credpool::Secret>()>& make);

/// Writes a key into its file, which is then nobody else's to read.
credpool::Result<void> write_key_file(const std::filesystem::path& path,
                                      const credpool::Secret& key);

}  // namespace credpool_cli
