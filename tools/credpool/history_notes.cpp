// SPDX-License-Identifier: MIT
#include "history_notes.hpp"

namespace credpool_cli {

namespace cp = credpool;

cp::Result<cp::HistoryDocument> open_history(const Session& session, const cp::Settings& settings) {
  if (!settings.history_path.empty())
    return cp::HistoryDocument{settings.history_path, session.environment()};
  return cp::HistoryDocument::at_default_place(session.environment());
}

cp::Result<void> note_discovered(const Session& session, const cp::Settings& settings,
                                 const std::vector<cp::Credential>& credentials) {
  auto history = open_history(session, settings);
  if (!history) return cp::fail(history.error());
  const auto change = history->record_discovered(credentials, session.now());
  if (!change) return cp::fail(change.error());
  if (change->set_aside)
    session.warn("the history could not be read and was moved to " + change->set_aside->string() +
                 "; a new one was begun");
  return {};
}

}  // namespace credpool_cli
