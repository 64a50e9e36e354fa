// SPDX-License-Identifier: MIT
#include "box_table.hpp"
#include "commands.hpp"
#include "confirmation.hpp"
#include "fault.hpp"
#include "profile_directory.hpp"

#include <algorithm>

namespace openclaw_token {

namespace cp = credpool;

int profile_create(Session& session, const Arguments& arguments) {
  const auto& name = arguments.positionals.at(0);
  const auto done = ProfileDirectory::open(session).and_then(
      [&](const ProfileDirectory& profiles) { return profiles.create(name); });
  if (!done) return session.fail(done.error());
  if (session.json()) session.print_json(Json{{"name", name}, {"created", true}});
  session.success("Profile \"" + name + "\" created. Use `openclaw-token profile switch " + name +
                  "` to activate.");
  return 0;
}

int profile_switch(Session& session, const Arguments& arguments) {
  const auto& name = arguments.positionals.at(0);
  const auto done = ProfileDirectory::open(session).and_then(
      [&](const ProfileDirectory& profiles) { return profiles.switch_to(name); });
  if (!done) return session.fail(done.error());
  if (session.json()) session.print_json(Json{{"name", name}, {"active", true}});
  session.success("Switched to profile \"" + name + "\".");
  if (session.environment().variable("OPENCLAW_TOKEN_PROFILE"))
    session.warn("OPENCLAW_TOKEN_PROFILE is set and goes before it.");
  return 0;
}

int profile_list(Session& session, const Arguments&) {
  const auto entries = ProfileDirectory::open(session).and_then(
      [](const ProfileDirectory& profiles) { return profiles.list(); });
  if (!entries) return session.fail(entries.error());
  Json items = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : *entries) {
    items.push_back(
        {{"name", entry.name}, {"active", entry.active}, {"hasConfig", entry.has_config}});
    rows.push_back({entry.name, entry.active ? "*" : "", entry.has_config ? "Yes" : "No"});
  }
  if (session.json())
    session.print_json(Json{{"items", items}, {"total", items.size()}});
  else if (rows.empty())
    session.print("No profiles found. Create one with: openclaw-token profile create <name>\n");
  else
    session.print(box_table(session.out(), {"Name", "Active", "Logged In"}, rows));
  return 0;
}

int profile_current(Session& session, const Arguments&) {
  const auto name = ProfileDirectory::open(session).and_then(
      [](const ProfileDirectory& profiles) { return profiles.name(); });
  if (!name) return session.fail(name.error());
  if (session.json())
    session.print_json(Json{{"name", *name}});
  else
    session.print("Active profile: " + *name + "\n");
  return 0;
}

int profile_delete(Session& session, const Arguments& arguments) {
  const auto& name = arguments.positionals.at(0);
  const auto profiles = ProfileDirectory::open(session);
  if (!profiles) return session.fail(profiles.error());
  if (auto removable = profiles->check_removable(name); !removable)
    return session.fail(removable.error());
  const auto entries = profiles->list();
  if (!entries) return session.fail(entries.error());
  // Only a login that would be lost is worth a question.
  const bool loses = std::any_of(entries->begin(), entries->end(), [&](const auto& entry) {
    return entry.name == name && entry.has_config;
  });
  if (loses) {
    const auto agreed =
        confirmed(session, arguments, "Delete profile \"" + name + "\" and its login?");
    if (!agreed) return session.fail(agreed.error());
    if (!*agreed) return 0;
  }
  if (auto done = profiles->remove(name); !done) return session.fail(done.error());
  if (session.json()) session.print_json(Json{{"name", name}, {"deleted", true}});
  session.success("Profile \"" + name + "\" deleted.");
  return 0;
}

}  // namespace openclaw_token
