#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/opencode.hpp>

#include <credpool/impl/source/store_entry.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Credential opencode_login(const StoreEntry& entry, const Json& value) {
  const auto account = text_or_empty(value, "accountId");
  auto credential =
      login_entry(entry, {text_member(value, "access"), text_member(value, "refresh")}, account);
  credential.account = account;
  credential.account_id = account;
  // A GitHub token has no end; opencode writes 0 for that.
  const auto* expires = member(value, "expires");
  const bool endless = entry.provider.starts_with("github-copilot") && expires != nullptr &&
                       expires->is_number() && number_of(*expires) == 0.0;
  if (!endless) set_expiry(credential, epoch_member(value, "expires"));
  if (credential.detail.empty())
    credential.detail = "opencode's own copy of a single-use login: only opencode refreshes it";
  return credential;
}

inline Credential opencode_entry(const FileFacts& facts, const std::string& id, const Json& value) {
  const StoreEntry entry{Opencode::cli, id, facts, pointer_step(id)};
  if (!value.is_object())
    return unusable_entry(entry, Reason::malformed, "the entry is not an object");
  const auto type = text_or_empty(value, "type");
  if (type == "oauth") return opencode_login(entry, value);
  if (type == "api") return token_entry(entry, Kind::api_key, text_member(value, "key"));
  // "key" is the name of the variable that opencode puts the token in.
  if (type == "wellknown") return token_entry(entry, Kind::token, text_member(value, "token"));
  return unusable_entry(entry, Reason::unknown_mode, "opencode ignores entries of this type");
}

/// Reads one auth.json.
/// @param facts where the text stands; its path is "env:..." for a variable
inline void read_opencode(std::string_view text, const FileFacts& facts,
                          std::vector<Credential>& found) {
  auto document = parse_json(text);
  if (document && !document->is_object())
    document = fail(Errc::malformed, "reading the logins of opencode", "it is not an object");
  if (!document) {
    found.push_back(
        unusable_store(Opencode::cli, Opencode::provider, facts.path, document.error()));
    return;
  }
  for (const auto& [id, value] : document->items()) {
    // The id becomes a provider's name, which is shown: nothing that could steer a terminal.
    if (is_safe_token(id) && id.size() <= 256) {
      found.push_back(opencode_entry(facts, id, value));
    } else {
      found.push_back(unusable_entry({Opencode::cli, Opencode::provider, facts, {}},
                                     Reason::malformed, "a provider's id is not printable ASCII"));
    }
  }
}

}  // namespace detail

CREDPOOL_INLINE std::vector<std::filesystem::path> Opencode::locations(
    const Environment& environment) const {
  const auto data = environment.data_home();
  if (!data) return {};
  return {*data / "opencode/auth.json"};
}

CREDPOOL_INLINE Result<std::vector<Credential>> Opencode::discover(
    const Environment& environment) const {
  std::vector<Credential> found;
  if (const auto content = environment.variable("OPENCODE_AUTH_CONTENT")) {
    FileFacts facts;
    facts.path = "env:OPENCODE_AUTH_CONTENT";
    const auto cap = FileRules{}.max_bytes;
    if (content->size() > cap) {
      found.push_back(
          unusable_store(cli, provider, facts.path,
                         fail(Errc::too_large, "reading a variable", "OPENCODE_AUTH_CONTENT",
                              "over " + std::to_string(cap) + " bytes")
                             .error));
    } else {
      detail::read_opencode(*content, facts, found);
    }
  }
  const auto data = environment.data_home();
  if (!data) return found.empty() ? Result<std::vector<Credential>>{fail(data.error())} : found;
  const auto path = *data / "opencode/auth.json";
  const auto store = read_store(path, environment);
  if (store.failure) found.push_back(unusable_store(cli, provider, path, *store.failure));
  if (store.text) detail::read_opencode(store.text->bytes.reveal(), store.text->facts, found);
  return found;
}

}  // namespace credpool::inline CREDPOOL_ABI
