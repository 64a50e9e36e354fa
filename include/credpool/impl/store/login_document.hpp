#pragma once
// SPDX-License-Identifier: MIT

// The shape of a login of our own. Internal: included by sealed_login.ipp only.
//
// {"version": 1, "key": "<16 hex digits that tell one key from another>", "profileId", "cli",
//  "provider", "oauthHost", "baseUrl", "account", "accountId", "scope", "createdAt",
//  "expiresAt": text or null, "lifetimeSeconds": number or null,
//  "nonce": base64url, "sealed": base64url of "<access token>\n<refresh token>", sealed}
// Members that are not named here are kept when the login is refreshed.

#include <credpool/core/hash.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/impl/store/record_text.hpp>
#include <credpool/store/sealed_login.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline const std::string reading_own_login = "reading a login of our own";

/// A file name that tells a person which login it is, and is one for each profile id.
inline std::string login_file_stem(std::string_view profile_id) {
  std::string stem;
  for (const char c : profile_id.substr(0, 48)) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    stem += plain ? c : '-';
  }
  return stem + '-' + to_hex(sha256(profile_id)).substr(0, 12);
}

/// Whether the token can be kept and sent.
inline bool is_own_token(const Secret& token, bool may_be_empty) {
  return token.empty() ? may_be_empty : is_safe_token(token.reveal());
}

inline Result<void> check_own_login(const OwnLogin& login) {
  const auto wrong = [](const char* member, const char* hint) {
    return fail(Errc::invalid_argument, "keeping a login of our own", member, hint);
  };
  constexpr auto plain = "UTF-8 without control characters, at most 2048 bytes";
  if (!is_record_text(login.profile_id, 1, 256))
    return wrong("profile id", "1 to 256 bytes of UTF-8 without control characters");
  if (!is_record_text(login.cli, 1, 64) || !is_record_text(login.provider, 1, 64))
    return wrong("cli and provider", "1 to 64 bytes of UTF-8 without control characters");
  for (const auto* text :
       {&login.oauth_host, &login.base_url, &login.account, &login.scope, &login.tokens.account_id})
    if (!is_record_text(*text, 0, 2048)) return wrong("a text of the login", plain);
  if (parse_iso8601(format_iso8601(login.created)) != login.created)
    return wrong("created", "a time in the years 0 to 9999");
  if (!is_own_token(login.tokens.access_token, true) ||
      !is_own_token(login.tokens.refresh_token, true) ||
      (login.tokens.access_token.empty() && login.tokens.refresh_token.empty()))
    return wrong("tokens", "printable ASCII without blanks, 1 to 16384 bytes each");
  return {};
}

/// What stands in the clear; none when a member is missing or has another shape.
inline std::optional<OwnLogin> login_of_json(const Json& document) {
  OwnLogin login;
  for (const auto& [name, field] :
       {std::pair{"profileId", &login.profile_id}, std::pair{"cli", &login.cli},
        std::pair{"provider", &login.provider}, std::pair{"oauthHost", &login.oauth_host},
        std::pair{"baseUrl", &login.base_url}, std::pair{"account", &login.account},
        std::pair{"accountId", &login.tokens.account_id}, std::pair{"scope", &login.scope}}) {
    const auto text = text_member(document, name);
    if (!text) return std::nullopt;
    *field = *text;
  }
  const auto created = parse_iso8601(text_or_empty(document, "createdAt"));
  if (!created || login.profile_id.empty() || login.cli.empty() || login.provider.empty())
    return std::nullopt;
  login.created = *created;
  if (const auto* end = member(document, "expiresAt"); end != nullptr && !end->is_null()) {
    login.tokens.expires_at = parse_iso8601(text_or_empty(document, "expiresAt"));
    if (!login.tokens.expires_at) return std::nullopt;
  }
  if (const auto* life = member(document, "lifetimeSeconds"); life != nullptr && !life->is_null()) {
    const auto seconds = number_of(*life);
    if (!seconds || *seconds <= 0 || *seconds > 1e10) return std::nullopt;
    login.tokens.lifetime = Duration{static_cast<Duration::rep>(*seconds * 1000)};
  }
  return login;
}

inline void write_login(Json& document, const OwnLogin& login) {
  document["version"] = 1;
  document["profileId"] = login.profile_id;
  document["cli"] = login.cli;
  document["provider"] = login.provider;
  document["oauthHost"] = login.oauth_host;
  document["baseUrl"] = login.base_url;
  document["account"] = login.account;
  document["accountId"] = login.tokens.account_id;
  document["scope"] = login.scope;
  document["createdAt"] = format_iso8601(login.created);
  document["expiresAt"] = nullptr;
  if (login.tokens.expires_at) document["expiresAt"] = format_iso8601(*login.tokens.expires_at);
  document["lifetimeSeconds"] = nullptr;
  if (login.tokens.lifetime)
    document["lifetimeSeconds"] = static_cast<double>(login.tokens.lifetime->count()) / 1000;
}

inline Json json_of_login(const OwnLogin& login) {
  Json document = Json::object();
  write_login(document, login);
  return document;
}

/// Reads a login's file: after it login_of_json() has an answer.
/// @errors malformed, unsupported for a newer version, and those of parse_json()
inline Result<Json> parse_login_document(std::string_view text, const std::filesystem::path& file) {
  auto document = parse_json(text);
  if (!document)
    return fail(document.error().errc(), reading_own_login,
                file.string() + " at " + document.error().place, "log in again");
  const auto* version = member(*document, "version");
  if (version != nullptr && version->is_number_integer() && *version > 1)
    return fail(Errc::unsupported, reading_own_login, file.string(),
                "a newer credpool wrote it: update this one");
  if (version == nullptr || !version->is_number_integer() || *version != 1 ||
      !login_of_json(*document))
    return fail(Errc::malformed, reading_own_login, file.string(), "log in again");
  return document;
}

/// Fills in what the file shows in the clear.
inline void describe_login(Credential& credential, const OwnLogin& login,
                           const std::string& place) {
  credential.profile_id = login.profile_id;
  credential.kind = Kind::oauth;
  credential.ownership = Ownership::adopt;
  credential.base_url = login.base_url;
  credential.oauth_host = login.oauth_host;
  credential.account = login.account;
  credential.account_id = login.tokens.account_id;
  credential.expires_at = login.tokens.expires_at;
  for (std::string_view rest = login.scope; !rest.empty();) {
    const auto scope = rest.substr(0, rest.find(' '));
    if (!scope.empty()) credential.scopes.emplace_back(scope);
    rest.remove_prefix(std::min(rest.size(), scope.size() + 1));
  }
  Place where{place, {}};
  where.cli = login.cli;
  credential.places.push_back(std::move(where));
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
