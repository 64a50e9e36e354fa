// SPDX-License-Identifier: MIT
// history: what was found and used when, by hash.

#include "cli_pool.hpp"
#include "history_notes.hpp"
#include "prompt.hpp"
#include "table.hpp"

#include <credpool/core/file.hpp>

namespace credpool_cli {

namespace cp = credpool;

namespace {

int verify(const Session& session, const cp::HistoryDocument& history) {
  const auto verdict = history.verify();
  if (!verdict) return session.fail(verdict.error());
  if (session.options().json) {
    session.print_json(
        Json{{"ok", verdict->ok()},
             {"records", verdict->records},
             {"problem", verdict->ok() ? Json(nullptr) : Json(cp::to_string(verdict->fault))},
             {"brokenRecord", verdict->broken_record},
             {"detail", harmless(verdict->detail)},
             {"notes", verdict->notes}});
  } else if (verdict->ok()) {
    session.print("The history is as it was written: " + std::to_string(verdict->records) +
                  " records, none changed.\n");
  } else {
    session.print("The history was changed: " + harmless(verdict->detail) + "\n");
  }
  return verdict->ok() ? 0 : 1;
}

int clear(const Session& session, cp::HistoryDocument& history, bool sure) {
  if (!sure) {
    const auto answer = confirm("Remove every entry of " + history.path().string() + "?");
    if (!answer) return session.fail(answer.error());
    if (!*answer) return session.fail({cp::Errc::cancelled, "clearing the history", {}, {}});
  }
  const auto change = history.clear(session.now());
  if (!change) return session.fail(change.error());
  if (session.options().json)
    session.print_json(Json{{"cleared", change->changed}});
  else
    session.print("Removed " + std::to_string(change->changed) + " entries.\n");
  return 0;
}

}  // namespace

int run_history(Session& session, const HistoryOptions& options) {
  const auto settings = settings_of(session);
  if (!settings) return session.fail(settings.error());
  auto history = open_history(session, *settings);
  if (!history) return session.fail(history.error());
  if (options.verify) return verify(session, *history);
  if (options.clear) return clear(session, *history, options.yes);

  cp::HistoryFilter filter;
  filter.cli = options.cli;
  filter.limit = static_cast<std::size_t>(options.limit.value_or(0));
  const auto entries = history->entries(filter);
  if (!entries) return session.fail(entries.error());

  if (session.options().json || !options.export_file.empty()) {
    Json list = Json::array();
    for (const auto& entry : *entries) list.push_back(history_entry_json(entry));
    const Json document{{"version", 1}, {"path", history->path().string()}, {"discovered", list}};
    if (options.export_file.empty() || options.export_file == "-") {
      session.print_json(document);
      return 0;
    }
    const auto target = session.environment().expand(options.export_file);
    if (auto written = cp::replace_file(target, document.dump(2) + "\n"); !written)
      return session.fail(written.error());
    session.note("Wrote " + std::to_string(entries->size()) + " entries to " + target.string() +
                 ".");
    return 0;
  }

  Table table{{"PROFILE...", "?CLI", "STATUS", "USES", "FOUND", "LAST USED", "?TOKEN"}};
  for (const auto& entry : *entries)
    table.add(
        {entry.profile_id, entry.cli, entry.status, std::to_string(entry.usage_count),
         relative_time(entry.detected_at, session.now()),
         entry.last_used_at ? relative_time(entry.last_used_at, session.now()) : std::string{"-"},
         entry.token_hash.substr(0, 19)});
  session.print(table.empty() ? "The history is empty; `credpool scan` fills it.\n"
                              : table.render(session.out()));
  return 0;
}

}  // namespace credpool_cli
