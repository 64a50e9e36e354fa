// SPDX-License-Identifier: MIT
// integrate: a provisioned key as a fallback in OpenClaw's own configuration.

#include "api.hpp"
#include "box_table.hpp"
#include "commands.hpp"
#include "confirmation.hpp"
#include "fault.hpp"
#include "openclaw_config.hpp"
#include "values.hpp"

#include <credpool/account/keys.hpp>
#include <credpool/core/file.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/openclaw_directory.hpp>

#include <algorithm>

namespace openclaw_token {

namespace cp = credpool;
namespace fs = std::filesystem;

namespace {

constexpr const char* key_name = "openclaw-fallback";
const std::vector<std::string> usual_models{"gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5"};

/// OpenClaw's configuration, and what we remember about our change to it.
struct Place {
  fs::path config;
  fs::path memory;
  bool installed = false;
};

cp::Result<Place> find_place(const Session& session, const ProfileDirectory& profiles) {
  const auto folder = profiles.folder();
  if (!folder) return cp::fail(folder.error());
  Place place;
  place.memory = *folder / "integration.json";
  if (session.options().mock) {
    // A made-up OpenClaw: the real one's file is none of the mock's business.
    place.config = profiles.path() / "openclaw.json";
    place.installed = true;
    return place;
  }
  auto config = cp::openclaw_config_path(session.environment());
  if (!config) return cp::fail(config.error());
  place.config = std::move(*config);
  place.installed = session.environment().find_program("openclaw").has_value();
  return place;
}

/// The configuration's text; empty when there is none.
cp::Result<std::string> read_config(const Session& session, const fs::path& path) {
  const auto file = cp::read_file(path, session.environment(), cp::config_file_rules);
  if (!file && file.error().code == cp::Errc::not_found) return std::string{};
  if (!file) return cp::fail(file.error());
  return std::string{file->bytes.reveal()};
}

struct Memory {
  std::string key_hash;
  std::string written;  ///< SHA-256 of the text that we wrote
  std::string backup;   ///< a copy of the text that was there before; empty: there was no file
  bool had_file = false;
  IntegrationTrace trace;
};

Memory read_memory(const Session& session, const fs::path& path) {
  Memory memory;
  const auto file = cp::read_file(path, session.environment());
  if (!file) return memory;
  const auto text = file->bytes.reveal();
  const auto json = Json::parse(text.begin(), text.end(), nullptr, false);
  memory.key_hash = shown(json, "key_hash", "");
  memory.written = shown(json, "written", "");
  memory.backup = shown(json, "backup", "");
  memory.had_file = is_true(json, "had_file");
  memory.trace.model_was_text = is_true(json, "model_was_text");
  if (json.is_object() && json.contains("created") && json["created"].is_array())
    for (const auto& entry : json["created"]) {
      auto& steps = memory.trace.created.emplace_back();
      for (const auto& step : entry)
        if (step.is_string()) steps.push_back(step.get<std::string>());
      if (steps.empty()) memory.trace.created.pop_back();
    }
  return memory;
}

cp::Result<void> write_memory(const fs::path& path, const Memory& memory) {
  if (auto made = cp::make_private_directory(path.parent_path()); !made) return made;
  const Json json{{"key_hash", memory.key_hash},
                  {"written", memory.written},
                  {"backup", memory.backup},
                  {"had_file", memory.had_file},
                  {"model_was_text", memory.trace.model_was_text},
                  {"created", memory.trace.created}};
  return cp::replace_file(path, json.dump(2) + "\n");
}

/// Replaces the configuration, unless somebody else has meanwhile.
cp::Result<void> write_config(const Session& session, const fs::path& path,
                              const std::string& before, const std::string& after) {
  const auto now = read_config(session, path);
  if (!now) return cp::fail(now.error());
  if (*now != before)
    return mistake("OpenClaw's configuration was changed at the same time. Try again.");
  if (auto made = cp::make_private_directory(path.parent_path()); !made) return made;
  return cp::replace_file(path, after, 0600, true);
}

cp::Result<std::string> back_up(const Session& session, const fs::path& path,
                                const std::string& text) {
  auto stamp = session.timestamp();
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':' || c == '.'; });
  const auto backup = path.string() + ".bak-" + stamp;
  // 0600 whatever the original had: keys of other providers are in it.
  if (auto done = cp::replace_file(backup, text, 0600); !done) return cp::fail(done.error());
  return backup;
}

