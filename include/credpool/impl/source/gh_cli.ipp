#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/gh_cli.hpp>

#include <credpool/impl/core/yaml.hpp>
#include <credpool/impl/source/store_entry.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Result<std::filesystem::path> gh_directory(const Environment& environment) {
  if (const auto given = environment.variable("GH_CONFIG_DIR")) return environment.expand(*given);
  return environment.config_home().transform([](auto config) { return config / "gh"; });
}

/// Where the API of a host is; empty for github.com, which is the provider's own.
inline std::string gh_api_of(std::string_view host) {
  if (host == "github.com") return {};
  if (host.ends_with(".ghe.com")) return "https://api." + std::string{host};
  return "https://" + std::string{host} + "/api/v3";
}

/// One user of one host: the token at `pointer`, or that it is in the keyring.
inline Credential gh_token(const FileFacts& facts, const std::string& host, std::string_view user,
                           std::string pointer, const YamlNode* token) {
  const bool is_text = token == nullptr || token->type == YamlNode::Type::scalar;
  const bool absent = token == nullptr || (is_text && token->text.empty());
  StoreEntry entry{GhCli::cli, GhCli::provider, facts, std::move(pointer)};
  auto credential =
      absent ? unusable_entry(entry, Reason::in_keyring,
                              "kept in the system's keyring under the service \"gh:" + host +
                                  "\"; gh auth token shows it")
             : token_entry(entry, Kind::token,
                           is_text ? std::optional<std::string_view>{token->text} : std::nullopt);
  credential.kind = Kind::token;
  credential.account = user;
  credential.base_url = gh_api_of(host);
  const std::string label = user.empty() ? "default" : std::string{user};
  credential.profile_id =
      std::string{GhCli::provider} + ":" + (host == "github.com" ? label : host + "/" + label);
  return credential;
}

inline void gh_host(const FileFacts& facts, const std::string& host, const YamlNode& value,
                    std::vector<Credential>& found) {
  // Names are shown and become part of an address: nothing that could steer a terminal.
  if (!is_safe_token(host)) {
    found.push_back(unusable_entry({GhCli::cli, GhCli::provider, facts, {}}, Reason::malformed,
                                   "a host's name is not printable ASCII"));
    return;
  }
  const auto pointer = pointer_step(host);
  if (value.type != YamlNode::Type::mapping) {
    if (value.type == YamlNode::Type::scalar && value.text.empty()) return;  // a host without login
    found.push_back(unusable_entry({GhCli::cli, GhCli::provider, facts, pointer}, Reason::malformed,
                                   "the host is not a mapping"));
    return;
  }
  const auto* users = value.member("users");
  const bool has_users = users != nullptr && !users->keys.empty();
  if (has_users)
    for (std::size_t i = 0; i < users->keys.size(); ++i) {
      const auto& user = users->keys[i];
      if (!is_safe_token(user)) {
        found.push_back(unusable_entry({GhCli::cli, GhCli::provider, facts, pointer + "/users"},
                                       Reason::malformed, "a user's name is not printable ASCII"));
        continue;
      }
      found.push_back(gh_token(facts, host, user,
                               pointer + "/users" + pointer_step(user) + "/oauth_token",
                               users->items[i].member("oauth_token")));
    }
  // The active user's token once more; all there is in files of gh before 2.40.
  const auto* token = value.member("oauth_token");
  const auto user = value.text_of("user");
  const bool absent =
      token == nullptr || (token->type == YamlNode::Type::scalar && token->text.empty());
  if (!absent || !has_users)
    found.push_back(gh_token(facts, host, is_safe_token(user) ? user : std::string_view{},
                             pointer + "/oauth_token", token));
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> GhCli::locations(
    const Environment& environment) const {
  const auto directory = detail::gh_directory(environment);
  if (!directory) return {};
  return {*directory / "hosts.yml"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> GhCli::discover(
    const Environment& environment) const {
  const auto directory = detail::gh_directory(environment);
  if (!directory) return fail(directory.error());
  std::vector<Credential> found;
  const auto path = *directory / "hosts.yml";
  const auto store = read_store(path, environment);
  if (store.failure) found.push_back(unusable_store(cli, provider, path, *store.failure));
  if (!store.text) return found;

  const auto hosts = detail::parse_yaml(store.text->bytes.reveal());
  if (!hosts) {
    found.push_back(unusable_store(cli, provider, path, hosts.error()));
  } else if (hosts->type == detail::YamlNode::Type::mapping) {
    for (std::size_t i = 0; i < hosts->keys.size(); ++i)
      detail::gh_host(store.text->facts, hosts->keys[i], hosts->items[i], found);
  } else if (hosts->type != detail::YamlNode::Type::scalar || !hosts->text.empty()) {
    found.push_back(unusable_store(
        cli, provider, path,
        fail(Errc::malformed, "reading the logins of gh", "it is not a mapping").error));
  }
  merge_same_tokens(found);
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
