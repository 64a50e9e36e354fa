#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/token_endpoint.hpp>

#include <credpool/core/file.hpp>
#include <credpool/core/safe_url.hpp>
#include <credpool/credential/jwt.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/impl/refresh/google_client.hpp>
#include <credpool/impl/refresh/oauth_providers.hpp>
#include <credpool/impl/refresh/oauth_request.hpp>

#include <algorithm>
#include <optional>

#include <sys/utsname.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline std::string configured_for(const std::map<std::string, std::string, std::less<>>& settings,
                                  std::string_view provider) {
  const auto found = settings.find(provider);
  return found == settings.end() ? std::string{} : found->second;
}

/// A header value as Kimi's programs send it: what is not printable ASCII is left out.
inline std::string kimi_header_value(std::string_view text) {
  std::string value;
  for (const char c : text)
    if (c >= ' ' && c <= '~') value.push_back(c);
  return value;
}

/// The device id that the login was made with; empty when there is none. It is the CLI's: a
/// missing one is not made here.
inline std::string kimi_device_id(std::string_view cli, const Environment& environment) {
  constexpr FileRules id_rules{256, true, false};
  const auto read_from = [&](std::string_view variable, std::string_view fallback) {
    const auto directory = environment.directory(variable, fallback);
    if (!directory) return std::string{};
    const auto file = read_file(*directory / "device_id", environment, id_rules);
    if (!file) return std::string{};
    auto text = file->bytes.reveal();
    text = text.substr(0, text.find_first_of("\r\n"));
    return is_safe_token(text) ? std::string{text} : std::string{};
  };
  const auto of_code = [&] { return read_from("KIMI_CODE_HOME", ".kimi-code"); };
  const auto of_cli = [&] { return read_from("KIMI_SHARE_DIR", ".kimi"); };
  if (cli == "kimi-cli") return of_cli();
  auto id = of_code();
  return id.empty() && cli != "kimi-code" ? of_cli() : id;
}

/// Who we are to Kimi's server: ourselves. A client that claimed to be another one has lost
/// accounts.
inline std::vector<Header> kimi_headers(std::string_view cli, const Environment& environment) {
  std::vector<Header> headers{{"X-Msh-Platform", "credpool"},
                              {"X-Msh-Version", CREDPOOL_VERSION_STRING}};
  const auto add = [&](const char* name, std::string_view text) {
    if (auto value = kimi_header_value(text); !value.empty())
      headers.push_back({name, std::move(value)});
  };
  add("X-Msh-Device-Name", environment.host_name());
  if (utsname system{}; ::uname(&system) == 0) {
    add("X-Msh-Device-Model", std::string{system.sysname} + " " + system.machine);
    add("X-Msh-Os-Version", system.release);
  }
  add("X-Msh-Device-Id", kimi_device_id(cli, environment));
  return headers;
}

/// The address that the CLI's own switch or the store names; empty when neither does.
inline std::string oauth_url_of_cli(const OAuthProvider& row, const Credential& credential,
                                    const Environment& environment) {
  if (row.provider == "kimi-code")
    for (const auto* name : {"KIMI_CODE_OAUTH_HOST", "KIMI_OAUTH_HOST"})
      if (const auto host = environment.variable(name))
        return oauth_without_slash(*host) + std::string{row.token_path};
  if (row.provider == "openai")
    if (const auto url = environment.variable("CODEX_REFRESH_TOKEN_URL_OVERRIDE")) return *url;
  if (credential.oauth_host.empty()) return {};
  return oauth_without_slash(credential.oauth_host) + std::string{row.token_path};
}

