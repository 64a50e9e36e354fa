#pragma once
// SPDX-License-Identifier: MIT

// The two files of Qwen Code: its OAuth login and its settings. Internal: included by .ipp files
// and fuzz targets only.

#include <credpool/impl/core/json.hpp>
#include <credpool/impl/source/key_search.hpp>
#include <credpool/source/qwen_cli.hpp>

#include <chrono>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Where a Qwen login is used: `resource_url` with https:// and /v1 added when they are missing.
inline std::string qwen_base_url(std::string_view resource_url) {
  if (resource_url.empty()) return "https://dashscope.aliyuncs.com/compatible-mode/v1";
  std::string url{resource_url};
  if (!url.starts_with("http://") && !url.starts_with("https://")) url = "https://" + url;
  while (url.ends_with('/')) url.pop_back();
  if (!url.ends_with("/v1")) url += "/v1";
  return url;
}

/// Fills a login from oauth_creds.json.
///
/// The CLI refreshes with less than 30 s left, and ignores the file unless three members are
/// strings and expiry_date is a number; such a file is shown as malformed.
inline void fill_qwen_login(Credential& credential, const Json& login) {
  const auto malformed = [&](std::string_view what) {
    credential.status = Status::invalid;
    credential.reason = Reason::malformed;
    credential.detail = std::string{what} + ", so the CLI ignores the file; log in again";
  };
  const auto access = text_member(login, "access_token");
  const auto refresh = text_member(login, "refresh_token");
  if (!access || !refresh || !text_member(login, "token_type"))
    return malformed("access_token, refresh_token and token_type are not all there");
  const auto* expiry = member(login, "expiry_date");
  if (expiry == nullptr || !expiry->is_number()) return malformed("expiry_date is not a number");
  credential.expires_at = time_from_epoch(expiry->get<double>());
  if (!credential.expires_at) return malformed("expiry_date is not a time");
  credential.refresh_at = *credential.expires_at - std::chrono::seconds{30};

  if (access->empty() && refresh->empty()) {
    credential.status = Status::needs_login;
    credential.reason = Reason::signed_out;
    credential.detail = "both tokens are empty";
    return;
  }
  credential.reason = Reason::service_ended;
  credential.detail =
      "Qwen's OAuth service ended on 2026-04-15; kept for servers that still take it, use an API "
      "key";
  if (is_safe_token(*refresh)) credential.refresh_token = Secret{*refresh};
  set_secret(credential, *access);
}

/// Turns oauth_creds.json into a credential, or into the reason why it is none.
inline Credential read_qwen_login(const std::filesystem::path& path, const FileText& file) {
  constexpr auto cli = QwenCli::cli;
  constexpr auto provider = QwenCli::provider;
  auto document = parse_json(file.bytes.reveal());
  if (document && !document->is_object())
    document = fail(Errc::malformed, "reading a Qwen login", "it is not an object");
  if (!document) return unusable_store(cli, provider, path, document.error());

  auto credential = Credential::login(cli, provider, path.string());
  credential.ownership = Ownership::co_own;
  credential.places.push_back(place_of(file.facts, cli));
  credential.base_url = qwen_base_url(text_or_empty(*document, "resource_url"));
  fill_qwen_login(credential, *document);
  return credential;
}

/// One settings.json, parsed.
struct QwenSettings {
  Json document;
  FileFacts facts;
};

/// Comments are allowed, as the CLI strips them.
/// @errors those of parse_json; malformed when it is not an object
inline Result<QwenSettings> parse_qwen_settings(const FileText& file) {
  auto document = parse_json(file.bytes.reveal(), {.allow_comments = true});
  if (!document) return fail(document.error());
  if (!document->is_object())
    return fail(Errc::malformed, "reading Qwen's settings", "not an object");
  return QwenSettings{std::move(*document), file.facts};
}

/// A model provider's reference to the variable that holds its key.
struct QwenKeyReference {
  std::string variable;
  std::string base_url;
  std::string protocol;  ///< "openai", "anthropic", "gemini", ...
  std::string pointer;   ///< of the envKey, as a JSON pointer
  const FileFacts* settings;
};

/// Whose key it is: told by the base URL, else by the variable's name, else by the protocol.
inline std::string_view qwen_provider(const QwenKeyReference& reference) {
  if (const auto told = provider_of_base_url(reference.base_url); !told.empty()) return told;
  const auto* row = find_key_variable(reference.variable);
  return row == nullptr ? std::string_view{reference.protocol} : row->provider;
}

/// Appends the references of `modelProviders.<protocol>[]`; the first one of a variable counts.
inline void add_qwen_references(const QwenSettings& settings,
                                std::vector<QwenKeyReference>& references) {
  const auto* protocols = member(settings.document, "modelProviders");
  if (protocols == nullptr || !protocols->is_object()) return;
  for (const auto& [protocol, models] : protocols->items()) {
    if (!models.is_array()) continue;
    for (std::size_t i = 0; i < models.size(); ++i) {
      const auto variable = text_or_empty(models[i], "envKey");
      const bool known = std::any_of(references.begin(), references.end(),
                                     [&](const auto& known) { return known.variable == variable; });
      if (variable.empty() || known) continue;
      references.push_back(
          {std::string{variable}, std::string{text_or_empty(models[i], "baseUrl")}, protocol,
           "/modelProviders/" + protocol + "/" + std::to_string(i) + "/envKey", &settings.facts});
    }
  }
}

/// The key that stands in the settings themselves, at `security.auth`.
inline void add_qwen_inline_key(const QwenSettings& settings, std::vector<Credential>& found) {
  const auto* security = member(settings.document, "security");
  const auto* auth = security == nullptr ? nullptr : member(*security, "auth");
  if (auth == nullptr) return;
  const auto key = text_or_empty(*auth, "apiKey");
  if (key.empty()) return;
  const auto type = text_or_empty(*auth, "selectedType");
  FoundKey facts{QwenCli::cli, type == "anthropic" || type == "gemini" ? type : "openai",
                 Kind::api_key, "settings", std::string{text_or_empty(*auth, "baseUrl")}};
  // Keys of the Coding Plan are told by their prefix and serve nowhere else.
  if (facts.base_url.empty() && key.starts_with("sk-sp-"))
    facts.base_url = find_key_variable("BAILIAN_CODING_PLAN_API_KEY")->base_url;
  found.push_back(
      key_credential(facts, key, place_of(settings.facts, QwenCli::cli, "/security/auth/apiKey")));
}

/// Whether a text can be shown as the name of a variable. A key that was put there by mistake must
/// not be shown, so only what a key would hardly look like passes.
inline bool is_variable_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
