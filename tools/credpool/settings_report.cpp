// SPDX-License-Identifier: MIT
#include "settings_report.hpp"

namespace credpool_cli {

namespace cp = credpool;

Json settings_problem_json(const cp::SettingsProblem& problem) {
  return {
      {"severity", problem.severity == cp::SettingsProblem::Severity::error ? "error" : "warning"},
      {"setting", problem.setting},
      {"place", problem.place},
      {"text", harmless(problem.text)},
      {"hint", harmless(problem.hint)}};
}

Json settings_files_json(const cp::SettingsReport& report) {
  Json files = Json::array();
  for (const auto& file : report.files) {
    std::error_code failed;
    files.push_back({{"path", file.string()}, {"exists", std::filesystem::exists(file, failed)}});
  }
  return files;
}

}  // namespace credpool_cli
