#pragma once
// SPDX-License-Identifier: MIT

// The ChatGPT login of codex's auth.json. Internal: included by .ipp files only.

#include <credpool/core/encoding.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/credential/jwt.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/source/codex_cli.hpp>
#include <credpool/source/store_file.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

enum class CodexMode { api_key, chatgpt, chatgpt_in_memory, access_token, agent, bedrock, unknown };

/// The mode of auth.json. Without one, a key that is not null decides, as in codex.
inline CodexMode codex_mode(const Json& auth) {
  const auto* mode = member(auth, "auth_mode");
  if (mode == nullptr || mode->is_null()) {
    const auto* key = member(auth, "OPENAI_API_KEY");
    return key != nullptr && !key->is_null() ? CodexMode::api_key : CodexMode::chatgpt;
  }
  const auto name = text_or_empty(auth, "auth_mode");
  if (name == "apikey") return CodexMode::api_key;
  if (name == "chatgpt") return CodexMode::chatgpt;
  if (name == "chatgptAuthTokens") return CodexMode::chatgpt_in_memory;
  if (name == "personalAccessToken") return CodexMode::access_token;
  if (name == "agentIdentity") return CodexMode::agent;
  if (name == "bedrockApiKey" || name == "bedrockAccessKeys") return CodexMode::bedrock;
  return CodexMode::unknown;
}

/// Sets the end of the access token and the time from which codex would refresh it.
inline void set_codex_times(Credential& login, const std::optional<TimePoint>& expiry,
                            const std::optional<TimePoint>& last_refresh) {
  using namespace std::chrono;
  login.expires_at = expiry;
  if (expiry) {
    login.refresh_at = *expiry - seconds{300};
  } else {
    if (login.status == Status::active) login.reason = Reason::expiry_unknown;
    if (last_refresh) login.refresh_at = *last_refresh + days{8};
  }
  if (login.refresh_token.empty()) login.refresh_at.reset();
}

/// The ChatGPT login of auth.json.
inline Credential codex_login(const Json& auth, CodexMode mode, const std::string& path) {
  const auto* tokens = member(auth, "tokens");
  const bool none = tokens == nullptr || tokens->is_null();
  if (!none && !tokens->is_object())
    return Credential::unusable(CodexCli::cli, CodexCli::provider, path, Reason::malformed,
                                "tokens is not an object; run codex login");
  const auto access = none ? std::string_view{} : text_or_empty(*tokens, "access_token");
  const auto refresh = none ? std::string_view{} : text_or_empty(*tokens, "refresh_token");
  if (access.empty() && refresh.empty())
    return Credential::unusable(CodexCli::cli, CodexCli::provider, path, Reason::signed_out,
                                "it holds no tokens, whatever codex login status says; run codex "
                                "login");

  const auto identity = read_jwt(text_or_empty(*tokens, "id_token"));
  const auto claims = read_jwt(access);
  const auto claim = [&](std::string JwtClaims::*name) {
    if (identity && !((*identity).*name).empty()) return (*identity).*name;
    return claims ? (*claims).*name : std::string{};
  };
  std::string account_id{text_or_empty(*tokens, "account_id")};
  if (account_id.empty()) account_id = claim(&JwtClaims::openai_account_id);
  const auto user_id = claim(&JwtClaims::openai_user_id);

  auto login = Credential::login(CodexCli::cli, CodexCli::provider, path,
                                 user_id.empty() ? account_id : account_id + '/' + user_id);
  login.ownership = Ownership::borrow;
  login.account_id = std::move(account_id);
  login.account = claim(&JwtClaims::email);
  login.plan = claim(&JwtClaims::openai_plan);
  set_secret(login, access);
  if (mode == CodexMode::chatgpt_in_memory) {
    login.detail = "lent to codex by another program, which alone can refresh it";
  } else if (is_safe_token(refresh)) {
    login.refresh_token = Secret{refresh};
  }
  set_codex_times(login, claims ? claims->expires_at : std::nullopt,
                  parse_iso8601(text_or_empty(auth, "last_refresh")));
  if (!identity && login.status == Status::active) {
    login.status = Status::invalid;
    login.reason = Reason::malformed;
    login.detail = "its id_token is not a JWT, so codex refuses the file; run codex login";
  }
  return login;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
