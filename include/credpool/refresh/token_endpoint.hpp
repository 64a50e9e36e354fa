#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/credential/tokens.hpp>
#include <credpool/transport/message.hpp>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// How a token endpoint wants its parameters (RFC 6749 says form; OpenAI and Anthropic: JSON).
enum class TokenEncoding { form, json };

/// A server's token endpoint, and who we are to it.
struct TokenEndpoint {
  std::string provider;  ///< "kimi-code", for the classifier
  std::string url;       ///< https, or http to a loopback address
  std::string client_id;
  Secret client_secret;  ///< of an installed application (Google); empty when it has none
  TokenEncoding encoding = TokenEncoding::form;
  /// Sent besides grant_type, client_id and the token: "scope", "refresh_reason" ...
  std::vector<std::pair<std::string, std::string>> parameters;
  std::vector<Header> headers;  ///< what this server expects (X-Msh-...); never secret
  Duration connect_timeout{5'000};
  Duration answer_timeout{20'000};  ///< for the whole answer, once the connection stands
};

/// What the user configured about token endpoints; it counts before the CLIs' own switches.
struct TokenEndpointSettings {
  /// By provider: the endpoint, or only its origin, which then gets the provider's own path.
  std::map<std::string, std::string, std::less<>> urls;
  std::map<std::string, std::string, std::less<>> client_ids;  ///< by provider
  /// By provider: a file of mode 0600 with the client secret in one line, or Google's JSON.
  std::map<std::string, std::string, std::less<>> client_secrets_files;
  /// By provider: sent instead of ours of the same name, or besides them; never secret.
  std::map<std::string, std::vector<Header>, std::less<>> headers;
};

/// Where and how the refresh token of that credential is spent.
///
/// The configuration counts first, then the CLI's own switch (KIMI_CODE_OAUTH_HOST,
/// KIMI_OAUTH_HOST, CODEX_REFRESH_TOKEN_URL_OVERRIDE), then the host that the store names, then the
/// provider's own.
///
/// @errors unsupported for a provider without a known endpoint, or when Google's client pair is
///         nowhere to be found; configuration for plain http to anything but loopback
/// @effects may read files (kimi's device_id, gemini's installed bundle)
Result<TokenEndpoint> token_endpoint_of(const Credential& credential,
                                        const Environment& environment,
                                        const TokenEndpointSettings& settings = {});

/// The request that spends the refresh token, once.
Request refresh_request(const TokenEndpoint& endpoint, const Secret& refresh_token);

/// Reads the body of a 200: never trusted further than this.
///
/// An id token that cannot be read is left out: it only names the account, and the login is kept.
/// So is an expires_in that is no finite number above zero (a text of digits is taken as a number):
/// the token's end is not known then.
///
/// @errors malformed: not JSON, no access token, an access or refresh token that is not safe
///         (is_safe_token())
Result<GrantedTokens> parse_granted_tokens(std::string_view body);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/token_endpoint.ipp>
#endif
