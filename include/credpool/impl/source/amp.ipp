#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/amp.hpp>

#include <credpool/impl/source/store_entry.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::vector<std::filesystem::path> Amp::locations(
    const Environment& environment) const {
  const auto data = environment.data_home();
  if (!data) return {};
  return {*data / "amp/secrets.json"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> Amp::discover(
    const Environment& environment) const {
  const auto data = environment.data_home();
  if (!data) return fail(data.error());
  std::vector<Credential> found;
  const auto store =
      detail::read_json_store(cli, provider, *data / "amp/secrets.json", environment, found);
  if (!store) return found;
  constexpr std::string_view prefix = "apiKey@";
  for (const auto& [name, value] : store->document.items()) {
    if (!name.starts_with(prefix)) continue;  // other secrets of Amp, such as those of MCP servers
    const auto server = std::string_view{name}.substr(prefix.size());
    const detail::StoreEntry entry{cli, provider, store->facts, detail::pointer_step(name)};
    if (!is_safe_token(server)) {
      found.push_back(detail::unusable_entry({cli, provider, store->facts, {}}, Reason::malformed,
                                             "a server's address is not printable ASCII"));
      continue;
    }
    auto credential = detail::token_entry(
        entry, Kind::api_key,
        value.is_string() ? std::optional<std::string_view>{value.get_ref<const std::string&>()}
                          : std::nullopt);
    credential.base_url = server;
    if (credential.base_url.ends_with('/')) credential.base_url.pop_back();
    found.push_back(std::move(credential));
  }
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
