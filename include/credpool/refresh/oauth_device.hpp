#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/interaction.hpp>
#include <credpool/refresh/login_providers.hpp>
#include <credpool/refresh/login_world.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// How a server speaks the device flow.
enum class DeviceDialect {
  standard,  ///< RFC 8628
  codex,     ///< OpenAI's own: the poll gives an authorization code, which is then exchanged
};

/// A server's device authorization grant, and who we are to it.
struct DeviceFlow {
  TokenEndpoint token;            ///< its parameters are those of a refresh, and not sent here
  std::string authorization_url;  ///< where the codes are asked for
  std::vector<std::pair<std::string, std::string>> parameters;  ///< sent there: "scope" ...
  bool pkce = false;                                            ///< with a code verifier (S256)
  bool request_id = false;  ///< an x-request-id goes along (qwen)
  DeviceDialect dialect = DeviceDialect::standard;
  std::string poll_url;           ///< codex: where the authorization code is fetched
  std::string verification_page;  ///< codex: what the person opens
  std::string redirect_uri;       ///< codex: named when the authorization code is exchanged
  std::string oauth_host;         ///< to be kept with the login: its refreshes go there
};

/// The device flow of a provider that has one.
///
/// Addresses are found as by token_endpoint_of(); an origin that is configured counts for both.
///
/// @param region kimi: "mainland-cn" or "global"; empty: what Kimi Code's region file says, else
///        mainland
/// @errors unsupported when that provider has no device flow that we know; invalid_argument for
///         another region; those of token_endpoint_of()
/// @effects may read files (kimi's region and device id)
Result<DeviceFlow> device_flow_of(const LoginProvider& login, const Environment& environment,
                                  const TokenEndpointSettings& settings = {},
                                  std::string_view region = {});

/// Logs in on another device: shows a code, and polls until the person has confirmed it there.
///
/// Polls at the server's pace: every 5 s when it names none, 5 s slower after each slow_down,
/// twice as slow after a failure of the network. Stops when the code has expired, at the latest
/// after 15 minutes.
///
/// @return the tokens of a family of its own, which nobody else holds
/// @errors cancelled when the person gave up or said no; timeout when the code expired;
///         login_needed when the server drops the code: start again; configuration when it does not
///         accept our client; unsupported when it has no device login; malformed; network, tls and
///         timeout when it could not be reached for the first request
/// @effects requests; shows a page by way of the interaction
/// @source RFC 8628; codex 0.169.0 (login/device_code_auth)
Result<GrantedTokens> device_login(const DeviceFlow& flow, const LoginWorld& world,
                                   Interaction& interaction);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/oauth_device.ipp>
#endif
