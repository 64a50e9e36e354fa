#pragma once
// SPDX-License-Identifier: MIT

#include "presentation.hpp"

#include <credpool/config/settings_file.hpp>

namespace credpool_cli {

/// Parts of the documents of `config --json` (docs/cli.md).
Json settings_problem_json(const credpool::SettingsProblem& problem);
Json settings_files_json(const credpool::SettingsReport& report);

}  // namespace credpool_cli
