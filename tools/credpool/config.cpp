// SPDX-License-Identifier: MIT
// config show, check and path.

#include "commands.hpp"
#include "settings_report.hpp"
#include "table.hpp"

namespace credpool_cli {

namespace cp = credpool;

namespace {

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
  for (const auto& problem : report.problems) problems.push_back(settings_problem_json(problem));
  const int code = report.ok() ? 0 : 3;

  if (verb == ConfigVerb::path) {
    const auto files = settings_files_json(report);
    Table table{{"FILE...", "THERE"}};
    for (const auto& file : files)
      table.add({file["path"].get<std::string>(), file["exists"] == true ? "yes" : "no"});
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
