#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/proxy/configured_providers.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/source/store_file.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Credential configured_key(const std::string& provider, std::string_view key) {
  constexpr auto cli = ConfiguredProviders::cli;
  if (is_safe_token(key)) return Credential::api_key(cli, provider, Secret{key});
  return Credential::unusable(cli, provider, "providers." + provider, Reason::unsafe_token,
                              "the key has characters that may not stand in a header");
}

inline std::string_view without_blanks(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

inline Credential configured_from_file(const std::string& provider,
                                       const std::filesystem::path& path,
                                       const Environment& environment) {
  constexpr auto cli = ConfiguredProviders::cli;
  const auto store = read_store(path, environment);
  if (store.failure) return unusable_store(cli, provider, path, *store.failure);
  if (store.missing())
    return Credential::unusable(cli, provider, path.string(), Reason::unreadable,
                                "the key's file is not there");
  auto credential = configured_key(provider, without_blanks(store.text->bytes.reveal()));
  credential.places = {place_of(store.text->facts, cli)};
  return credential;
}

inline Credential configured_from_variable(const std::string& provider, const std::string& name,
                                           const Environment& environment) {
  const auto value = environment.variable(name);
  if (value) return configured_key(provider, *value);
  return Credential::unusable(ConfiguredProviders::cli, provider, "providers." + provider,
                              Reason::missing_variable, "the variable " + name + " is not set");
}

}  // namespace detail

CREDPOOL_INLINE Result<std::vector<Credential>> ConfiguredProviders::discover(
    const Environment& environment) const {
  std::vector<Credential> found;
  for (const auto& [name, settings] : providers) {
    auto credential = !settings.key_variable.empty() ? detail::configured_from_variable(
                                                           name, settings.key_variable, environment)
                      : !settings.key_file.empty()
                          ? detail::configured_from_file(name, settings.key_file, environment)
                          : detail::configured_key(name, "none");
    credential.kind = Kind::api_key;
    credential.base_url = settings.base_url;
    if (credential.places.empty())
      credential.places.push_back(settings.key_variable.empty()
                                      ? Place{"providers." + name, {}}
                                      : Place{"env:" + settings.key_variable, {}});
    for (auto& place : credential.places) place.cli = cli;
    found.push_back(std::move(credential));
  }
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
