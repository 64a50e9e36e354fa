#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>
#include <credpool/transport/message.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Base URLs that replace the built-in ones, by provider id ("kimi-code", "openai" ...), for tests,
/// regions and gateways. A key with the kind ("openai/oauth") goes before one without.
/// "google-gemini-cli/tokeninfo" is the host of Google's token check.
using BaseUrls = std::map<std::string, std::string, std::less<>>;

/// What a probe's 200 tells besides "valid".
enum class ProbeAnswer {
  nothing,
  kimi_usages,     ///< GET /usages
  codex_usage,     ///< GET /wham/usage
  claude_usage,    ///< GET /api/oauth/usage
  code_assist,     ///< loadCodeAssist: tier, or why there is none
  openrouter_key,  ///< GET /key
};

/// How the secret is sent.
enum class ProbeAuth { bearer, x_api_key, x_goog_api_key, github_token };

/// One request that finds out whether a credential works, without using anything up.
struct Probe {
  std::string_view provider;  ///< a provider id, or several separated by blanks
  std::string_view kinds;     ///< names of Kind, separated by blanks
  std::string_view method;
  std::string_view
      base_url;  ///< the first is tried first; others, separated by blanks, when it refuses
  std::string_view path;
  std::string_view headers;  ///< "Name: value" lines separated by '\n'
  std::string_view body;     ///< JSON; may be empty
  ProbeAuth auth;
  ProbeAnswer answer;
  std::string_view needs_prefix;  ///< applies only to secrets that begin so; empty: to all
  std::string_view override_as;   ///< the key in BaseUrls when it is not provider[/kind]
};

/// The probes for a credential in the order in which they are sent; each must pass. Empty when none
/// is known for its provider and kind. The pointers stay valid for ever.
std::vector<const Probe*> probes_for(const Credential& credential);

/// The addresses to try for one probe, in order.
///
/// An override stands alone. So does an address of the credential's own store, unless it is one of
/// the provider's: then it goes first and the others follow, since a key of another region or plan
/// is refused without being bad. A secret never goes to an address that is neither.
std::vector<std::string> base_urls(const Probe& probe, const Credential& credential,
                                   const BaseUrls& overrides);

/// The provider's base URL for API keys: the override, else the built-in one; empty when unknown.
std::string base_url(std::string_view provider, const BaseUrls& overrides = {});

/// The probe as a request to one address. The secret stands in a header only.
Request make_request(const Probe& probe, const Credential& credential, std::string_view base);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/validation/probe.ipp>
#endif
