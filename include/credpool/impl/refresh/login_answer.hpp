#pragma once
// SPDX-License-Identifier: MIT

// What the two login flows have in common about answers and addresses. Internal.

#include <credpool/core/safe_url.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/impl/refresh/oauth_providers.hpp>
#include <credpool/impl/refresh/oauth_request.hpp>
#include <credpool/refresh/login_world.hpp>
#include <credpool/validation/classifier.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Whether a page may be shown to a person and opened: https (http to loopback), and nothing that a
/// terminal or a browser could take for something else.
inline bool is_safe_page(std::string_view url) {
  constexpr std::size_t longest = 4096;
  const auto printable = [](char c) { return c > ' ' && c <= '~' && c != '\\' && c != '"'; };
  return url.size() <= longest && std::all_of(url.begin(), url.end(), printable) &&
         is_safe_base_url(url.substr(0, url.find_first_of("?#")));
}

/// The server's error code, when it looks like one: no token and no sentence ever does.
inline std::string shown_error_code(std::string_view code) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (code.empty() || code.size() > 40 || !std::all_of(code.begin(), code.end(), plain)) return {};
  return " (it answered " + std::string{code} + ")";
}

inline std::string login_doing(const TokenEndpoint& endpoint) {
  return "logging in to " + endpoint.provider;
}

/// The error for an answer of a token endpoint that grants nothing, now and later.
inline Unexpected login_refused(const TokenEndpoint& endpoint, const Response& response,
                                const TokenAnswer& answer) {
  const auto code = shown_error_code(answer.code);
  const auto failure = [&](Errc errc, const std::string& hint) {
    Error error{make_error_code(errc), login_doing(endpoint), oauth_origin_of(endpoint.url), hint};
    error.http_status = response.status;
    error.retry_at = answer.retry_at;
    return Unexpected{std::move(error)};
  };
  switch (answer.verdict) {
    case TokenVerdict::denied:
      return failure(Errc::cancelled, "access was denied on the provider's page");
    case TokenVerdict::code_expired:
      return failure(Errc::timeout, "the code has expired: start the login again");
    case TokenVerdict::client_fault:
      return failure(Errc::configuration,
                     "the server does not accept this client or request" + code +
                         ": check the client id in the settings, or log in with the CLI itself");
    case TokenVerdict::ok:
    case TokenVerdict::malformed:
      return failure(Errc::malformed, "the answer cannot be understood: start the login again");
    case TokenVerdict::transient:
      return failure(response.status == 429 ? Errc::rate_limited : Errc::overloaded,
                     "the server cannot serve right now" + code + ": try again later");
    default:
      return failure(Errc::login_needed,
                     "the code is no longer good" + code + ": start the login again");
  }
}

/// Exchanges an authorization code, once: it is spent by its use.
/// @param parameters redirect_uri, code_verifier and what else this server wants
inline Result<GrantedTokens> exchange_code(const TokenEndpoint& endpoint, TokenEncoding encoding,
                                           std::string_view code, FormParameters parameters,
                                           const LoginWorld& world) {
  parameters.insert(parameters.begin(), {{"grant_type", "authorization_code"},
                                         {"client_id", endpoint.client_id},
                                         {"code", std::string{code}}});
  if (!endpoint.client_secret.empty())
    parameters.emplace_back("client_secret", endpoint.client_secret.reveal());
  const auto response = world.send(oauth_request(endpoint, endpoint.url, encoding, parameters));
  if (!response) return fail(response.error());
  const auto answer = classify_token_answer(endpoint.provider, *response, world.now());
  if (answer.verdict != TokenVerdict::ok) return login_refused(endpoint, *response, answer);
  return parse_granted_tokens(response->body);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
