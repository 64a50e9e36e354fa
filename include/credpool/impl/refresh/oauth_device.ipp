#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/oauth_device.hpp>

#include <credpool/core/file.hpp>
#include <credpool/impl/refresh/login_answer.hpp>
#include <credpool/impl/refresh/pkce.hpp>

#include <algorithm>
#include <optional>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr Duration device_default_interval = std::chrono::seconds{5};
inline constexpr Duration device_longest_interval = std::chrono::seconds{60};
inline constexpr Duration device_longest_login = std::chrono::minutes{15};

/// What the server gave for one login.
struct DeviceGrant {
  std::string device_code;
  std::string user_code;
  std::string page;
  Duration lifetime = device_longest_login;
  Duration interval = device_default_interval;
};

/// A number of seconds, also as a text; none when it is missing or no number above zero.
inline std::optional<Duration> device_seconds(const Json& answer, std::string_view name) {
  const auto* value = member(answer, name);
  const auto seconds = value == nullptr ? std::nullopt : number_of(*value);
  if (!seconds || !(*seconds > 0)) return std::nullopt;
  return Duration{static_cast<Duration::rep>(std::min(*seconds, 86400.0) * 1000)};
}

/// A code that a person reads: short, printable.
inline bool is_user_code(std::string_view code) {
  return !code.empty() && code.size() <= 64 &&
         std::all_of(code.begin(), code.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

inline Result<DeviceGrant> parse_device_grant(const DeviceFlow& flow, std::string_view body) {
  const auto refused = [&](std::string_view what) {
    return fail(Errc::malformed, "reading the device codes of " + flow.token.provider,
                oauth_origin_of(flow.authorization_url), std::string{what});
  };
  const auto answer = parse_json(body);
  if (!answer || !answer->is_object()) return refused("it is not a JSON object");
  const bool codex = flow.dialect == DeviceDialect::codex;
  DeviceGrant grant;
  grant.device_code = text_or_empty(*answer, codex ? "device_auth_id" : "device_code");
  if (!is_safe_token(grant.device_code)) return refused("there is no device code");
  grant.user_code = text_or_empty(*answer, "user_code");
  if (!is_user_code(grant.user_code)) return refused("there is no user code");
  if (codex) {
    grant.page = flow.verification_page;
  } else {
    grant.page = text_or_empty(*answer, "verification_uri_complete");
    if (grant.page.empty()) grant.page = text_or_empty(*answer, "verification_uri");
    if (grant.page.empty()) grant.page = text_or_empty(*answer, "verification_url");
  }
  if (!is_safe_page(grant.page)) return refused("the page to be opened is not a safe address");
  grant.lifetime = std::min(device_seconds(*answer, "expires_in").value_or(device_longest_login),
                            device_longest_login);
  grant.interval =
      std::clamp<Duration>(device_seconds(*answer, "interval").value_or(device_default_interval),
                           std::chrono::seconds{1}, device_longest_interval);
  return grant;
}

/// The first request: asks for the two codes.
inline Result<DeviceGrant> ask_for_device_grant(const DeviceFlow& flow, const Pkce& pkce,
                                                const LoginWorld& world) {
  FormParameters parameters{{"client_id", flow.token.client_id}};
  parameters.insert(parameters.end(), flow.parameters.begin(), flow.parameters.end());
  if (flow.pkce) {
    parameters.emplace_back("code_challenge", pkce.challenge);
    parameters.emplace_back("code_challenge_method", "S256");
  }
  const bool codex = flow.dialect == DeviceDialect::codex;
  auto request = oauth_request(flow.token, flow.authorization_url,
                               codex ? TokenEncoding::json : TokenEncoding::form, parameters);
  if (flow.request_id) {
    auto id = oauth_random();
    if (!id) return fail(id.error());
    request.headers.push_back({"x-request-id", std::move(*id)});
  }
  const auto response = world.send(request);
  if (!response) return fail(response.error());
  if (response->status == 200) return parse_device_grant(flow, response->body);
  if (response->status == 404)
    return fail(Errc::unsupported, login_doing(flow.token), oauth_origin_of(flow.authorization_url),
                "the server offers no device login, or not for this account: log in with the "
                "browser instead");
  return login_refused(flow.token, *response,
                       classify_token_answer(flow.token.provider, *response, world.now()));
}

/// What a poll came to.
struct DevicePoll {
  std::optional<Result<GrantedTokens>> done;  ///< set: the login is over
  bool slower = false;                        ///< 5 s more between the polls from now on
  std::optional<TimePoint> not_before;
};

inline DevicePoll judge_device_poll(const DeviceFlow& flow, const Response& response,
                                    const LoginWorld& world) {
  const auto answer = classify_token_answer(flow.token.provider, response, world.now());
  switch (answer.verdict) {
    case TokenVerdict::ok:
      return {parse_granted_tokens(response.body), false, {}};
    case TokenVerdict::pending:
      return {};
    case TokenVerdict::slow_down:
      return {{}, true, answer.retry_at};
    case TokenVerdict::transient:
      if (response.status == 428) return {};  // Google's "not yet"
      return {{}, false, answer.retry_at};
    default:
      return {login_refused(flow.token, response, answer), false, {}};
  }
}

/// OpenAI's poll: an authorization code with the verifier that the server itself chose.
inline DevicePoll judge_codex_poll(const DeviceFlow& flow, const Response& response,
                                   const LoginWorld& world) {
  if (response.status == 403 || response.status == 404) return {};
  if (response.status != 200) return judge_device_poll(flow, response, world);
  const auto answer = parse_json(response.body);
  const auto code = answer ? text_or_empty(*answer, "authorization_code") : std::string_view{};
  const auto verifier = answer ? text_or_empty(*answer, "code_verifier") : std::string_view{};
  if (!is_safe_token(code) || !is_safe_token(verifier))
    return {fail(Errc::malformed, login_doing(flow.token), oauth_origin_of(flow.poll_url),
                 "the answer holds no authorization code: start the login again"),
            false,
            {}};
  return {
      exchange_code(flow.token, TokenEncoding::form, code,
                    {{"redirect_uri", flow.redirect_uri}, {"code_verifier", std::string{verifier}}},
                    world),
      false,
      {}};
}

inline Request device_poll_request(const DeviceFlow& flow, const DeviceGrant& grant,
                                   const Pkce& pkce) {
  if (flow.dialect == DeviceDialect::codex)
    return oauth_request(flow.token, flow.poll_url, TokenEncoding::json,
                         {{"device_auth_id", grant.device_code}, {"user_code", grant.user_code}});
  FormParameters parameters{{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                            {"device_code", grant.device_code},
                            {"client_id", flow.token.client_id}};
  if (!flow.token.client_secret.empty())
    parameters.emplace_back("client_secret", flow.token.client_secret.reveal());
  if (flow.pkce) parameters.emplace_back("code_verifier", pkce.verifier);
  return oauth_request(flow.token, flow.token.url, TokenEncoding::form, parameters);
}

/// Whether the network failed, so that the same poll may work later.
inline bool may_poll_again(const Error& error) {
  const auto code = error.errc();
  return code == Errc::network || code == Errc::timeout || code == Errc::tls;
}

/// Kimi's server outside mainland China, or empty for the usual one.
inline Result<std::string> kimi_host_of_region(std::string_view region,
                                               const Environment& environment) {
  std::string wanted{region};
  if (wanted.empty()) {
    constexpr FileRules region_rules{64, true, false};
    if (const auto home = environment.directory("KIMI_CODE_HOME", ".kimi-code"))
      if (const auto file = read_file(*home / "region", environment, region_rules))
        wanted = file->bytes.reveal().starts_with("global") ? "global" : "";
  }
  if (wanted == "global") return std::string{"https://auth.kimi.ai"};
  if (wanted.empty() || wanted == "mainland-cn") return std::string{};
  return fail(Errc::invalid_argument, "choosing the region of kimi", {},
              "it is mainland-cn or global");
}

}  // namespace detail

CREDPOOL_INLINE Result<DeviceFlow> device_flow_of(const LoginProvider& login,
                                                  const Environment& environment,
                                                  const TokenEndpointSettings& settings,
                                                  std::string_view region) {
  auto credential = Credential::login(login.cli, login.provider, {});
  DeviceFlow flow;
  std::string_view path;
  if (login.provider == "kimi-code") {
    auto host = detail::kimi_host_of_region(region, environment);
    if (!host) return fail(host.error());
    credential.oauth_host = std::move(*host);
    path = "/api/oauth/device_authorization";
  } else if (login.provider == "openai") {
    flow.dialect = DeviceDialect::codex;
    path = "/api/accounts/deviceauth/usercode";
    credential.oauth_host =
        environment.variable("CODEX_APP_SERVER_LOGIN_ISSUER").value_or(std::string{});
  } else if (login.provider == "qwen-portal") {
    flow.pkce = true;
    flow.request_id = true;
    path = "/api/v1/oauth2/device/code";
    flow.parameters = {{"scope", "openid profile email model.completion"}};
  } else if (login.provider == "xai") {
    path = "/oauth2/device/code";
    flow.parameters = {{"scope", "openid profile email offline_access grok-cli:access api:access"}};
  } else {
    return fail(Errc::unsupported, "logging in with a device code", std::string{login.provider},
                "this provider has none that is known");
  }
  // Codex' switch for refreshes does not count for a login, whose addresses hang together.
  auto endpoint = token_endpoint_of(
      credential, environment.with_variable("CODEX_REFRESH_TOKEN_URL_OVERRIDE", {}), settings);
  if (!endpoint) return fail(endpoint.error());
  flow.token = std::move(*endpoint);
  flow.oauth_host = detail::oauth_origin_of(flow.token.url);
  flow.authorization_url = flow.oauth_host + std::string{path};
  if (flow.dialect == DeviceDialect::codex) {
    flow.poll_url = flow.oauth_host + "/api/accounts/deviceauth/token";
    flow.verification_page = flow.oauth_host + "/codex/device";
    flow.redirect_uri = flow.oauth_host + "/deviceauth/callback";
  }
  return flow;
}

CREDPOOL_INLINE Result<GrantedTokens> device_login(const DeviceFlow& flow, const LoginWorld& world,
                                                   Interaction& interaction) {
  const auto pkce = detail::make_pkce();
  if (!pkce) return fail(pkce.error());
  const auto grant = detail::ask_for_device_grant(flow, *pkce, world);
  if (!grant) return fail(grant.error());
  const auto end = world.steady() + grant->lifetime;
  interaction.show({grant->page, grant->user_code, world.now() + grant->lifetime});
  interaction.progress("Waiting for the login to be confirmed in the browser.");

  const auto poll_request = detail::device_poll_request(flow, *grant, *pkce);
  auto interval = grant->interval;
  Duration pause = interval;
  while (true) {
    const auto left = std::chrono::ceil<Duration>(end - world.steady());
    interaction.wait(std::clamp(pause, Duration{0}, std::max(left, Duration{0})));
    if (interaction.cancelled())
      return fail(Errc::cancelled, detail::login_doing(flow.token), {}, "nothing was changed");
    if (world.steady() >= end)
      return fail(Errc::timeout, detail::login_doing(flow.token), {},
                  "the code was not confirmed in time: start the login again");
    const auto response = world.send(poll_request);
    if (!response) {
      if (!detail::may_poll_again(response.error())) return fail(response.error());
      pause = std::min(pause * 2, std::max(interval, detail::device_longest_interval));
      continue;
    }
    auto poll = flow.dialect == DeviceDialect::codex
                    ? detail::judge_codex_poll(flow, *response, world)
                    : detail::judge_device_poll(flow, *response, world);
    if (poll.done) return std::move(*poll.done);
    if (poll.slower) interval += std::chrono::seconds{5};
    pause = interval;
    if (poll.not_before)
      pause = std::max(
          pause, std::min<Duration>(*poll.not_before - world.now(), detail::device_longest_login));
  }
}

}  // namespace credpool::inline CREDPOOL_ABI
