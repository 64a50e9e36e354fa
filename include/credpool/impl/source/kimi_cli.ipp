#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/impl/core/toml.hpp>
#include <credpool/impl/source/kimi_login.hpp>
#include <credpool/source/directory_listing.hpp>
#include <credpool/source/kimi_cli.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::vector<std::filesystem::path> KimiCli::locations(
    const Environment& environment) const {
  const auto share = environment.directory("KIMI_SHARE_DIR", ".kimi");
  if (!share) return {};
  auto files = files_ending_in(*share / "credentials", ".json");
  if (files.empty()) files.push_back(*share / "credentials/kimi-code.json");
  files.push_back(*share / "config.toml");
  return files;
}

namespace detail {

/// The keys of one table of tables: [providers.<name>] or [services.<name>].
inline void kimi_cli_keys(const toml::table& config, std::string_view section,
                          const FileFacts& facts, std::vector<Credential>& found) {
  const auto* entries = config[section].as_table();
  if (entries == nullptr) return;
  for (const auto& [name, entry] : *entries) {
    const auto* table = entry.as_table();
    if (table == nullptr) continue;
    const auto pointer = std::string{section} + "." + std::string{name.str()} + ".api_key";
    const auto* node = table->get("api_key");
    if (node == nullptr) continue;
    const auto key = node->value_exact<std::string>();
    const auto type = (*table)["type"].value_or(std::string{"kimi"});
    const std::string provider = section == "services"          ? "kimi-code"
                                 : type == "kimi"               ? "moonshot"
                                 : type.starts_with("openai")   ? "openai"
                                 : type == "google_genai" || type == "vertexai" ? "gemini"
                                                                : type;
    if (!key) {
      auto broken = Credential::unusable(KimiCli::cli, provider, facts.path.string() + "#" + pointer,
                                         Reason::malformed, pointer + " is not a string");
      broken.kind = Kind::api_key;
      broken.places.push_back(place_of(facts, KimiCli::cli, pointer));
      found.push_back(std::move(broken));
      continue;
    }
    if (key->empty()) continue;
    auto credential = Credential::api_key(KimiCli::cli, provider, Secret{*key});
    set_secret(credential, *key);
    credential.profile_id = provider + ":" + std::string{name.str()};
    credential.base_url = (*table)["base_url"].value_or(std::string{});
    credential.places.push_back(place_of(facts, KimiCli::cli, pointer));
    found.push_back(std::move(credential));
  }
}

}  // namespace detail

CREDPOOL_INLINE Result<std::vector<Credential>> KimiCli::discover(
    const Environment& environment) const {
  const auto share = environment.directory("KIMI_SHARE_DIR", ".kimi");
  if (!share) return fail(share.error());
  std::vector<Credential> found;

  for (const auto& path : files_ending_in(*share / "credentials", ".json")) {
    const auto store = read_store(path, environment);
    if (store.failure) found.push_back(unusable_store(cli, provider, path, *store.failure));
    if (store.text)
      found.push_back(
          detail::read_kimi_login(cli, provider, path, path.stem().string(), *store.text));
  }

  const auto config_path = *share / "config.toml";
  const auto config = read_store(config_path, environment, {config_file_rules.max_bytes, true, true});
  if (config.failure) found.push_back(unusable_store(cli, provider, config_path, *config.failure));
  if (config.text) {
    const auto table = detail::parse_toml(config.text->bytes.reveal());
    if (!table) {
      found.push_back(unusable_store(cli, provider, config_path, table.error()));
    } else {
      detail::kimi_cli_keys(*table, "providers", config.text->facts, found);
      detail::kimi_cli_keys(*table, "services", config.text->facts, found);
    }
  }
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
