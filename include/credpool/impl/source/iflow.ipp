#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/iflow.hpp>

#include <credpool/impl/source/store_entry.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The key at one member, when it is there at all.
inline void iflow_key(const JsonStore& store, std::string_view name,
                      std::vector<Credential>& found) {
  const auto* value = member(store.document, name);
  if (value == nullptr) return;
  auto credential = token_entry({Iflow::cli, Iflow::provider, store.facts, pointer_step(name)},
                                Kind::api_key, text_member(store.document, name));
  const auto base_url = text_or_empty(store.document, "baseUrl");
  if (is_safe_token(base_url)) credential.base_url = base_url;
  found.push_back(std::move(credential));
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> Iflow::locations(
    const Environment& environment) const {
  const auto home = environment.home();
  if (!home) return {};
  const auto directory = *home / ".iflow";
  return {directory / "oauth_creds.json", directory / "iflow_accounts.json",
          directory / "settings.json"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> Iflow::discover(
    const Environment& environment) const {
  if (const auto home = environment.home(); !home) return fail(home.error());
  const auto files = locations(environment);
  std::vector<Credential> found;
  if (const auto store = detail::read_json_store(cli, provider, files[0], environment, found)) {
    auto login = detail::login_entry({cli, provider, store->facts, {}},
                                     {detail::text_member(store->document, "access_token"),
                                      detail::text_member(store->document, "refresh_token")});
    detail::set_expiry(login, detail::epoch_member(store->document, "expiry_date"));
    found.push_back(std::move(login));
    detail::iflow_key(*store, "apiKey", found);
  }
  if (const auto store = detail::read_json_store(cli, provider, files[1], environment, found))
    detail::iflow_key(*store, "iflowApiKey", found);
  if (const auto store =
          detail::read_json_store(cli, provider, files[2], environment, found, {true}))
    detail::iflow_key(*store, "apiKey", found);
  merge_same_tokens(found);
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
