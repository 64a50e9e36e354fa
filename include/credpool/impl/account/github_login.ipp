#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/github_login.hpp>

#include <credpool/account/email.hpp>
#include <credpool/core/encoding.hpp>
#include <credpool/impl/core/form.hpp>
#include <credpool/impl/core/json.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr auto asking_github = "asking GitHub";

inline Unexpected github_surprise(int status) {
  Error error{make_error_code(Errc::overloaded), asking_github, {}, "it did not answer as agreed"};
  error.http_status = status;
  return fail(std::move(error));
}

inline Result<Json> github_json(const Result<Response>& answer) {
  if (!answer) return fail(answer.error());
  if (answer->status != 200) return github_surprise(answer->status);
  auto json = parse_json(answer->body);
  if (!json) return github_surprise(answer->status);
  return json;
}

inline Request github_form(std::string url, const FormParameters& parameters) {
  Request request;
  request.method = "POST";
  request.url = std::move(url);
  request.headers = {{"Accept", "application/json"},
                     {"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = form_text(parameters);
  return request;
}

inline Request github_question(std::string url, const Secret& token) {
  Request request;
  request.url = std::move(url);
  request.headers = {{"Accept", "application/vnd.github+json"},
                     {"User-Agent", "credpool"},
                     {"X-GitHub-Api-Version", "2022-11-28"}};
  request.secret_headers.push_back({"Authorization", "Bearer ", token});
  return request;
}

/// A whole number of seconds from 1 to an hour, or the one that is usual.
inline int github_seconds(const Json& object, std::string_view name, int usual) {
  const auto* value = member(object, name);
  if (value == nullptr || !value->is_number_unsigned()) return usual;
  const auto seconds = value->get<std::uint64_t>();
  return seconds >= 1 && seconds <= 3600 ? static_cast<int>(seconds) : usual;
}

inline std::string github_text(const Json& object, std::string_view name, std::size_t most) {
  const auto text = text_or_empty(object, name);
  return text.size() <= most ? std::string{text} : std::string{};
}

}  // namespace detail

CREDPOOL_INLINE Result<GitHubDeviceCode> GitHubLogin::begin() const {
  const auto json = detail::github_json(send_(detail::github_form(
      settings_.login_base + "/login/device/code",
      {{"client_id", settings_.client_id}, {"scope", "read:user user:email"}})));
  if (!json) return fail(json.error());
  GitHubDeviceCode code;
  code.device_code = Secret{detail::text_or_empty(*json, "device_code")};
  code.user_code = detail::github_text(*json, "user_code", 64);
  code.verification_uri = detail::github_text(*json, "verification_uri", 500);
  code.interval = detail::github_seconds(*json, "interval", 5);
  code.expires_in = detail::github_seconds(*json, "expires_in", 900);
  if (code.device_code.empty() || code.device_code.size() > 500 || code.user_code.empty() ||
      code.verification_uri.empty())
    return detail::github_surprise(200);
  return code;
}

CREDPOOL_INLINE Result<GitHubPoll> GitHubLogin::poll(std::string_view device_code) const {
  const auto json = detail::github_json(
      send_(detail::github_form(settings_.login_base + "/login/oauth/access_token",
                                {{"client_id", settings_.client_id},
                                 {"device_code", std::string{device_code}},
                                 {"grant_type", "urn:ietf:params:oauth:grant-type:device_code"}})));
  if (!json) return fail(json.error());
  GitHubPoll answer;
  answer.error = detail::github_text(*json, "error", 64);
  answer.interval = detail::github_seconds(*json, "interval", 0);
  if (!answer.error.empty()) return answer;
  const auto token = detail::text_or_empty(*json, "access_token");
  if (!is_safe_token(token)) return detail::github_surprise(200);
  answer.token = Secret{token};
  return answer;
}

CREDPOOL_INLINE Result<GitHubIdentity> GitHubLogin::identity(const Secret& token) const {
  const auto user =
      detail::github_json(send_(detail::github_question(settings_.api_base + "/user", token)));
  if (!user) return fail(user.error());
  GitHubIdentity identity;
  if (const auto* id = detail::member(*user, "id"); id != nullptr && id->is_number_unsigned())
    identity.id =
        static_cast<std::int64_t>(std::min<std::uint64_t>(id->get<std::uint64_t>(), INT64_MAX));
  if (identity.id <= 0) return detail::github_surprise(200);
  identity.name = detail::github_text(*user, "name", 200);
  if (identity.name.empty()) identity.name = detail::github_text(*user, "login", 200);
  identity.avatar_url = detail::github_text(*user, "avatar_url", 500);

  // The e-mail of the profile may be anything: only this list says what was verified.
  const auto emails = detail::github_json(
      send_(detail::github_question(settings_.api_base + "/user/emails", token)));
  if (!emails) return fail(emails.error());
  if (!emails->is_array()) return detail::github_surprise(200);
  for (const auto& entry : *emails) {
    const auto is_true = [&](std::string_view name) {
      const auto* value = detail::member(entry, name);
      return value != nullptr && value->is_boolean() && value->get<bool>();
    };
    if (!is_true("primary") || !is_true("verified")) continue;
    identity.email = normal_email(detail::text_or_empty(entry, "email")).value_or("");
  }
  return identity;
}

}  // namespace credpool::inline CREDPOOL_ABI
