#pragma once
// SPDX-License-Identifier: MIT

// The configuration that kimi-cli and Kimi Code share: [providers.*] and [services.*].
// Internal: included by kimi_cli.ipp and kimi_code.ipp.

#include <credpool/impl/core/json.hpp>
#include <credpool/impl/core/toml.hpp>
#include <credpool/source/key_variables.hpp>
#include <credpool/source/store_file.hpp>

#include <algorithm>
#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A reference to a login: [providers.<name>.oauth].
struct KimiOauthReference {
  std::string storage;     ///< "file", or the legacy "keyring"
  std::string key;         ///< "oauth/<slot>"
  std::string oauth_host;  ///< Kimi Code only; may be empty
};

/// One table of [providers] or [services].
struct KimiConfigEntry {
  std::string section;
  std::string name;
  std::string pointer;  ///< TOML key of the entry: providers."a.b"
  std::string type;
  std::string base_url;
  std::string api_key;       ///< empty when there is none
  std::string api_key_from;  ///< the key below the entry that holds it
  std::string wrong_type;    ///< the key below the entry that should be a string and is not
  std::optional<KimiOauthReference> oauth;
};

/// The name as a TOML key: quoted unless it is a bare key.
inline std::string toml_key(std::string_view name) {
  const auto bare = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  if (!name.empty() && std::all_of(name.begin(), name.end(), bare)) return std::string{name};
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + '"';
}

inline std::string toml_text(const toml::table& table, std::string_view key) {
  return table[key].value_or(std::string{});
}

/// What the legacy config.json says, as if it stood in config.toml. Only text matters here; any
/// other value becomes `false`, which is text nowhere.
inline toml::table toml_of_json(const Json& object) {
  toml::table table;
  for (const auto& [name, value] : object.items()) {
    if (value.is_object()) {
      table.insert(name, toml_of_json(value));
    } else if (value.is_string()) {
      table.insert(name, value.get_ref<const std::string&>());
    } else if (!value.is_null()) {
      table.insert(name, false);
    }
  }
  return table;
}

/// Reads one entry. `env_key` names a key of its `env` table that serves when api_key is not set.
inline KimiConfigEntry kimi_config_entry(std::string_view section, std::string_view name,
                                         const toml::table& table, std::string_view env_key) {
  KimiConfigEntry entry;
  entry.section = section;
  entry.name = name;
  entry.pointer = entry.section + '.' + toml_key(name);
  entry.type = toml_text(table, "type");
  entry.base_url = toml_text(table, "base_url");
  const auto take_key = [&](const toml::node* node, std::string from) {
    if (node == nullptr || !entry.api_key.empty()) return;
    const auto text = node->value_exact<std::string>();
    if (!text) {
      entry.wrong_type = std::move(from);
    } else if (!text->empty()) {
      entry.api_key = *text;
      entry.api_key_from = std::move(from);
    }
  };
  take_key(table.get("api_key"), "api_key");
  if (const auto* variables = table["env"].as_table(); variables != nullptr && !env_key.empty())
    take_key(variables->get(env_key), "env." + std::string{env_key});
  if (const auto* oauth = table["oauth"].as_table())
    entry.oauth = KimiOauthReference{toml_text(*oauth, "storage"), toml_text(*oauth, "key"),
                                     toml_text(*oauth, "oauth_host")};
  return entry;
}

inline std::vector<KimiConfigEntry> kimi_config_entries(const toml::table& config,
                                                        std::string_view env_key = {}) {
  std::vector<KimiConfigEntry> entries;
  for (const std::string_view section : {"providers", "services"}) {
    const auto* tables = config[section].as_table();
    if (tables == nullptr) continue;
    for (const auto& [name, node] : *tables)
      if (const auto* table = node.as_table())
        entries.push_back(kimi_config_entry(section, name.str(), *table, env_key));
  }
  return entries;
}

/// Whose key it is. A "kimi" entry serves the coding plan and the open platform alike: the address
/// tells which. Where it does not tell, it is the coding plan, as for the variable KIMI_API_KEY.
inline std::string kimi_key_provider(std::string_view section, std::string_view type,
                                     std::string_view base_url) {
  if (const auto told = provider_of_base_url(base_url); !told.empty()) return std::string{told};
  if (section == "services" || type.empty() || type == "kimi")
    return std::string{find_key_variable("KIMI_API_KEY")->provider};
  if (type.starts_with("openai")) return "openai";
  if (type == "google_genai" || type == "vertexai") return "gemini";
  return std::string{type};
}

/// The API keys of the entries, and those that have the wrong type.
inline void add_kimi_keys(std::string_view cli, const std::vector<KimiConfigEntry>& entries,
                          const FileFacts& facts, std::vector<Credential>& found) {
  for (const auto& entry : entries) {
    const auto provider = kimi_key_provider(entry.section, entry.type, entry.base_url);
    if (!entry.api_key.empty()) {
      auto key = Credential::api_key(cli, provider, Secret{entry.api_key});
      set_secret(key, entry.api_key);
      key.profile_id = provider + ':' + entry.name;
      key.base_url = entry.base_url;
      key.places.push_back(place_of(facts, cli, entry.pointer + '.' + entry.api_key_from));
      found.push_back(std::move(key));
    } else if (!entry.wrong_type.empty()) {
      const auto pointer = entry.pointer + '.' + entry.wrong_type;
      auto broken = Credential::unusable(cli, provider, facts.path.string() + '#' + pointer,
                                         Reason::malformed, "the key is not a string");
      broken.kind = Kind::api_key;
      broken.profile_id = provider + ':' + entry.name;
      broken.places.push_back(place_of(facts, cli, pointer));
      found.push_back(std::move(broken));
    }
  }
}

/// The file name, without ".json", that a login's key stands for: its last segment.
inline std::string kimi_slot_of_key(std::string_view key) {
  if (key.empty()) return "kimi-code";
  return std::string{key.substr(key.rfind('/') + 1)};
}

/// A login that the configuration refers to and that is not in its file.
inline Credential missing_kimi_login(std::string_view cli, std::string_view provider,
                                     const std::filesystem::path& file, const FileFacts& config,
                                     std::string_view pointer) {
  auto login = Credential::unusable(cli, provider, file.string(), Reason::signed_out,
                                    "the configuration refers to a login whose file is not there; "
                                    "log in again");
  login.ownership = Ownership::co_own;
  login.places.push_back(place_of(config, cli, pointer));
  return login;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