/// Where OpenClaw sends its requests: the API base, which has to end in /v1 for that.
std::string proxy_url(const Effective& effective) {
  const auto& base = effective.api_base.value;
  return base.ends_with("/v1") ? base : base + "/v1";
}

/// A key and its value: a key of its own, or a new value of the one that was named.
cp::Result<Json> obtain_key(Api& api, const Arguments& arguments) {
  if (const auto hash = arguments.value("--key"))
    return api.call(post("/keys/" + url_part(*hash) + "/rotate", Json::object(), true),
                    "Integrating with OpenClaw...");
  const auto create = [&](const std::string& name) {
    return api.call(post("/keys",
                         Json{{"name", name},
                              {"credit_limit", nullptr},
                              {"limit_reset", nullptr},
                              {"expires_at", nullptr}},
                         true),
                    "Integrating with OpenClaw...");
  };
  auto key = create(key_name);
  if (key || code_of(key.error()) != "KEY_NAME_EXISTS") return key;
  // Somebody else's, perhaps of another machine, which goes on using its value.
  const auto id = cp::new_uuid();
  if (!id) return cp::fail(id.error());
  return create(std::string{key_name} + "-" + id->substr(0, 8));
}

/// What to offer when nobody says: of the usual models those that the server has, else what it has.
std::vector<std::string> offered_models(Api& api, const std::string& key) {
  constexpr std::size_t most = 20;
  auto there = api.models(cp::Secret{key});
  if (there.empty()) return usual_models;
  std::vector<std::string> offered;
  for (const auto& model : usual_models)
    if (std::find(there.begin(), there.end(), model) != there.end()) offered.push_back(model);
  if (!offered.empty()) return offered;
  there.resize(std::min(there.size(), most));
  return there;
}

void revoke_again(Api& api, const std::string& hash) {
  ApiCall call;
  call.method = "DELETE";
  call.path = "/keys/" + url_part(hash);
  // Should this fail too, `keys list` shows the key; the error that led here is what counts.
  static_cast<void>(api.call(std::move(call), "Integrating with OpenClaw..."));
}

int show_status(Session& session, const ProfileDirectory& profiles, const Place& place) {
  const auto effective = profiles.effective();
  if (!effective) return session.fail(effective.error());
  const auto text = read_config(session, place.config);
  if (!text) return session.fail(text.error());
  const auto url = text->empty() ? cp::Result<std::optional<std::string>>{std::nullopt}
                                 : integrated_base_url(*text);
  if (!url) return session.fail(url.error());
  const auto shown_url = url->value_or(proxy_url(*effective));
  if (session.json())
    session.print_json(Json{{"installed", place.installed},
                            {"integrated", url->has_value()},
                            {"provider_name", provider_name},
                            {"proxy_url", shown_url}});
  else
    session.print(box_table(session.out(), {"Field", "Value"},
                            {{"OpenClaw Installed", place.installed ? "Yes" : "No"},
                             {"Integrated", *url ? "Yes" : "No"},
                             {"Provider", std::string{provider_name}},
                             {"Proxy URL", shown_url}}));
  return 0;
}

/// The text without our change: the very bytes that were there, where nobody changed it since.
cp::Result<std::string> undone(const Session& session, const std::string& text,
                               const Memory& memory) {
  if (cp::to_hex(cp::sha256(text)) == memory.written && !memory.backup.empty())
    if (auto backup = read_config(session, memory.backup); backup && !backup->empty())
      return backup;
  return remove_integration(text, memory.trace);
}