/// The client pair of a login of Google, from wherever it is known.
inline Result<GoogleClient> google_client_of(const OAuthProvider& row, const Credential& credential,
                                             const Environment& environment,
                                             const TokenEndpointSettings& settings) {
  if (const auto file = configured_for(settings.client_secrets_files, row.provider); !file.empty())
    return read_google_client(environment.expand(file), row.client_id, environment);
  const std::string doing = "finding Google's client pair for " + std::string{row.provider};
  if (row.client_id.empty()) {  // application default credentials carry theirs
    if (credential.places.empty())
      return fail(Errc::configuration, doing, {}, "the login names no file");
    return read_google_client(credential.places.front().location, {}, environment);
  }
  if (row.provider == "google-gemini-cli")
    if (auto secret = google_secret_of_gemini(environment, row.client_id))
      return GoogleClient{std::string{row.client_id}, std::move(*secret)};
  const std::string program = row.provider == "google-gemini-cli"
                                  ? "install Gemini CLI so that `gemini` is on PATH, or put "
                                  : "put ";
  // No mistake of anybody's: this login is its CLI's to refresh until somebody sets that up.
  return fail(Errc::unsupported, doing, {},
              program +
                  "the client secret into a file of mode 0600 and name that file in the "
                  "setting oauth." +
                  std::string{row.provider} + ".clientSecretFile");
}

inline Result<void> check_token_url(const std::string& url, std::string_view provider) {
  if (is_safe_base_url(url)) return {};
  return fail(Errc::configuration, "finding the token endpoint of " + std::string{provider}, {},
              "the address must be https, or http to a loopback address such as "
              "http://127.0.0.1:8080, and without user name, query and fragment");
}

inline Result<TokenEndpoint> configured_endpoint(std::string_view provider,
                                                 const TokenEndpointSettings& settings) {
  TokenEndpoint endpoint;
  endpoint.provider = provider;
  endpoint.url = configured_for(settings.urls, provider);
  endpoint.client_id = configured_for(settings.client_ids, provider);
  if (endpoint.url.empty() || endpoint.client_id.empty())
    return fail(Errc::unsupported, "finding the token endpoint", std::string{provider},
                "it is not known: set its address and its client id, or log in with its own CLI");
  if (auto safe = check_token_url(endpoint.url, provider); !safe) return fail(safe.error());
  return endpoint;
}

/// How long a token lives: a finite number of seconds above zero, or a text of digits.
/// @return none when it is neither, or not told: an odd end is no reason to lose the tokens
inline std::optional<Duration> granted_lifetime(const Json& answer, std::string_view name) {
  const auto* told = member(answer, name);
  if (told == nullptr) return std::nullopt;
  if (told->is_string() &&
      told->get_ref<const std::string&>().find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const auto seconds = number_of(*told);
  if (!seconds || !(*seconds > 0)) return std::nullopt;
  constexpr double longest = 100.0 * 366 * 24 * 3600;  // far from overflow in later sums
  const auto milliseconds = static_cast<Duration::rep>(std::min(*seconds, longest) * 1000);
  return Duration{std::max<Duration::rep>(milliseconds, 1)};
}

/// Whose tokens these are: what the stores keep as the account, and nothing else, since the two
/// are compared.
inline std::string granted_account(const Json& answer) {
  for (const auto* name : {"id_token", "access_token"})
    if (const auto claims = read_jwt(text_or_empty(answer, name));
        claims && !claims->openai_account_id.empty())
      return claims->openai_account_id;
  if (const auto* account = member(answer, "account"))
    if (const auto id = text_or_empty(*account, "uuid"); !id.empty()) return std::string{id};
  if (const auto claims = read_jwt(text_or_empty(answer, "id_token"))) return claims->subject;
  return {};
}

}  // namespace detail

