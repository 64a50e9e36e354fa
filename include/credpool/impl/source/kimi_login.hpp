#pragma once
// SPDX-License-Identifier: MIT

// The credential file that kimi-cli and Kimi Code share: same six keys, different tolerance.
// Internal: included by kimi_cli.ipp and kimi_code.ipp.

#include <credpool/impl/core/json.hpp>
#include <credpool/source/store_file.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Which of the two CLIs owns the file. They differ in what an odd entry means.
enum class KimiDialect {
  cli,   ///< no usable expires_at: refresh at once. No access token: refresh.
  code,  ///< no usable expires_at: use the token as it is. No access token: signed out.
};

/// The end of the access token as that CLI understands it; none when the file does not tell.
inline std::optional<TimePoint> kimi_expiry(KimiDialect dialect, const Json& login) {
  const auto* stored = member(login, "expires_at");
  if (dialect == KimiDialect::code) {
    if (stored == nullptr || !stored->is_number() || stored->get<double>() <= 0)
      return std::nullopt;
    return time_from_epoch(stored->get<double>());
  }
  if (stored == nullptr || stored->is_null()) return TimePoint{};
  const auto number = number_of(*stored);
  return number ? time_from_epoch(*number) : std::nullopt;
}

/// How long the access token lives from its issue; none when the file does not tell.
inline std::optional<Duration> kimi_lifetime(const Json& login) {
  const auto* stored = member(login, "expires_in");
  const auto seconds = stored == nullptr ? std::nullopt : number_of(*stored);
  if (!seconds || !(*seconds > 0)) return std::nullopt;
  return Duration{static_cast<Duration::rep>(std::min(*seconds, 2e9) * 1000)};
}

/// How long before the end both CLIs refresh: max(300 s, half the life).
inline Duration kimi_refresh_margin(const Json& login) {
  return std::max(Duration{std::chrono::seconds{300}},
                  kimi_lifetime(login).value_or(Duration{0}) / 2);
}

/// Fills in the two tokens. False when there is no access token to go on with: then the verdict is
/// complete.
inline bool take_kimi_tokens(KimiDialect dialect, const Json& login, Credential& credential) {
  const auto access = text_member(login, "access_token");
  const auto refresh = text_member(login, "refresh_token");
  if (!access && !refresh) {
    credential.status = Status::invalid;
    credential.reason = Reason::malformed;
    credential.detail = "no access_token and no refresh_token; log in again";
    return false;
  }
  if (access.value_or("").empty() && refresh.value_or("").empty()) {
    credential.status = Status::needs_login;
    credential.reason = Reason::signed_out;
    credential.detail = "the CLI signed itself out after a rejected refresh; log in again";
    return false;
  }
  if (refresh && is_safe_token(*refresh)) {
    credential.refresh_token = Secret{*refresh};
  } else if (refresh && !refresh->empty()) {
    credential.detail = "the refresh token has characters that no token has; log in again";
  }
  set_secret(credential, access.value_or(""));
  if (!access.value_or("").empty()) return true;

  if (credential.refresh_token.empty()) {
    credential.status = Status::invalid;
    credential.reason = Reason::unsafe_token;
    return false;
  }
  credential.refresh_at = TimePoint{};
  credential.detail = dialect == KimiDialect::cli
                          ? "only a refresh token is there"
                          : "only a refresh token is there: the CLI takes itself for signed out "
                            "until the login is refreshed";
  return false;
}

/// Fills in tokens, times and scope of a login, or the reason why it cannot be used.
inline void fill_kimi_login(KimiDialect dialect, const Json& login, Credential& credential) {
  if (const auto scope = text_or_empty(login, "scope"); !scope.empty())
    credential.scopes.emplace_back(scope);
  if (!take_kimi_tokens(dialect, login, credential)) return;

  credential.expires_at = kimi_expiry(dialect, login);
  if (credential.expires_at && !credential.refresh_token.empty())
    credential.refresh_at = *credential.expires_at - kimi_refresh_margin(login);
  if (credential.expires_at || credential.status != Status::active) return;

  credential.reason = Reason::expiry_unknown;
  if (dialect == KimiDialect::cli) {
    credential.detail = "expires_at is not a time: the login is due for a refresh";
    if (!credential.refresh_token.empty()) credential.refresh_at = TimePoint{};
  } else {
    credential.detail = "expires_at is not a time: the CLI uses the token and never refreshes it";
  }
}

/// Turns one credential file into a credential, or into the reason why it is none.
///
/// @param slot file name without ".json"; part of the profile id
inline Credential read_kimi_login(KimiDialect dialect, std::string_view cli,
                                  std::string_view provider, const std::filesystem::path& path,
                                  std::string_view slot, const FileText& file) {
  auto login = parse_json(file.bytes.reveal());
  if (login && !login->is_object())
    login = fail(Errc::malformed, "reading a Kimi login", {}, "it is not an object; log in again");

  auto credential = Credential::login(cli, provider, path.string());
  credential.ownership = Ownership::co_own;
  credential.profile_id =
      std::string{provider} + ":" + std::string{slot == "kimi-code" ? "default" : slot};
  credential.places.push_back(place_of(file.facts, cli));
  if (!login) {
    mark_unusable(credential, login.error());
    return credential;
  }
  fill_kimi_login(dialect, *login, credential);
  return credential;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