int remove(Session& session, const Place& place) {
  const auto text = read_config(session, place.config);
  if (!text) return session.fail(text.error());
  const auto memory = read_memory(session, place.memory);
  const auto url = text->empty() ? cp::Result<std::optional<std::string>>{std::nullopt}
                                 : integrated_base_url(*text);
  if (!url) return session.fail(url.error());
  if (url->has_value()) {
    const bool untouched = cp::to_hex(cp::sha256(*text)) == memory.written;
    std::error_code failed;
    if (untouched && !memory.had_file) {
      fs::remove(place.config, failed);
      if (failed)
        return session.fail(
            cp::fail(cp::Errc::io, "removing the configuration we made", place.config.string())
                .error);
    } else {
      const auto after = undone(session, *text, memory);
      if (!after) return session.fail(after.error());
      if (auto done = write_config(session, place.config, *text, *after); !done)
        return session.fail(done.error());
      if (untouched && !memory.backup.empty()) fs::remove(memory.backup, failed);
    }
    // What stays behind of these says nothing without the provider.
    fs::remove(place.memory, failed);
    if (!memory.key_hash.empty())
      session.info("Its key still works. To end it: openclaw-token keys revoke " + memory.key_hash);
  }
  if (session.json()) session.print_json(Json{{"success", true}, {"removed", url->has_value()}});
  session.success(url->has_value() ? "Integration removed from OpenClaw config."
                                   : "There is no integration in OpenClaw's config.");
  return 0;
}

}  // namespace

int integrate(Session& session, const Arguments& arguments) {
  if (arguments.has("--status") || arguments.has("--remove")) {
    const auto profiles = ProfileDirectory::open(session);
    if (!profiles) return session.fail(profiles.error());
    const auto place = find_place(session, *profiles);
    if (!place) return session.fail(place.error());
    return arguments.has("--status") ? show_status(session, *profiles, *place)
                                     : remove(session, *place);
  }

  auto api = Api::open(session);
  if (!api) return session.fail(api.error());
  const auto place = find_place(session, api->profiles());
  if (!place) return session.fail(place.error());
  if (!place->installed)
    return session.fail(
        mistake("OpenClaw CLI not found.", "Install OpenClaw: npm install -g openclaw").error);
  if (const auto hash = arguments.value("--key")) {
    const auto agreed = confirmed(session, arguments,
                                  "Give key " + *hash + " a new value? The old one ends at once.");
    if (!agreed) return session.fail(agreed.error());
    if (!*agreed) return 0;
  }
  const auto given = arguments.options.find("--model");
  auto models = given == arguments.options.end() ? usual_models : given->second;
  const auto url = proxy_url(api->effective());
  const auto text = read_config(session, place->config);
  if (!text) return session.fail(text.error());
  // Before a key is made: whether the file can take it.
  if (auto dry = add_integration(*text, openclaw_provider(url, "dry-run", models), models[0]); !dry)
    return session.fail(dry.error());

  const auto key = obtain_key(*api, arguments);
  if (!key) return session.fail(key.error());
  const auto hash = shown(*key, "hash", "");
  if (given == arguments.options.end()) models = offered_models(*api, shown(*key, "key", ""));
  const auto done = [&]() -> cp::Result<void> {
    auto edited =
        add_integration(*text, openclaw_provider(url, shown(*key, "key", ""), models), models[0]);
    if (!edited) return cp::fail(edited.error());
    Memory memory{hash, cp::to_hex(cp::sha256(edited->text)), {}, !text->empty(), edited->trace};
    // A second integration is undone to before the first.
    const auto earlier = read_memory(session, place->memory);
    const bool again =
        !earlier.written.empty() && integrated_base_url(*text).value_or(std::nullopt);
    if (again) {
      memory.had_file = earlier.had_file;
      memory.trace = earlier.trace;
      if (earlier.written == cp::to_hex(cp::sha256(*text))) memory.backup = earlier.backup;
    }
    if (memory.had_file && memory.backup.empty()) {
      auto backup = back_up(session, place->config, *text);
      if (!backup) return cp::fail(backup.error());
      if (!again) memory.backup = std::move(*backup);
    }
    if (auto kept = write_memory(place->memory, memory); !kept) return kept;
    return write_config(session, place->config, *text, edited->text);
  }();
  if (!done) {
    if (!arguments.has("--key")) revoke_again(*api, hash);
    return session.fail(done.error());
  }
  std::error_code failed;
  const auto mode = fs::status(place->config, failed).permissions();
  if (!failed && (mode & (fs::perms::group_read | fs::perms::others_read)) != fs::perms::none)
    session.warn("Others can read the key there: chmod 600 " + place->config.string());
  if (session.json())
    session.print_json(Json{{"key_hash", hash}, {"provider_name", provider_name}});
  session.success("Integrated! Provider \"" + std::string{provider_name} +
                  "\" injected into OpenClaw fallback chain.");
  if (!session.json()) session.print("Key hash: " + credpool_cli::harmless(hash) + "\n");
  return 0;
}

}  // namespace openclaw_token
