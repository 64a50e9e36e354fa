#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/kimi_code.hpp>

#include <credpool/core/directory_listing.hpp>
#include <credpool/impl/source/kimi_config.hpp>
#include <credpool/impl/source/kimi_login.hpp>
#include <credpool/impl/source/kimi_login_store.hpp>

#include <iterator>
#include <map>
#include <set>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline constexpr std::string_view kimi_mainland_host = "https://auth.kimi.com";
inline constexpr std::string_view kimi_mainland_base = "https://api.kimi.com/coding/v1";
inline constexpr std::string_view kimi_global_host = "https://auth.kimi.ai";
inline constexpr std::string_view kimi_global_base = "https://api.kimi.ai/coding/v1";

inline std::string without_trailing_slashes(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string{url};
}

/// The two servers that a slot stands for.
struct KimiServers {
  std::string oauth_host;
  std::string base_url;
};

/// Which servers this machine may have logged in to, and which pair its CLI would use now.
struct KimiServerGuess {
  std::map<std::string, KimiServers> by_slot;
  std::string current_slot;
};

/// The pairs of every host and every base that the environment, the configuration and the product
/// name: the slot is a hash, so that a wrong pair matches nothing.
inline KimiServerGuess kimi_servers(const Environment& environment,
                                    const std::vector<KimiConfigEntry>& entries, bool global) {
  auto host = environment.variable("KIMI_CODE_OAUTH_HOST");
  if (!host) host = environment.variable("KIMI_OAUTH_HOST");
  auto base = environment.variable("KIMI_CODE_BASE_URL");
  std::set<std::string> hosts{std::string{kimi_mainland_host}, std::string{kimi_global_host}};
  std::set<std::string> bases{std::string{kimi_mainland_base}, std::string{kimi_global_base}};
  if (host) hosts.insert(without_trailing_slashes(*host));
  if (base) bases.insert(without_trailing_slashes(*base));
  for (const auto& entry : entries) {
    if (!entry.oauth) continue;
    if (!entry.oauth->oauth_host.empty()) {
      hosts.insert(without_trailing_slashes(entry.oauth->oauth_host));
      if (!host) host = entry.oauth->oauth_host;
    }
    if (!entry.base_url.empty() && entry.section == "providers") {
      bases.insert(without_trailing_slashes(entry.base_url));
      if (!base) base = entry.base_url;
    }
  }
  KimiServerGuess guess;
  for (const auto& a_host : hosts)
    for (const auto& a_base : bases)
      guess.by_slot.emplace(kimi_code_slot(a_host, a_base), KimiServers{a_host, a_base});
  guess.current_slot =
      kimi_code_slot(host.value_or(std::string{global ? kimi_global_host : kimi_mainland_host}),
                     base.value_or(std::string{global ? kimi_global_base : kimi_mainland_base}));
  return guess;
}

/// Whether the region file says that this installation uses the servers outside mainland China.
inline bool kimi_region_is_global(const std::filesystem::path& home,
                                  const Environment& environment) {
  const auto region = read_store(home / "region", environment, {64, true, false});
  return region.text && region.text->bytes.reveal().starts_with("global");
}

/// Binds a login to the servers of its slot.
inline void set_kimi_servers(Credential& login, const KimiServerGuess& guess,
                             const std::string& slot) {
  const auto servers = guess.by_slot.find(slot);
  if (servers != guess.by_slot.end()) {
    login.oauth_host = servers->second.oauth_host;
    login.base_url = servers->second.base_url;
    return;
  }
  if (login.status != Status::active) return;
  login.ownership = Ownership::borrow;
  login.status = Status::invalid;
  login.reason = Reason::missing_variable;
  login.detail =
      "its servers are not known here: set KIMI_CODE_OAUTH_HOST and KIMI_CODE_BASE_URL as they "
      "were "
      "when it was made";
}

/// Gives the providers of type "kimi" that name no address the one where the CLI uses them.
/// @source kimi-code 2.1.0
inline void add_kimi_code_addresses(std::vector<KimiConfigEntry>& entries) {
  for (auto& entry : entries)
    if (entry.section == "providers" && entry.base_url.empty() &&
        (entry.type.empty() || entry.type == "kimi"))
      entry.base_url = "https://api.moonshot.ai/v1";
}

/// The key that Kimi Code takes from the environment, if it is there.
inline std::optional<Credential> kimi_code_environment_key(const Environment& environment) {
  const auto key = environment.variable("KIMI_MODEL_API_KEY");
  if (!key) return std::nullopt;
  const auto base = environment.variable("KIMI_MODEL_BASE_URL");
  const auto provider = kimi_key_provider("providers", "kimi", base.value_or(""));
  auto credential = Credential::api_key(KimiCode::cli, provider, Secret{*key});
  credential.profile_id = provider + ":environment";
  credential.base_url = base.value_or("");
  set_secret(credential, *key);
  if (!base || !environment.variable("KIMI_MODEL_NAME")) {
    credential.secret = Secret{};
    credential.status = Status::invalid;
    credential.reason = Reason::missing_variable;
    credential.detail =
        "the CLI ignores it: it counts only with KIMI_MODEL_NAME and KIMI_MODEL_BASE_URL";
  }
  Place place{"env:KIMI_MODEL_API_KEY", "KIMI_MODEL_API_KEY"};
  place.cli = KimiCode::cli;
  credential.places.push_back(std::move(place));
  return credential;
}

