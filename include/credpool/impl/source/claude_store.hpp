#pragma once
// SPDX-License-Identifier: MIT

// The two kinds of file of Claude Code: its login and its settings. Internal: included by .ipp
// files and fuzz targets only.

#include <credpool/impl/core/json.hpp>
#include <credpool/impl/source/key_search.hpp>
#include <credpool/impl/source/settings_values.hpp>
#include <credpool/source/claude_cli.hpp>

#include <chrono>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A time of the store; none when it is missing, null or no time. Seconds are repaired.
inline std::optional<TimePoint> claude_time(const Json& login, std::string_view name) {
  const auto* value = member(login, name);
  const auto number = value == nullptr ? std::nullopt : number_of(*value);
  return number ? time_from_epoch(*number) : std::nullopt;
}

/// Fills a login from the section `claudeAiOauth`. The CLI refreshes with less than 300 s left.
inline void fill_claude_login(Credential& credential, const Json& login) {
  const auto unusable = [&](Status status, Reason reason, std::string_view detail) {
    credential.status = status;
    credential.reason = reason;
    credential.detail = detail;
  };
  const auto access = text_member(login, "accessToken");
  const auto refresh = text_or_empty(login, "refreshToken");
  if (!access)
    return unusable(Status::invalid, Reason::malformed, "accessToken is not a text; log in again");
  if (access->empty() && refresh.empty())
    return unusable(Status::needs_login, Reason::signed_out,
                    "the CLI signed itself out after a rejected refresh; log in again");

  credential.plan = text_or_empty(login, "subscriptionType");
  const auto* scopes = member(login, "scopes");
  if (scopes != nullptr && scopes->is_array())
    for (const auto& scope : *scopes)
      if (scope.is_string()) credential.scopes.push_back(scope.get<std::string>());
  if (is_safe_token(refresh)) credential.refresh_token = Secret{refresh};
  if (refresh.empty()) credential.kind = Kind::token;
  credential.refresh_expires_at = claude_time(login, "refreshTokenExpiresAt");
  credential.expires_at = claude_time(login, "expiresAt");
  if (credential.expires_at && !credential.refresh_token.empty())
    credential.refresh_at = *credential.expires_at - std::chrono::seconds{300};
  const auto* expiry = member(login, "expiresAt");
  if (!credential.expires_at && expiry != nullptr && !expiry->is_null()) {
    credential.reason = Reason::expiry_unknown;
    credential.detail = "expiresAt is not a time";
  }
  set_secret(credential, *access);
  // To the CLI a login without scopes is none, whatever its tokens.
  if (scopes != nullptr && scopes->is_array() && scopes->empty())
    unusable(Status::needs_login, Reason::signed_out, "the login has no scopes; log in again");
}

/// Fills a login from the whole document of .credentials.json.
inline void fill_claude_section(Credential& credential, const Json& document) {
  const auto* login = member(document, "claudeAiOauth");
  if (login == nullptr || login->is_null()) {
    credential.status = Status::needs_login;
    credential.reason = Reason::signed_out;
    credential.detail = "the store holds no login of Claude; log in";
  } else if (!login->is_object()) {
    credential.status = Status::invalid;
    credential.reason = Reason::malformed;
    credential.detail = "claudeAiOauth is not an object; log in again";
  } else {
    fill_claude_login(credential, *login);
  }
}

/// Turns .credentials.json into a credential, or into the reason why it is none.
inline Credential read_claude_login(const std::filesystem::path& path, const FileText& file) {
  constexpr auto cli = ClaudeCli::cli;
  constexpr auto provider = ClaudeCli::provider;
  auto document = parse_json(file.bytes.reveal());
  if (document && !document->is_object())
    document = fail(Errc::malformed, "reading a Claude login", "it is not an object");
  if (!document) return unusable_store(cli, provider, path, document.error());

  auto credential = Credential::login(cli, provider, path.string());
  credential.ownership = Ownership::co_own;
  credential.places.push_back(place_of(file.facts, cli, "/claudeAiOauth"));
  fill_claude_section(credential, *document);
  return credential;
}

/// Appends the keys of a settings file and its key helper, which is never run. The helper's text is
/// not shown: it may hold a secret.
inline void add_claude_settings(const FileText& file, const Environment& environment,
                                std::vector<Credential>& found) {
  const auto& path = file.facts.path;
  auto settings = parse_json(file.bytes.reveal());
  if (settings && !settings->is_object())
    settings = fail(Errc::malformed, "reading Claude's settings", "not an object");
  if (!settings) {
    found.push_back(unusable_store(ClaudeCli::cli, ClaudeCli::provider, path, settings.error()));
    found.back().profile_id = std::string{ClaudeCli::provider} + ":settings";
    return;
  }
  const auto values = settings_values(*settings);
  collect_keys({.cli = ClaudeCli::cli,
                .reader = ClaudeCli::cli,
                .values = values,
                .environment = environment.variables(),
                .place =
                    [&](std::string_view name, std::string_view) {
                      return place_of(file.facts, ClaudeCli::cli, "/env/" + std::string{name});
                    }},
               found);
  if (text_or_empty(*settings, "apiKeyHelper").empty()) return;
  constexpr std::string_view pointer = "/apiKeyHelper";
  auto helper = Credential::unusable(
      ClaudeCli::cli, ClaudeCli::provider, path.string() + '#' + std::string{pointer},
      Reason::helper_command, "a command of the settings prints the key; it was not run");
  helper.kind = Kind::command;
  helper.profile_id = std::string{ClaudeCli::provider} + ":helper";
  helper.places.push_back(place_of(file.facts, ClaudeCli::cli, pointer));
  found.push_back(std::move(helper));
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
