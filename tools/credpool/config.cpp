// SPDX-License-Identifier: MIT
// config show, check and path.

#include "commands.hpp"
#include "table.hpp"

#include <credpool/config/settings_file.hpp>

namespace credpool_cli {

namespace cp = credpool;

namespace {

Json problem_json(const cp::SettingsProblem& problem) {
  return {
      {"severity", problem.severity == cp::SettingsProblem::Severity::error ? "error" : "warning"},
      {"setting", problem.setting},
      {"place", problem.place},
      {"text", harmless(problem.text)},
      {"hint", harmless(problem.hint)}};
}

std::string problem_text(const cp::SettingsProblem& problem, const Session& session) {
  const bool error = problem.severity == cp::SettingsProblem::Severity::error;
  std::string text =
      styled(session.err(), error ? Style::bad : Style::warning, error ? "error: " : "warning: ");
  text += short_path(problem.place, session.environment()) + ": ";
  if (!problem.setting.empty()) text += problem.setting + ": ";
  text += harmless(problem.text);
  if (!problem.hint.empty()) text += "; " + harmless(problem.hint);
  return text;
}

}  // namespace

int run_config(Session& session, ConfigVerb verb) {
  const auto report = cp::read_settings(session.environment());
  Json problems = Json::array();
  for (const auto& problem : report.problems) problems.push_back(problem_json(problem));
  const int code = report.ok() ? 0 : 3;

  if (verb == ConfigVerb::path) {
    Json files = Json::array();
    Table table{{"FILE...", "THERE"}};
    for (const auto& file : report.files) {
      std::error_code failed;
      const bool exists = std::filesystem::exists(file, failed);
      files.push_back({{"path", file.string()}, {"exists", exists}});
      table.add({file.string(), exists ? "yes" : "no"});
    }
    if (session.options().json)
      session.print_json(Json{{"files", files}});
    else
      session.print(table.render(session.out()));
    return 0;
  }

  if (!session.options().json)
    for (const auto& problem : report.problems) session.note(problem_text(problem, session));

  if (verb == ConfigVerb::check) {
    if (session.options().json) {
      session.print_json(Json{{"ok", report.ok()}, {"problems", problems}});
    } else if (report.ok()) {
      session.print(report.problems.empty() ? "The configuration is right.\n"
                                            : "The configuration is in effect, with warnings.\n");
    }
    return code;
  }

  if (!report.ok()) {
    if (session.options().json) session.print_json(Json{{"ok", false}, {"problems", problems}});
    return code;
  }
  Json settings = Json::array();
  Table table{{"SETTING", "VALUE...", "FROM..."}};
  for (const auto& row : report.rows()) {
    settings.push_back({{"name", row.path},
                        {"value", Json::parse(row.value, nullptr, false)},
                        {"origin", row.origin}});
    table.add({row.path,
               row.value,
               {short_path(row.origin, session.environment()),
                row.origin == "default" ? Style::dim : Style::plain}});
  }
  if (session.options().json)
    session.print_json(Json{{"settings", settings}, {"warnings", problems}});
  else
    session.print(table.render(session.out()));
  return 0;
}

}  // namespace credpool_cli
