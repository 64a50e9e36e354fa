#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/aider.hpp>

#include <credpool/impl/core/yaml.hpp>
#include <credpool/impl/source/store_entry.hpp>
#include <credpool/source/dotenv.hpp>
#include <credpool/source/key_variables.hpp>

#include <algorithm>
#include <set>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Both kinds of files are configuration by size and hold secrets.
inline constexpr FileRules aider_file_rules{config_file_rules.max_bytes, true, true};

/// The directories that aider looks in, the one that wins first; each once.
inline std::vector<std::filesystem::path> aider_directories(const Environment& environment,
                                                            const std::filesystem::path& home) {
  std::vector<std::filesystem::path> directories;
  const auto add = [&](const std::filesystem::path& directory) {
    if (std::find(directories.begin(), directories.end(), directory) == directories.end())
      directories.push_back(directory);
  };
  const auto& here = environment.working_directory();
  if (!here.empty()) add(here);
  for (auto above = here; !above.empty(); above = above.parent_path()) {
    if (environment.exists(
            above / ".git",
            ReadTrace::Of::identity)) {  // else it is no work tree that git could use
      add(above);
      break;
    }
    if (above == above.root_path()) break;
  }
  add(home);
  return directories;
}

/// The keys of one .env file.
/// @param taken the variables that a file before this one has set
inline void aider_env_keys(const FileText& file, std::set<std::string>& taken,
                           std::vector<Credential>& found) {
  for (const auto& [name, value] : parse_dotenv(file.bytes.reveal())) {
    const auto* variable = find_key_variable(name);
    if (variable == nullptr || !variable->read_by(Aider::cli) || value.empty()) continue;
    auto credential =
        token_entry({Aider::cli, variable->provider, file.facts, name}, variable->kind, value);
    credential.profile_id = std::string{variable->provider} + ":" + name;
    credential.places.front().shared = file.facts.path.filename() == ".env";
    if (!taken.insert(name).second && credential.detail.empty())
      credential.detail = "aider takes " + name + " from another .env file";
    found.push_back(std::move(credential));
  }
}

/// One "provider=key" of the option api-key.
inline void aider_listed_key(const FileFacts& facts, std::string pointer, std::string_view text,
                             std::vector<Credential>& found) {
  const auto equals = text.find('=');
  const auto provider = text.substr(0, equals);
  if (equals == std::string_view::npos || !is_safe_token(provider)) {
    found.push_back(unusable_entry({Aider::cli, Aider::provider, facts, std::move(pointer)},
                                   Reason::malformed, "it is not provider=key"));
    return;
  }
  found.push_back(token_entry({Aider::cli, provider, facts, std::move(pointer)}, Kind::api_key,
                              text.substr(equals + 1)));
}

/// The keys of one .aider.conf.yml.
inline void aider_config_keys(const YamlNode& config, const FileFacts& facts,
                              std::vector<Credential>& found) {
  for (const std::string_view provider : {"openai", "anthropic"}) {
    const auto name = std::string{provider} + "-api-key";
    const auto* node = config.member(name);
    if (node == nullptr) continue;
    const bool is_text = node->type == YamlNode::Type::scalar;
    if (is_text && (node->text.empty() || node->text == "null")) continue;  // as in aider's sample
    auto credential =
        token_entry({Aider::cli, provider, facts, pointer_step(name)}, Kind::api_key,
                    is_text ? std::optional<std::string_view>{node->text} : std::nullopt);
    if (const auto base = config.text_of("openai-api-base");
        provider == "openai" && is_safe_token(base))
      credential.base_url = base;
    found.push_back(std::move(credential));
  }
  const auto* keys = config.member("api-key");
  if (keys == nullptr) return;
  if (keys->type == YamlNode::Type::scalar && !keys->text.empty())
    aider_listed_key(facts, "/api-key", keys->text, found);
  for (std::size_t i = 0; i < keys->items.size(); ++i)
    aider_listed_key(facts, "/api-key/" + std::to_string(i), keys->items[i].text, found);
}

inline void aider_config(const std::filesystem::path& path, const Environment& environment,
                         std::vector<Credential>& found) {
  const auto store = read_store(path, environment, aider_file_rules);
  if (store.failure)
    found.push_back(unusable_store(Aider::cli, Aider::provider, path, *store.failure));
  if (!store.text) return;
  const auto config = parse_yaml(store.text->bytes.reveal());
  if (config) return aider_config_keys(*config, store.text->facts, found);
  found.push_back(unusable_store(Aider::cli, Aider::provider, path, config.error()));
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> Aider::locations(
    const Environment& environment) const {
  const auto home = environment.home();
  if (!home) return {};
  const auto directories = detail::aider_directories(environment, *home);
  std::vector<std::filesystem::path> files;
  for (const auto& directory : directories) files.push_back(directory / ".env");
  files.push_back(*home / ".aider/oauth-keys.env");
  for (const auto& directory : directories) files.push_back(directory / ".aider.conf.yml");
  return files;
}

CREDPOOL_INLINE Result<std::vector<Credential>> Aider::discover(
    const Environment& environment) const {
  if (const auto home = environment.home(); !home) return fail(home.error());
  std::vector<Credential> found;
  std::set<std::string> taken;
  for (const auto& path : locations(environment)) {
    if (path.extension() == ".yml") {
      detail::aider_config(path, environment, found);
      continue;
    }
    const auto store = read_store(path, environment, detail::aider_file_rules);
    if (store.failure) found.push_back(unusable_store(cli, provider, path, *store.failure));
    if (store.text) detail::aider_env_keys(*store.text, taken, found);
  }
  merge_same_tokens(found);
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