CREDPOOL_INLINE Result<TokenEndpoint> token_endpoint_of(const Credential& credential,
                                                        const Environment& environment,
                                                        const TokenEndpointSettings& settings) {
  const auto* row = detail::find_oauth_provider(credential.provider);
  if (row == nullptr) return detail::configured_endpoint(credential.provider, settings);

  TokenEndpoint endpoint;
  endpoint.provider = row->provider;
  endpoint.encoding = row->encoding;
  if (const auto url = detail::configured_for(settings.urls, row->provider); !url.empty())
    endpoint.url = detail::oauth_url_with_path(url, row->token_path);
  if (endpoint.url.empty()) endpoint.url = detail::oauth_url_of_cli(*row, credential, environment);
  if (endpoint.url.empty()) endpoint.url = std::string{row->origin} + std::string{row->token_path};
  if (auto safe = detail::check_token_url(endpoint.url, row->provider); !safe)
    return fail(safe.error());

  endpoint.client_id = row->client_id;
  if (row->needs_secret) {
    auto client = detail::google_client_of(*row, credential, environment, settings);
    if (!client) return fail(client.error());
    endpoint.client_id = std::move(client->id);
    endpoint.client_secret = std::move(client->secret);
  }
  if (auto id = detail::configured_for(settings.client_ids, row->provider); !id.empty())
    endpoint.client_id = std::move(id);
  if (!row->refresh_parameter.empty())
    endpoint.parameters.emplace_back(row->refresh_parameter, row->refresh_value);
  if (row->provider == "kimi-code")
    endpoint.headers = detail::kimi_headers(credential.cli, environment);
  if (const auto own = settings.headers.find(row->provider); own != settings.headers.end())
    for (const auto& header : own->second) {
      std::erase_if(endpoint.headers, [&](const Header& ours) {
        return detail::folded_header(ours.name) == detail::folded_header(header.name);
      });
      endpoint.headers.push_back(header);
    }
  return endpoint;
}

CREDPOOL_INLINE Request refresh_request(const TokenEndpoint& endpoint,
                                        const Secret& refresh_token) {
  detail::FormParameters parameters{{"grant_type", "refresh_token"},
                                    {"refresh_token", std::string{refresh_token.reveal()}},
                                    {"client_id", endpoint.client_id}};
  if (!endpoint.client_secret.empty())
    parameters.emplace_back("client_secret", endpoint.client_secret.reveal());
  parameters.insert(parameters.end(), endpoint.parameters.begin(), endpoint.parameters.end());
  auto request = detail::oauth_request(endpoint, endpoint.url, endpoint.encoding, parameters);
  for (auto& parameter : parameters) wipe(parameter.second.data(), parameter.second.size());
  return request;
}

CREDPOOL_INLINE Result<GrantedTokens> parse_granted_tokens(std::string_view body) {
  const auto refused = [](std::string_view what) {
    return fail(Errc::malformed, "reading the answer of a token endpoint", {}, std::string{what});
  };
  const auto answer = detail::parse_json(body);
  if (!answer || !answer->is_object()) return refused("it is not a JSON object");

  GrantedTokens granted;
  const auto access = detail::text_or_empty(*answer, "access_token");
  if (access.empty()) return refused("there is no access token");
  if (!is_safe_token(access)) return refused("the access token is too long or not printable");
  granted.access_token = Secret{access};
  const auto* refresh = detail::member(*answer, "refresh_token");
  if (refresh != nullptr && !refresh->is_null()) {
    const auto text = detail::text_or_empty(*answer, "refresh_token");
    if (!refresh->is_string() || (!text.empty() && !is_safe_token(text)))
      return refused("the refresh token is too long or not printable");
    granted.refresh_token = Secret{text};
  }
  // It names the account and opens nothing: an odd one is left out, the login is kept.
  const auto id = detail::text_or_empty(*answer, "id_token");
  if (read_jwt(id)) granted.id_token = Secret{id};

  granted.lifetime = detail::granted_lifetime(*answer, "expires_in");
  granted.refresh_lifetime = detail::granted_lifetime(*answer, "refresh_token_expires_in");
  granted.token_type = detail::text_or_empty(*answer, "token_type");
  granted.scope = detail::text_or_empty(*answer, "scope");
  granted.resource_url = detail::text_or_empty(*answer, "resource_url");
  granted.account_id = detail::granted_account(*answer);
  return granted;
}

}  // namespace credpool::inline CREDPOOL_ABI
