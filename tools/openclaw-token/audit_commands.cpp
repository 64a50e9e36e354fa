// SPDX-License-Identifier: MIT
#include "audit_log.hpp"
#include "box_table.hpp"
#include "commands.hpp"
#include "profile_directory.hpp"
#include "values.hpp"

#include <algorithm>

namespace openclaw_token {

namespace {

constexpr std::uint64_t most_entries = 1'000'000;

/// "2026-11-21 12:00:00"
std::string short_time(const std::string& timestamp) {
  auto text = timestamp.substr(0, 19);
  std::replace(text.begin(), text.end(), 'T', ' ');
  return text;
}

}  // namespace

int audit_show(Session& session, const Arguments& arguments) {
  const auto limit = count_option(arguments, "--limit", 20, 1, most_entries);
  if (!limit) return session.fail(limit.error());
  const auto profiles = ProfileDirectory::open(session);
  if (!profiles) return session.fail(profiles.error());
  const auto entries = AuditLog{profiles->path()}.last(*limit, session.environment());
  if (!entries) return session.fail(entries.error());
  Json items = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : *entries) {
    items.push_back(audit_json(entry));
    auto words = entry.command;
    for (const auto& word : entry.args) words += " " + word;
    rows.push_back(
        {short_time(entry.timestamp), words, entry.success ? "success" : "error", entry.detail});
  }
  if (session.json())
    session.print_json(Json{{"items", items}, {"total", items.size()}});
  else if (rows.empty())
    session.print("No audit log entries.\n");
  else
    session.print(box_table(session.out(), {"Time", "Command", "Status", "Detail"}, rows));
  return 0;
}

int audit_clear(Session& session, const Arguments&) {
  const auto profiles = ProfileDirectory::open(session);
  if (!profiles) return session.fail(profiles.error());
  if (auto done = AuditLog{profiles->path()}.clear(); !done) return session.fail(done.error());
  if (session.json()) session.print_json(Json{{"cleared", true}});
  session.success("Audit log cleared.");
  return 0;
}

}  // namespace openclaw_token
