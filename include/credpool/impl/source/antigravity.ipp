#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/antigravity.hpp>

#include <credpool/core/iso8601.hpp>
#include <credpool/credential/jwt.hpp>
#include <credpool/impl/source/store_entry.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Credential antigravity_login(const JsonStore& store) {
  const StoreEntry entry{Antigravity::cli, Antigravity::provider, store.facts, {}};
  const auto* token = member(store.document, "token");
  if (token == nullptr || !token->is_object())
    return unusable_entry(entry, Reason::malformed, "there is no token object");
  const auto claims = read_jwt(text_or_empty(store.document, "id_token"));
  auto credential = login_entry(
      entry, {text_member(*token, "access_token"), text_member(*token, "refresh_token")},
      claims ? claims->subject : std::string{});
  set_expiry(credential, parse_iso8601(text_or_empty(*token, "expiry")));
  if (claims) credential.account = claims->email;
  return credential;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> Antigravity::locations(
    const Environment& environment) const {
  const auto home = environment.home();
  if (!home) return {};
  return {*home / ".gemini/antigravity-cli/antigravity-oauth-token"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> Antigravity::discover(
    const Environment& environment) const {
  if (const auto home = environment.home(); !home) return fail(home.error());
  std::vector<Credential> found;
  for (const auto& path : locations(environment))
    if (const auto store = detail::read_json_store(cli, provider, path, environment, found))
      found.push_back(detail::antigravity_login(*store));
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
