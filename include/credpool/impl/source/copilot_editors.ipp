#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/copilot_editors.hpp>

#include <credpool/impl/source/store_entry.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Where Copilot's API is for users of a host; empty for github.com, the provider's own.
inline std::string copilot_api_of(std::string_view host) {
  return host == "github.com" ? std::string{} : "https://copilot-api." + std::string{host};
}

inline Credential copilot_editor_entry(const FileFacts& facts, const std::string& name,
                                       const Json& value) {
  const StoreEntry entry{CopilotEditors::cli, CopilotEditors::provider, facts, pointer_step(name)};
  if (!is_safe_token(name))
    return unusable_entry({entry.cli, entry.provider, facts, {}}, Reason::malformed,
                          "the name of an entry is not printable ASCII");
  // "<host>" or "<host>:<id of the GitHub app>"
  const auto host = std::string_view{name}.substr(0, name.find(':'));
  auto credential = token_entry(entry, Kind::token, text_member(value, "oauth_token"));
  credential.account = text_or_empty(value, "user");
  credential.base_url = copilot_api_of(host);
  if (!credential.account.empty())
    credential.profile_id = std::string{CopilotEditors::provider} + ":" + credential.account;
  return credential;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> CopilotEditors::locations(
    const Environment& environment) const {
  const auto config = environment.config_home();
  if (!config) return {};
  return {*config / "github-copilot/apps.json", *config / "github-copilot/hosts.json"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> CopilotEditors::discover(
    const Environment& environment) const {
  if (const auto config = environment.config_home(); !config) return fail(config.error());
  std::vector<Credential> found;
  for (const auto& path : locations(environment)) {
    const auto store = detail::read_json_store(cli, provider, path, environment, found);
    if (!store) continue;
    for (const auto& [name, value] : store->document.items())
      found.push_back(detail::copilot_editor_entry(store->facts, name, value));
  }
  merge_same_tokens(found);  // a newer plug-in copies the login of hosts.json
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
