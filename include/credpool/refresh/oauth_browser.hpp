#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/interaction.hpp>
#include <credpool/refresh/login_providers.hpp>
#include <credpool/refresh/login_world.hpp>

#include <string>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// How the browser's answer comes back to us.
enum class BrowserReturn {
  loopback,  ///< to a listener on this machine, or as the person volunteers it
  paste,     ///< the person copies it: for a machine without a browser
};

/// A server's authorization code grant with PKCE, and who we are to it.
struct BrowserFlow {
  TokenEndpoint token;            ///< its parameters are those of a refresh, and not sent here
  std::string authorization_url;  ///< https, or http to a loopback address
  std::vector<std::pair<std::string, std::string>> parameters;  ///< sent there: "scope" ...
  std::vector<int> ports{0};  ///< tried in order; 0: any. Some servers know only certain ones
  std::string redirect_host = "127.0.0.1";  ///< or "localhost", where the server knows that one
  std::string redirect_path = "/callback";
  std::string paste_redirect_uri;  ///< a page that shows the code; empty: the loopback address
  TokenEncoding exchange_encoding = TokenEncoding::form;
  bool state_in_exchange = false;  ///< the state goes along with the code (claude)
  std::string oauth_host;          ///< to be kept with the login: its refreshes go there
  Duration patience = std::chrono::minutes{10};
};

/// The browser login of a provider that has one.
/// @errors unsupported when that provider has none that we know; those of token_endpoint_of()
/// @effects may read files (gemini's installed bundle)
Result<BrowserFlow> browser_flow_of(const LoginProvider& login, const Environment& environment,
                                    const TokenEndpointSettings& settings = {});

/// Logs in with a browser (RFC 6749 section 4.1, RFC 7636, RFC 8252).
///
/// The listener hears 127.0.0.1 only, takes one GET of at most 8 KiB from each of at most 16
/// connections, wants the Host and path that we gave the browser, and is closed as soon as one
/// answer carried our state: before the code is used. What carries another state is refused and
/// changes nothing. The code is sent once.
///
/// @return the tokens of a family of its own, which nobody else holds
/// @errors cancelled when the person gave up or said no; timeout; busy when no port is free;
///         login_needed when the server refuses the code; malformed when what was pasted is not
///         the answer to this login; configuration when it does not accept our client; network,
///         tls: the code may be spent, start again
/// @effects one listening socket; one request; shows a page by way of the interaction
/// @thread_safety safe; blocks
Result<GrantedTokens> browser_login(const BrowserFlow& flow, BrowserReturn comes_back,
                                    const LoginWorld& world, Interaction& interaction);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/oauth_browser.ipp>
#endif
