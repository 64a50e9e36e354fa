#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/kimi_cli.hpp>

#include <credpool/core/directory_listing.hpp>
#include <credpool/impl/source/kimi_config.hpp>
#include <credpool/impl/source/kimi_login.hpp>
#include <credpool/impl/source/kimi_login_store.hpp>

#include <set>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::vector<std::filesystem::path> KimiCli::locations(
    const Environment& environment) const {
  const auto share = environment.directory("KIMI_SHARE_DIR", ".kimi");
  if (!share) return {};
  auto files = files_ending_in(environment, *share / "credentials", ".json");
  if (files.empty()) files.push_back(*share / "credentials/kimi-code.json");
  files.push_back(*share / "config.toml");
  files.push_back(*share / "config.json");
  return files;
}

namespace detail {

/// The configuration as kimi-cli would see it: config.toml, or the config.json that older versions
/// wrote and that the next start of kimi-cli converts.
struct KimiCliConfig {
  std::optional<FileFacts> facts;
  std::vector<KimiConfigEntry> entries;
};

inline KimiCliConfig read_kimi_cli_config(const std::filesystem::path& share,
                                          const Environment& environment,
                                          std::vector<Credential>& found) {
  KimiCliConfig config;
  for (const std::string_view name : {"config.toml", "config.json"}) {
    const auto path = share / name;
    const auto store = read_store(path, environment, {config_file_rules.max_bytes, true, true});
    if (store.missing()) continue;
    auto table = store.failure ? Result<toml::table>{fail(*store.failure)}
                 : name == "config.toml"
                     ? parse_toml(store.text->bytes.reveal())
                     : parse_json(store.text->bytes.reveal()).and_then([](Json&& document) {
                         return document.is_object()
                                    ? Result<toml::table>{toml_of_json(document)}
                                    : fail(Errc::malformed, "reading a configuration", {},
                                           "it is not an object");
                       });
    if (table) {
      config.facts = store.text->facts;
      config.entries = kimi_config_entries(*table);
    } else {
      found.push_back(unusable_store(KimiCli::cli, KimiCli::provider, path, table.error()));
    }
    break;
  }
  return config;
}

/// A login that an old version put into the system's keyring.
inline Credential kimi_cli_keyring_login(const KimiOauthReference& reference,
                                         const FileFacts& config, std::string_view pointer) {
  auto login = Credential::unusable(
      KimiCli::cli, KimiCli::provider, "keyring:kimi-code/" + reference.key, Reason::in_keyring,
      "kept in the system's keyring (service kimi-code, user " + reference.key +
          "); start kimi-cli once: it moves the login to a file");
  login.places.push_back(place_of(config, KimiCli::cli, pointer));
  return login;
}

/// @source kimi-cli 1.49.0: auth/oauth.py
class KimiCliLoginStore final : public KimiLoginStore {
 public:
  using KimiLoginStore::KimiLoginStore;

  std::string_view cli() const noexcept override { return KimiCli::cli; }
  std::string_view provider() const noexcept override { return KimiCli::provider; }
  Result<std::unique_ptr<StoreLock>> lock_exchange(Duration patience) override {
    auto lock = place();
    return FlockStoreLock::take(lock.replace_extension(".lock"), patience, std::string{cli()});
  }
  /// kimi-cli waits for 5 to 10 s and then refreshes without the lock.
  Duration longest_hold() const noexcept override { return std::chrono::milliseconds{4500}; }

 protected:
  KimiDialect dialect() const noexcept override { return KimiDialect::cli; }
};

}  // namespace detail

CREDPOOL_INLINE Result<std::vector<Credential>> KimiCli::discover(
    const Environment& environment) const {
  const auto share = environment.directory("KIMI_SHARE_DIR", ".kimi");
  if (!share) return fail(share.error());
  std::vector<Credential> from_config;
  const auto config = detail::read_kimi_cli_config(*share, environment, from_config);

  auto oauth_host = environment.variable("KIMI_CODE_OAUTH_HOST");
  if (!oauth_host) oauth_host = environment.variable("KIMI_OAUTH_HOST");
  const auto base_url = environment.variable("KIMI_CODE_BASE_URL");

  const auto directory = *share / "credentials";
  std::vector<Credential> found;
  std::set<std::string> slots;
  const auto files = list_files_ending_in(environment, directory, ".json");
  if (!files) found.push_back(unusable_store(cli, provider, directory, files.error()));
  for (const auto& path : files.value_or(std::vector<std::filesystem::path>{})) {
    const auto slot = path.stem().string();
    slots.insert(slot);
    const auto store = read_store(path, environment);
    if (store.failure) found.push_back(unusable_store(cli, provider, path, *store.failure));
    if (!store.text) continue;
    auto login =
        detail::read_kimi_login(detail::KimiDialect::cli, cli, provider, path, slot, *store.text);
    login.oauth_host = oauth_host.value_or("");
    for (const auto& entry : config.entries)
      if (entry.section == "providers" && entry.oauth &&
          detail::kimi_slot_of_key(entry.oauth->key) == slot)
        login.base_url = entry.base_url;
    if (base_url) login.base_url = *base_url;
    found.push_back(std::move(login));
  }

  for (const auto& entry : config.entries) {
    if (!entry.oauth) continue;
    const auto slot = detail::kimi_slot_of_key(entry.oauth->key);
    if (!slots.insert(slot).second) continue;  // found above, or named before
    const auto pointer = entry.pointer + ".oauth";
    found.push_back(entry.oauth->storage == "keyring"
                        ? detail::kimi_cli_keyring_login(*entry.oauth, *config.facts, pointer)
                        : detail::missing_kimi_login(cli, provider, directory / (slot + ".json"),
                                                     *config.facts, pointer));
  }
  if (config.facts) {
    const auto keys = found.size();
    detail::add_kimi_keys(cli, config.entries, *config.facts, found);
    if (config.facts->path.extension() == ".json")
      for (auto i = keys; i < found.size(); ++i)
        if (found[i].detail.empty())
          found[i].detail =
              "from the legacy config.json, which kimi-cli converts at its next start";
  }
  std::move(from_config.begin(), from_config.end(), std::back_inserter(found));
  return found;
}

CREDPOOL_INLINE Result<std::unique_ptr<LoginStore>> KimiCli::login_store(
    const Credential& credential, const Environment& environment) const {
  const auto share = environment.directory("KIMI_SHARE_DIR", ".kimi");
  if (!share) return fail(share.error());
  return detail::file_login_store<detail::KimiCliLoginStore>(credential, environment,
                                                             {cli, *share / "credentials", {}});
}

}  // namespace credpool::inline CREDPOOL_ABI
