#pragma once
// SPDX-License-Identifier: MIT

// The two login stores of Gemini CLI, plain and encrypted. Internal: included by .ipp files and
// fuzz targets only.

#include <credpool/credential/jwt.hpp>
#include <credpool/impl/core/aes_gcm.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/impl/core/scrypt.hpp>
#include <credpool/impl/source/key_search.hpp>
#include <credpool/impl/source/scope_words.hpp>
#include <credpool/source/gemini_cli.hpp>

#include <chrono>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// An encrypted store, taken apart: "<iv>:<tag>:<ciphertext>", each in hexadecimal.
struct GeminiCipher {
  std::string iv;  ///< 12 bytes, 16 in old files
  std::string tag;
  std::string text;
};

/// @errors malformed
inline Result<GeminiCipher> parse_gemini_cipher(std::string_view file) {
  const std::string doing = "reading Gemini's encrypted store";
  while (file.ends_with('\n') || file.ends_with('\r')) file.remove_suffix(1);
  const auto first = file.find(':');
  const auto second = first == file.npos ? first : file.find(':', first + 1);
  if (second == file.npos) return fail(Errc::malformed, doing, "it does not have three parts");
  auto iv = decode_hex(file.substr(0, first));
  auto tag = decode_hex(file.substr(first + 1, second - first - 1));
  auto text = decode_hex(file.substr(second + 1));
  if (!iv || !tag || !text) return fail(Errc::malformed, doing, "it is not hexadecimal");
  if ((iv->size() != 12 && iv->size() != 16) || tag->size() != 16)
    return fail(Errc::malformed, doing, "a part has a wrong length");
  return GeminiCipher{std::move(*iv), std::move(*tag), std::move(*text)};
}

/// The key of the encrypted store: it is bound to the host and the user.
///
/// @errors io when the memory for it is not to be had
/// @source gemini-cli 0.61.0 fileKeychain: scrypt with Node's default costs
inline Result<Secret> derive_gemini_key(std::string_view host, std::string_view user) {
  const auto salt = std::string{host} + '-' + std::string{user} + "-gemini-cli";
  auto key = scrypt("gemini-cli-oauth", salt, /*N=*/16384, /*r=*/8, 32);
  if (!key) return fail(Errc::io, "deriving the key of Gemini's encrypted store");
  return *std::move(key);
}

/// @errors unsupported when the key does not fit or the text was changed: these look the same
inline Result<Secret> decrypt_gemini_store(const GeminiCipher& cipher, const Secret& key) {
  auto plain = decrypt_aes_256_gcm(key.reveal(), cipher.iv, cipher.tag, cipher.text);
  if (!plain)
    return fail(Errc::unsupported, "decrypting Gemini's encrypted store", {},
                "it was made on another host or by another user, or is damaged; log in again here");
  return *std::move(plain);
}

/// The parts of a login that both stores have, under their own names.
struct GeminiTokens {
  std::optional<std::string_view> access;
  std::optional<std::string_view> refresh;
  std::string_view scope;
  const Json* expiry = nullptr;  ///< milliseconds
};

/// Fills a login from its tokens. The CLI refreshes with less than 300 s left; a missing expiry
/// means to it that the token does not end.
inline void fill_gemini_login(Credential& credential, const GeminiTokens& tokens) {
  credential.ownership = Ownership::co_own;
  if (!tokens.access && !tokens.refresh) {
    credential.status = Status::invalid;
    credential.reason = Reason::malformed;
    credential.detail = "no access token and no refresh token; log in again";
    return;
  }
  if (tokens.access.value_or("").empty() && tokens.refresh.value_or("").empty()) {
    credential.status = Status::needs_login;
    credential.reason = Reason::signed_out;
    credential.detail = "both tokens are empty";
    return;
  }
  credential.reason = Reason::check_eligibility;
  credential.detail = "Google cut individual accounts off this client on 2026-06-18";
  credential.scopes = scope_words(tokens.scope);
  if (is_safe_token(tokens.refresh.value_or("")))
    credential.refresh_token = Secret{*tokens.refresh};
  if (tokens.refresh.value_or("").empty())
    credential.detail += "; without a refresh token it cannot be renewed";

  const auto number = tokens.expiry == nullptr ? std::nullopt : number_of(*tokens.expiry);
  if (number && *number != 0) credential.expires_at = time_from_epoch(*number);
  if (!credential.expires_at) {
    credential.reason = Reason::expiry_unknown;
  } else if (!credential.refresh_token.empty()) {
    credential.refresh_at = *credential.expires_at - std::chrono::seconds{300};
  }
  set_secret(credential, tokens.access.value_or(""));
}

