// SPDX-License-Identifier: MIT
#include "box_table.hpp"
#include "commands.hpp"
#include "confirmation.hpp"
#include "fault.hpp"
#include "profile_directory.hpp"
#include "prompt.hpp"
#include "values.hpp"

#include <algorithm>
#include <array>

#include <unistd.h>

namespace openclaw_token {

namespace cp = credpool;

namespace {

constexpr std::array<std::string_view, 3> config_keys{"api_base", "management_key", "email"};

cp::Result<void> check_key(const std::string& key) {
  if (std::find(config_keys.begin(), config_keys.end(), key) != config_keys.end()) return {};
  return mistake("Unknown config key \"" + key + "\". Valid keys: api_base, management_key, email");
}

struct Shown {
  std::string key;
  std::optional<std::string> value;
  std::string from;
};

/// The key is shown whole only when it is asked for, so that it lands on no screen by accident.
std::string shown_key(const cp::Secret& key, bool reveal) {
  return reveal ? std::string{key.reveal()} : std::string{management_prefix} + "****";
}

std::vector<Shown> all_values(const Effective& effective, bool reveal) {
  std::vector<Shown> values;
  values.push_back({"api_base", effective.api_base.value, effective.api_base.from});
  values.push_back({"management_key", std::nullopt, effective.key_from});
  if (!effective.management_key.empty())
    values.back().value = shown_key(effective.management_key, reveal);
  values.push_back({"email", std::nullopt, effective.email.from});
  if (!effective.email.value.empty()) values.back().value = effective.email.value;
  return values;
}

cp::Result<std::vector<Shown>> read_values(const Session& session, bool reveal) {
  const auto profiles = ProfileDirectory::open(session);
  if (!profiles) return cp::fail(profiles.error());
  const auto effective = profiles->effective();
  if (!effective) return cp::fail(effective.error());
  return all_values(*effective, reveal);
}

Json json_of(const std::optional<std::string>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// The new value: from the command line, or (for the key always) from standard input.
cp::Result<std::string> new_value(const Arguments& arguments) {
  const bool secret = arguments.positionals[0] == "management_key";
  if (arguments.positionals.size() > 1) return arguments.positionals[1];
  if (!secret) return mistake("error: missing required argument 'value'");
  const auto text = ::isatty(STDIN_FILENO) == 1 ? credpool_cli::ask_hidden("Management key: ")
                                                : credpool_cli::read_secret_from_stdin();
  if (!text) return cp::fail(text.error());
  return std::string{text->reveal()};
}

cp::Result<void> check_value(const std::string& key, const std::string& value) {
  if (key == "api_base" && !is_api_base(value))
    return mistake("Invalid input: api_base must be an http or https URL.");
  if (key == "email" && !is_email(value))
    return mistake("Invalid input: email must be an e-mail address.");
  const auto hidden = [](char c) { return c <= ' ' || c > '~'; };
  if (key == "management_key" && (!value.starts_with(management_prefix) || value.size() < 15 ||
                                  std::any_of(value.begin(), value.end(), hidden)))
    return mistake("Invalid input: management_key must start with \"sk-mgmt-\".");
  return {};
}

}  // namespace

int config_get(Session& session, const Arguments& arguments) {
  const auto& key = arguments.positionals.at(0);
  if (auto known = check_key(key); !known) return session.fail(known.error());
  const auto values = read_values(session, true);
  if (!values) return session.fail(values.error());
  for (const auto& row : *values) {
    if (row.key != key) continue;
    if (session.json())
      session.print_json(Json{{"key", key}, {"value", json_of(row.value)}});
    else
      session.print(credpool_cli::harmless(row.value.value_or("(not set)")) + "\n");
  }
  return 0;
}

int config_set(Session& session, const Arguments& arguments) {
  const auto& key = arguments.positionals.at(0);
  if (auto known = check_key(key); !known) return session.fail(known.error());
  auto value = new_value(arguments);
  if (!value) return session.fail(value.error());
  if (auto good = check_value(key, *value); !good) return session.fail(good.error());
  const auto profiles = ProfileDirectory::open(session);
  if (!profiles) return session.fail(profiles.error());
  auto config = profiles->read();
  if (!config) return session.fail(config.error());
  const bool secret = key == "management_key";
  if (key == "api_base") config->api_base = *value;
  if (key == "email") config->email = *value;
  if (secret) config->management_key = cp::Secret{*value};
  if (auto done = profiles->write(*config); !done) return session.fail(done.error());
  const auto shown = secret ? shown_key(config->management_key, false) : *value;
  cp::wipe(value->data(), value->size());
  if (secret && arguments.positionals.size() > 1)
    session.warn(
        "Other programs could read that key from the command line; leave it out and it is read "
        "from standard input.");
  if (session.json()) session.print_json(Json{{"key", key}, {"value", shown}, {"updated", true}});
  session.success("Config \"" + key + "\" set to \"" + shown + "\".");
  return 0;
}

int config_list(Session& session, const Arguments& arguments) {
  // As JSON it is for programs, which get what they always got.
  const auto values = read_values(session, session.json() || arguments.has("--reveal"));
  if (!values) return session.fail(values.error());
  if (session.json()) {
    const auto value_of = [&](std::string_view key) {
      for (const auto& row : *values)
        if (row.key == key) return json_of(row.value);
      return Json(nullptr);
    };
    session.print_json(Json{{"management_key", value_of("management_key")},
                            {"api_base", value_of("api_base")},
                            {"email", value_of("email")}});
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : *values) rows.push_back({row.key, row.value.value_or("(not set)")});
  session.print(box_table(session.out(), {"Key", "Value"}, rows));
  return 0;
}

int config_show(Session& session, const Arguments& arguments) {
  const auto values = read_values(session, arguments.has("--reveal"));
  if (!values) return session.fail(values.error());
  const auto profiles = ProfileDirectory::open(session);
  if (!profiles) return session.fail(profiles.error());
  const auto name = profiles->name();
  if (!name) return session.fail(name.error());
  Json json{{"profile", *name}};
  std::vector<std::vector<std::string>> rows{{"profile", *name, ""}};
  Json origins = Json::object();
  for (const auto& row : *values) {
    json[row.key] = json_of(row.value);
    origins[row.key] = row.from.empty() ? Json(nullptr) : Json(row.from);
    rows.push_back({row.key, row.value.value_or("(not set)"), row.from});
  }
  json["origins"] = origins;
  if (session.json())
    session.print_json(json);
  else
    session.print(box_table(session.out(), {"Key", "Value", "From"}, rows));
  return 0;
}

int config_reset(Session& session, const Arguments& arguments) {
  const auto profiles = ProfileDirectory::open(session);
  if (!profiles) return session.fail(profiles.error());
  const auto config = profiles->read();
  // A file that cannot be read is no reason not to begin anew: that is what this is for.
  if (!config || !config->management_key.empty()) {
    const auto agreed =
        confirmed(session, arguments, "Reset this profile? Its management key is forgotten.");
    if (!agreed) return session.fail(agreed.error());
    if (!*agreed) return 0;
  }
  if (auto done = profiles->remove_config(); !done) return session.fail(done.error());
  if (session.json()) session.print_json(Json{{"reset", true}});
  session.success("Config reset to defaults.");
  return 0;
}

}  // namespace openclaw_token
