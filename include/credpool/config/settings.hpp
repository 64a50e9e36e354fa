#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/provider_settings.hpp>
#include <credpool/config/proxy_settings.hpp>
#include <credpool/core/safe_url.hpp>
#include <credpool/core/version.hpp>
#include <credpool/credential/kind.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Whether that names a shared store: `postgresql://...` without a password in it, since it stands
/// in command lines and configuration files (PGPASSFILE and PGSERVICE keep passwords).
bool is_safe_store_address(std::string_view address) noexcept;

/// What the user decided about one CLI's logins.
struct CliSourceSettings {
  bool enabled = true;
  int priority = 10;  ///< a lower number is used first
};

/// Whether a provider's credentials may be used.
enum class ProviderUse {
  allow,
  ask,  ///< only after a person agreed
  forbid,
};

/// How strongly a session stays with its credential.
enum class AffinityMode { none, soft, hard };

/// How many requests one credential serves at the same time.
enum class AdmissionMode { unlimited, fixed, aimd };

std::string_view to_string(ProviderUse use) noexcept;
std::string_view to_string(AffinityMode mode) noexcept;
std::string_view to_string(AdmissionMode mode) noexcept;

/// Where a provider's OAuth server is, and who we are to it; what is empty is up to the provider.
struct OAuthServerSettings {
  std::string token_url;
  std::string device_url;     ///< device authorization endpoint (RFC 8628)
  std::string authorize_url;  ///< authorization endpoint, for the browser
  std::string client_id;
  std::filesystem::path client_secret_file;  ///< of an installed application; holds nothing else
};

/// The settings in effect, every one with a default. docs/configuration.md describes each.
struct Settings {
  template <class T> using ByName = std::map<std::string, T, std::less<>>;

  bool enabled = true;
  bool scan_on_startup = true;
  bool auto_import = true;
  bool validate_tokens = true;
  std::string rotation_strategy = "round-robin";
  ByName<CliSourceSettings> cli_sources = {{"kimi-cli", {true, 1}},
                                           {"codex-cli", {true, 2}},
                                           {"qwen-cli", {true, 3}},
                                           {"gemini-cli", {true, 4}}};
  ByName<std::string> base_urls;  ///< by provider
  ByName<ProviderUse> policy;     ///< by provider
  ByName<Ownership> ownership;    ///< by profile id or CLI; what is not here is up to the source
  ByName<OAuthServerSettings> oauth;        ///< by provider
  ByName<double> weights;                   ///< by profile id or CLI; what is not here weighs 1
  ByName<std::vector<std::string>> models;  ///< by provider; what is not here serves every model
  /// By provider: the profiles that may serve, best first; what is not here has no order.
  ByName<std::vector<std::string>> order;
  /// How long a credential rests after its first, second, ... rate limit without a stated end.
  std::vector<std::chrono::seconds> cooldown_ladder = {
      std::chrono::minutes{1}, std::chrono::minutes{5}, std::chrono::minutes{25},
      std::chrono::minutes{60}};
  AffinityMode affinity_mode = AffinityMode::soft;
  double affinity_load_factor = 1.25;
  AdmissionMode admission_mode = AdmissionMode::unlimited;
  int admission_limit = 0;  ///< with AdmissionMode::fixed
  std::string store;        ///< PostgreSQL that several hosts share; empty: this host only
  std::filesystem::path history_path;     ///< empty: the default place
  std::filesystem::path state_directory;  ///< empty: the default place
  ByName<ProviderSettings> providers;     ///< those that the user added
  ProxySettings proxy;                    ///< of `credpool serve`

  /// What holds for that CLI, named or not.
  CliSourceSettings cli_source(std::string_view cli) const;
  /// Whether a provider may be used; what is not named is allowed.
  ProviderUse provider_use(std::string_view provider) const;
};

/// One key of the configuration, for documentation and for suggestions. "*" stands for any name.
struct SettingKey {
  std::string_view path;      ///< "cliSources.*.enabled"
  std::string_view type;      ///< "true or false", for a person
  std::string_view fallback;  ///< the default as JSON; empty when there is none
  std::string_view meaning;   ///< one sentence
};

/// Every key that may be written, in the order of the documentation.
std::span<const SettingKey> settings_schema() noexcept;

/// The names `rotationStrategy` may have.
std::span<const std::string_view> rotation_strategy_names() noexcept;

/// One effective setting and where it comes from.
struct SettingRow {
  std::string path;    ///< "cliSources.kimi-cli.enabled"
  std::string value;   ///< as JSON
  std::string origin;  ///< "<file>:<line>:<column>", "env:<variable>" or "default"
};

/// The candidate that is most like `name`: at most two slips away (a letter too many, missing,
/// wrong, or two swapped), and at most a third of its length.
/// @return none when nothing is that close
std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> candidates);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/config/settings.ipp>
#endif