/// The tokens as oauth_creds.json has them.
inline GeminiTokens gemini_plain_tokens(const Json& login) {
  return {text_member(login, "access_token"), text_member(login, "refresh_token"),
          text_or_empty(login, "scope"), member(login, "expiry_date")};
}

/// Turns oauth_creds.json into a credential, or into the reason why it is none.
inline Credential read_gemini_login(const std::filesystem::path& path, const FileText& file) {
  auto document = parse_json(file.bytes.reveal());
  if (document && !document->is_object())
    document = fail(Errc::malformed, "reading a Gemini login", "it is not an object");
  if (!document) return unusable_store(GeminiCli::cli, GeminiCli::provider, path, document.error());

  auto credential = Credential::login(GeminiCli::cli, GeminiCli::provider, path.string());
  credential.places.push_back(place_of(file.facts, GeminiCli::cli));
  if (const auto claims = read_jwt(text_or_empty(*document, "id_token")))
    credential.account = claims->email;
  fill_gemini_login(credential, gemini_plain_tokens(*document));
  return credential;
}

/// Appends what the decrypted store holds: {"<service>":{"<account>":"<JSON text>"}}. Other
/// services are logins of MCP servers, not of a provider.
inline void add_gemini_stored(const FileFacts& facts, std::string_view decrypted,
                              std::vector<Credential>& found) {
  const auto path = facts.path;
  const auto services = parse_json(decrypted);
  if (!services || !services->is_object()) {
    found.push_back(unusable_store(
        GeminiCli::cli, GeminiCli::provider, path,
        services
            ? fail(Errc::malformed, "reading Gemini's decrypted store", "it is not an object").error
            : services.error()));
    return;
  }
  const auto add = [&](std::string_view service, std::string_view account,
                       std::string_view provider, auto&& make) {
    const auto* accounts = member(*services, service);
    const auto text = accounts == nullptr ? std::nullopt : text_member(*accounts, account);
    if (!text) return;
    const auto pointer = "/" + std::string{service} + "/" + std::string{account};
    const auto value = parse_json(*text);
    const auto* token = value ? member(*value, "token") : nullptr;
    if (token == nullptr) {
      auto broken = Credential::unusable(GeminiCli::cli, provider, path.string() + '#' + pointer,
                                         Reason::malformed, "the stored value holds no token");
      broken.profile_id = std::string{provider} + ":stored";
      broken.places.push_back(place_of(facts, GeminiCli::cli, pointer));
      found.push_back(std::move(broken));
      return;
    }
    make(*token, place_of(facts, GeminiCli::cli, pointer));
  };
  add("gemini-cli-oauth", "main-account", GeminiCli::provider, [&](const Json& token, Place place) {
    auto login = Credential::login(GeminiCli::cli, GeminiCli::provider, path.string());
    login.profile_id = std::string{GeminiCli::provider} + ":stored";
    login.places.push_back(std::move(place));
    fill_gemini_login(login, {text_member(token, "accessToken"), text_member(token, "refreshToken"),
                              text_or_empty(token, "scope"), member(token, "expiresAt")});
    found.push_back(std::move(login));
  });
  add("gemini-cli-api-key", "default-api-key", "gemini", [&](const Json& token, Place place) {
    if (const auto key = text_or_empty(token, "accessToken"); !key.empty())
      found.push_back(key_credential({GeminiCli::cli, "gemini", Kind::api_key, "stored", {}}, key,
                                     std::move(place)));
  });
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
