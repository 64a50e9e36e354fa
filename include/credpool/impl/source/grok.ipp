#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/grok.hpp>

#include <credpool/core/iso8601.hpp>
#include <credpool/impl/source/store_entry.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Credential grok_login(const FileFacts& facts, const std::string& name, const Json& value) {
  const StoreEntry entry{Grok::cli, Grok::provider, facts, pointer_step(name)};
  if (!is_safe_token(name))
    return unusable_entry({entry.cli, entry.provider, facts, {}}, Reason::malformed,
                          "the name of an entry is not printable ASCII");
  if (!value.is_object())
    return unusable_entry(entry, Reason::malformed, "the entry is not an object");
  auto credential =
      login_entry(entry, {text_member(value, "key"), text_member(value, "refresh_token")});
  set_expiry(credential, parse_iso8601(text_or_empty(value, "expires_at")));
  credential.account = text_or_empty(value, "email");
  if (!credential.account.empty())
    credential.profile_id = std::string{Grok::provider} + ":" + credential.account;
  return credential;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> Grok::locations(
    const Environment& environment) const {
  const auto directory = environment.directory("GROK_HOME", ".grok");
  if (!directory) return {};
  return {*directory / "auth.json"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> Grok::discover(
    const Environment& environment) const {
  const auto directory = environment.directory("GROK_HOME", ".grok");
  if (!directory) return fail(directory.error());
  std::vector<Credential> found;
  const auto store =
      detail::read_json_store(cli, provider, *directory / "auth.json", environment, found);
  if (!store) return found;
  for (const auto& [name, value] : store->document.items())
    found.push_back(detail::grok_login(store->facts, name, value));
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
