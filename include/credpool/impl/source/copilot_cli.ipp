#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/copilot_cli.hpp>

#include <credpool/impl/source/store_entry.hpp>

#include <set>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A login's name is "<address of the host>:<user>", in the file and in the keyring alike.
struct CopilotCliName {
  std::string_view host;  ///< "https://github.com"
  std::string_view user;

  explicit CopilotCliName(std::string_view name) {
    const auto colon = name.rfind(':');
    const bool scheme_only =
        colon == std::string_view::npos || name.substr(colon).starts_with("://");
    host = scheme_only ? name : name.substr(0, colon);
    user = scheme_only ? std::string_view{} : name.substr(colon + 1);
  }
};

inline Credential copilot_cli_named(Credential credential, const CopilotCliName& name) {
  credential.kind = Kind::token;
  credential.account = name.user;
  const std::string provider{CopilotCli::provider};
  if (!name.user.empty()) credential.profile_id = provider + ":" + std::string{name.user};
  if (constexpr std::string_view scheme = "https://";
      name.host.starts_with(scheme) && name.host != "https://github.com")
    credential.base_url = "https://copilot-api." + std::string{name.host.substr(scheme.size())};
  return credential;
}

inline std::vector<Credential> copilot_cli_logins(const JsonStore& store) {
  const auto entry = [&](std::string pointer) {
    return StoreEntry{CopilotCli::cli, CopilotCli::provider, store.facts, std::move(pointer)};
  };
  std::vector<Credential> found;
  std::set<std::string> in_file;
  for (const std::string_view member_name : {"copilotTokens", "copilot_tokens"}) {
    const auto* tokens = member(store.document, member_name);
    if (tokens == nullptr || !tokens->is_object()) continue;
    for (const auto& [name, value] : tokens->items()) {
      if (!is_safe_token(name)) {
        found.push_back(unusable_entry(entry(pointer_step(member_name)), Reason::malformed,
                                       "the name of a login is not printable ASCII"));
        continue;
      }
      in_file.insert(name);
      const auto token = value.is_string()
                             ? std::optional<std::string_view>{value.get_ref<const std::string&>()}
                             : text_member(value, "token");
      found.push_back(copilot_cli_named(
          token_entry(entry(pointer_step(member_name) + pointer_step(name)), Kind::token, token),
          CopilotCliName{name}));
    }
  }
  const auto* users = member(store.document, "loggedInUsers");
  if (users == nullptr || !users->is_array()) return found;
  for (std::size_t i = 0; i < users->size(); ++i) {
    const auto& user = (*users)[i];
    const auto name =
        std::string{text_or_empty(user, "host")} + ":" + std::string{text_or_empty(user, "login")};
    if (in_file.contains(name)) continue;
    const auto place = entry("/loggedInUsers" + pointer_step(std::to_string(i)));
    if (text_or_empty(user, "login").empty() || !is_safe_token(name)) {
      found.push_back(unusable_entry(place, Reason::malformed, "the user has no host or no login"));
      continue;
    }
    found.push_back(copilot_cli_named(
        unusable_entry(
            place, Reason::in_keyring,
            "kept in the system's keyring under the service \"copilot-cli\", account \"" + name +
                "\""),
        CopilotCliName{name}));
  }
  return found;
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> CopilotCli::locations(
    const Environment& environment) const {
  const auto directory = environment.directory("COPILOT_HOME", ".copilot");
  if (!directory) return {};
  return {*directory / "config.json"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> CopilotCli::discover(
    const Environment& environment) const {
  const auto directory = environment.directory("COPILOT_HOME", ".copilot");
  if (!directory) return fail(directory.error());
  std::vector<Credential> found;
  const auto store = detail::read_json_store(cli, provider, *directory / "config.json", environment,
                                             found, {true});  // the CLI heads it with comments
  if (store) found = detail::copilot_cli_logins(*store);
  merge_same_tokens(found);
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
