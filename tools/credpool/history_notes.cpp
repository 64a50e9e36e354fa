// SPDX-License-Identifier: MIT
#include "history_notes.hpp"

#include <credpool/core/openclaw_directory.hpp>
#include <credpool/store/state_directory.hpp>

#include <algorithm>

namespace credpool_cli {

namespace cp = credpool;

cp::Result<cp::HistoryDocument> open_history(const Session& session, const cp::Settings& settings) {
  if (!settings.history_path.empty())
    return cp::HistoryDocument{settings.history_path, session.environment()};
  // OpenClaw's own place counts; else it lies with the rest of our state.
  const auto openclaw = cp::openclaw_directory(session.environment());
  std::error_code ignored;
  if (openclaw && std::filesystem::is_directory(*openclaw, ignored))
    return cp::HistoryDocument::at_default_place(session.environment());
  const auto directory =
      cp::StateDirectory::locate(session.environment(), settings.state_directory);
  if (!directory) return cp::fail(directory.error());
  return cp::HistoryDocument{directory->path() / "history.json", session.environment()};
}

namespace {

cp::Result<cp::HistoryChange> record(const Session& session, cp::HistoryDocument& history,
                                     const std::vector<cp::Credential>& credentials) {
  auto change = history.record_discovered(credentials, session.now());
  if (change && change->set_aside)
    session.warn("the history could not be read and was moved to " + change->set_aside->string() +
                 "; a new one was begun");
  return change;
}

}  // namespace

cp::Result<void> note_discovered(const Session& session, const cp::Settings& settings,
                                 const std::vector<cp::Credential>& credentials) {
  auto history = open_history(session, settings);
  if (!history) return cp::fail(history.error());
  if (auto change = record(session, *history, credentials); !change)
    return cp::fail(change.error());
  return {};
}

cp::Result<void> note_scan(const Session& session, const cp::Settings& settings,
                           const std::vector<cp::Credential>& credentials,
                           cp::DiscoveryMemo& memo) {
  const auto now = session.now();
  if (memo.followed_up(now)) return {};
  auto history = open_history(session, settings);
  if (!history) return cp::fail(history.error());
  cp::ReadTrace trace{now};
  if (const auto openclaw = cp::openclaw_directory(session.environment()))
    trace.look(openclaw->native(), cp::ReadTrace::Of::identity);  // decides where the history is
  trace.look(history->path().native());
  trace.look(history->chain_path().native());
  const auto change = record(session, *history, credentials);
  if (!change) return cp::fail(change.error());
  if (!change->last_scan) return {};
  auto until = *change->last_scan + cp::HistoryDocument::last_scan_exact_to;
  for (const auto& credential : credentials)
    until = std::min(until, credential.next_change(now).value_or(until));
  memo.note_follow_up(trace, now, until);
  return {};
}

void note_lent(const Session& session, const cp::Settings& settings,
               const cp::Credential& credential) {
  auto noted = note_discovered(session, settings, {credential});
  if (noted) {
    auto history = open_history(session, settings);
    const auto used = history ? history->record_used(credential.id.hex(), session.now())
                              : cp::Result<cp::HistoryChange>{cp::fail(history.error())};
    if (!used) noted = cp::fail(used.error());
  }
  if (!noted) session.warn(harmless(noted.error().message()) + "; the use is not on record");
}

Json history_entry_json(const cp::HistoryEntry& entry) {
  return {{"cli", harmless(entry.cli)},
          {"provider", harmless(entry.provider)},
          {"profileId", harmless(entry.profile_id)},
          {"detectedAt", time_json(entry.detected_at)},
          {"lastUsedAt", time_json(entry.last_used_at)},
          {"usageCount", entry.usage_count},
          {"tokenHash", harmless(entry.token_hash)},
          {"status", harmless(entry.status)},
          {"consecutiveFailures", entry.consecutive_failures}};
}

}  // namespace credpool_cli