/// @source kimi-code 2.1.0: packages/oauth
class KimiCodeLoginStore final : public KimiLoginStore {
 public:
  using KimiLoginStore::KimiLoginStore;

  std::string_view cli() const noexcept override { return KimiCode::cli; }
  std::string_view provider() const noexcept override { return KimiCode::provider; }
  Result<std::unique_ptr<StoreLock>> lock_exchange(Duration patience) override {
    if (environment().variable("KIMI_DISABLE_OAUTH_LOCK") == "1") return nullptr;
    const auto directory = place().parent_path().parent_path() / "oauth";
    if (auto made = make_private_directory(directory); !made) return fail(std::move(made).error());
    using namespace std::chrono;
    return DirectoryStoreLock::take(directory / (place().stem().string() + ".lock"),
                                    {std::string{cli()}, seconds{5}, seconds{1}}, patience);
  }
  /// The lock is kept alive while it is held; Kimi Code waits for it for 60 s and then fails.
  Duration longest_hold() const noexcept override { return std::chrono::seconds{30}; }

 protected:
  KimiDialect dialect() const noexcept override { return KimiDialect::code; }
};

}  // namespace detail

CREDPOOL_INLINE std::string kimi_code_slot(std::string_view oauth_host, std::string_view base_url) {
  const auto host = detail::without_trailing_slashes(oauth_host);
  const auto base = detail::without_trailing_slashes(base_url);
  if (host == detail::kimi_mainland_host && base == detail::kimi_mainland_base) return "kimi-code";
  const detail::Json quoted_host = host;
  const detail::Json quoted_base = base;
  const auto digest = sha256(R"({"oauthHost":)" + detail::dump_json(quoted_host) +
                             R"(,"baseUrl":)" + detail::dump_json(quoted_base) + "}");
  return "kimi-code-env-" + to_hex(digest).substr(0, 16);
}

CREDPOOL_INLINE std::vector<std::filesystem::path> KimiCode::locations(
    const Environment& environment) const {
  const auto home = environment.directory("KIMI_CODE_HOME", ".kimi-code");
  if (!home) return {};
  auto files = files_ending_in(environment, *home / "credentials", ".json");
  if (files.empty()) files.push_back(*home / "credentials/kimi-code.json");
  files.push_back(*home / "config.toml");
  return files;
}

CREDPOOL_INLINE Result<std::vector<Credential>> KimiCode::discover(
    const Environment& environment) const {
  const auto home = environment.directory("KIMI_CODE_HOME", ".kimi-code");
  if (!home) return fail(home.error());

  const auto config_path = *home / "config.toml";
  const auto config =
      read_store(config_path, environment, {config_file_rules.max_bytes, true, true});
  std::vector<detail::KimiConfigEntry> entries;
  std::optional<Error> config_failure = config.failure;
  if (config.text) {
    const auto table = detail::parse_toml(config.text->bytes.reveal());
    if (table) {
      entries = detail::kimi_config_entries(*table, "KIMI_API_KEY");
    } else {
      config_failure = table.error();
    }
  }
  const auto servers =
      detail::kimi_servers(environment, entries, detail::kimi_region_is_global(*home, environment));

  const auto directory = *home / "credentials";
  std::vector<Credential> found;
  bool current_found = false;
  const auto files = list_files_ending_in(environment, directory, ".json");
  if (!files) found.push_back(unusable_store(cli, provider, directory, files.error()));
  for (const auto& path : files.value_or(std::vector<std::filesystem::path>{})) {
    const auto slot = path.stem().string();
    current_found = current_found || slot == servers.current_slot;
    const auto store = read_store(path, environment);
    if (store.failure) found.push_back(unusable_store(cli, provider, path, *store.failure));
    if (!store.text) continue;
    auto login =
        detail::read_kimi_login(detail::KimiDialect::code, cli, provider, path, slot, *store.text);
    detail::set_kimi_servers(login, servers, slot);
    found.push_back(std::move(login));
  }

  const auto reference = std::find_if(entries.begin(), entries.end(),
                                      [](const auto& entry) { return entry.oauth.has_value(); });
  if (reference != entries.end() && files && !current_found)
    found.push_back(detail::missing_kimi_login(cli, provider,
                                               directory / (servers.current_slot + ".json"),
                                               config.text->facts, reference->pointer + ".oauth"));
  if (config_failure) found.push_back(unusable_store(cli, provider, config_path, *config_failure));
  if (config.text && !config_failure) {
    detail::add_kimi_code_addresses(entries);
    detail::add_kimi_keys(cli, entries, config.text->facts, found);
  }
  if (auto key = detail::kimi_code_environment_key(environment)) found.push_back(std::move(*key));
  return found;
}

CREDPOOL_INLINE Result<std::unique_ptr<LoginStore>> KimiCode::login_store(
    const Credential& credential, const Environment& environment) const {
  const auto home = environment.directory("KIMI_CODE_HOME", ".kimi-code");
  if (!home) return fail(home.error());
  return detail::file_login_store<detail::KimiCodeLoginStore>(credential, environment,
                                                              {cli, *home / "credentials", {}});
}

}  // namespace credpool::inline CREDPOOL_ABI
