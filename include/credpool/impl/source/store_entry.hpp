#pragma once
// SPDX-License-Identifier: MIT

// What the sources of small stores share: how a store is opened, and how one entry of it becomes a
// credential or the reason why it is none. Internal: included by .ipp files only.

#include <credpool/core/encoding.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/source/store_file.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Where an entry stands and whose it is.
struct StoreEntry {
  std::string_view cli;
  std::string_view provider;
  const FileFacts& facts;
  std::string pointer;  ///< JSON pointer (RFC 6901), also for YAML; empty for the whole file
};

/// One more step of a JSON pointer.
inline std::string pointer_step(std::string_view name) {
  std::string step{"/"};
  for (const char c : name) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else {
      step += c;
    }
  }
  return step;
}

/// What names a login within its provider: its file and, where one file holds several, its place.
inline std::string store_of(const StoreEntry& entry) {
  const auto path = entry.facts.path.string();
  return entry.pointer.empty() ? path : path + "#" + entry.pointer;
}

/// An entry that is there and cannot be used.
inline Credential unusable_entry(const StoreEntry& entry, Reason reason, std::string detail) {
  auto credential =
      Credential::unusable(entry.cli, entry.provider, store_of(entry), reason, std::move(detail));
  credential.places.push_back(place_of(entry.facts, entry.cli, entry.pointer));
  return credential;
}

/// A key or bearer token.
/// @param token none when the entry has none or one that is no text
inline Credential token_entry(const StoreEntry& entry, Kind kind,
                              std::optional<std::string_view> token) {
  if (!token || token->empty()) {
    auto credential =
        token ? unusable_entry(entry, Reason::signed_out, "the token is empty; log in again")
              : unusable_entry(entry, Reason::malformed, "there is no token, or it is not text");
    credential.kind = kind;
    return credential;
  }
  auto credential = Credential::api_key(entry.cli, entry.provider, Secret{*token});
  credential.kind = kind;
  set_secret(credential, *token);
  credential.places.push_back(place_of(entry.facts, entry.cli, entry.pointer));
  return credential;
}

/// The tokens of a login as its store spells them; none when missing or not text.
struct LoginTokens {
  std::optional<std::string_view> access;
  std::optional<std::string_view> refresh;
};

/// A login with an access token, a refresh token or both.
/// @param account the account's id where the store tells it
inline Credential login_entry(const StoreEntry& entry, const LoginTokens& tokens,
                              std::string_view account = {}) {
  const auto access = tokens.access.value_or("");
  const auto refresh = tokens.refresh.value_or("");
  if (!tokens.access && !tokens.refresh)
    return unusable_entry(entry, Reason::malformed, "no access token and no refresh token");
  if (access.empty() && refresh.empty())
    return unusable_entry(entry, Reason::signed_out, "the tokens are empty; log in again");

  auto credential = Credential::login(entry.cli, entry.provider, store_of(entry), account);
  credential.places.push_back(place_of(entry.facts, entry.cli, entry.pointer));
  set_secret(credential, access);
  if (is_safe_token(refresh)) {
    credential.refresh_token = Secret{refresh};
    if (access.empty()) {
      credential.reason = Reason::needs_exchange;
      credential.detail = "there is a refresh token only; an access token must be fetched first";
    }
  } else if (access.empty()) {
    set_secret(credential, refresh);  // says what is wrong with it
  }
  return credential;
}

/// Notes when the access token ends, or that nobody knows.
inline void set_expiry(Credential& credential, std::optional<TimePoint> expires_at) {
  if (credential.secret.empty()) return;
  credential.expires_at = expires_at;
  credential.refresh_at = expires_at;  // the earliest that any of these CLIs is known to refresh
  if (!expires_at && credential.reason == Reason::none) {
    credential.reason = Reason::expiry_unknown;
    credential.detail = "the store does not tell when it ends";
  }
}

/// A point in time that a store gives as a number or as a text of digits; none when it gives none.
inline std::optional<TimePoint> epoch_member(const Json& object, std::string_view name) {
  const auto* value = member(object, name);
  const auto number = value == nullptr ? std::nullopt : number_of(*value);
  return number ? time_from_epoch(*number) : std::nullopt;
}

/// A JSON store that could be read: its document, an object, and the facts of its file.
struct JsonStore {
  Json document;
  FileFacts facts;
};

/// Reads a JSON store. None when there is no file, or when it cannot be used: then `found` has a
/// credential more, which says why.
inline std::optional<JsonStore> read_json_store(std::string_view cli, std::string_view provider,
                                                const std::filesystem::path& path,
                                                const Environment& environment,
                                                std::vector<Credential>& found,
                                                JsonRules rules = {}) {
  auto store = read_store(path, environment);
  if (store.failure) found.push_back(unusable_store(cli, provider, path, *store.failure));
  if (!store.text) return std::nullopt;
  auto document = parse_json(store.text->bytes.reveal(), rules);
  if (document && !document->is_object())
    document = fail(Errc::malformed, "reading a login", "it is not an object");
  if (document) return JsonStore{std::move(*document), std::move(store.text->facts)};
  found.push_back(unusable_store(cli, provider, path, document.error()));
  return std::nullopt;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
