#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/oauth_browser.hpp>

#include <credpool/impl/refresh/authorization_answer.hpp>
#include <credpool/impl/refresh/loopback_listener.hpp>
#include <credpool/impl/refresh/pkce.hpp>

#include <optional>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// One login under way.
struct BrowserAttempt {
  std::string state;
  Pkce pkce;
  std::string redirect_uri;
  std::string page;  ///< what the person opens
};

inline Result<BrowserAttempt> start_attempt(const BrowserFlow& flow, std::string redirect_uri) {
  auto state = oauth_random();
  if (!state) return fail(state.error());
  auto pkce = make_pkce();
  if (!pkce) return fail(pkce.error());
  FormParameters parameters{{"response_type", "code"},         {"client_id", flow.token.client_id},
                            {"redirect_uri", redirect_uri},    {"code_challenge", pkce->challenge},
                            {"code_challenge_method", "S256"}, {"state", *state}};
  parameters.insert(parameters.end(), flow.parameters.begin(), flow.parameters.end());
  const bool has_query = flow.authorization_url.find('?') != std::string::npos;
  auto page = flow.authorization_url + (has_query ? "&" : "?") + form_text(parameters);
  if (!is_safe_page(page))
    return fail(Errc::configuration, login_doing(flow.token), {},
                "the authorization address must be https, or http to a loopback address");
  return BrowserAttempt{std::move(*state), std::move(*pkce), std::move(redirect_uri),
                        std::move(page)};
}

inline std::string loopback_redirect_uri(const BrowserFlow& flow, int port) {
  return "http://" + flow.redirect_host + ":" + std::to_string(port) + flow.redirect_path;
}

/// Judges one request of the browser; what belongs to the login is put into `found`.
inline LoopbackReply judge_callback(std::string_view head, const BrowserAttempt& attempt,
                                    std::optional<AuthorizationAnswer>& found) {
  constexpr std::string_view scheme = "http://";
  const auto address = std::string_view{attempt.redirect_uri}.substr(scheme.size());
  const auto slash = address.find('/');
  const auto target = get_target(head, address.substr(0, slash));
  if (target.empty()) return {400, "This is not an answer to a login."};
  const auto mark = std::min(target.find('?'), target.size());
  if (target.substr(0, mark) != address.substr(slash)) return {404, "There is nothing here."};
  found = authorization_answer(target.substr(std::min(mark + 1, target.size())), attempt.state);
  if (!found) return {400, "This answer does not belong to the login that is waiting."};
  if (!found->error.empty())
    return {200, "The login was not granted. You can close this page.", true};
  return {200, "The login is done here: go back to where you began. You can close this page.",
          true};
}

inline constexpr std::string_view not_the_answer = "That is not the answer to this login.";

inline Result<AuthorizationAnswer> hear_answer(const BrowserFlow& flow, LoopbackListener listener,
                                               const BrowserAttempt& attempt,
                                               const LoginWorld& world, Interaction& interaction) {
  constexpr std::chrono::milliseconds slice{100};
  const auto end = world.steady() + flow.patience;
  std::optional<AuthorizationAnswer> found;
  const auto judge = [&](std::string_view head) { return judge_callback(head, attempt, found); };
  while (!listener.serve(slice, judge, world.steady)) {
    // The browser of another machine finds no listener: its person brings the address.
    if (const auto given = interaction.volunteered()) {
      found = pasted_answer(given->reveal(), attempt.redirect_uri, attempt.state);
      if (found) break;
      interaction.progress(not_the_answer);
    }
    if (interaction.cancelled())
      return fail(Errc::cancelled, login_doing(flow.token), {}, "nothing was changed");
    if (world.steady() >= end)
      return fail(Errc::timeout, login_doing(flow.token), {},
                  "no answer came from the browser: start the login again");
  }
  return std::move(*found);
}

inline Result<AuthorizationAnswer> ask_for_answer(const BrowserFlow& flow,
                                                  const BrowserAttempt& attempt,
                                                  Interaction& interaction) {
  constexpr int tries = 3;
  for (int i = 0; i < tries; ++i) {
    const auto pasted = interaction.ask_secret(
        "Paste the address that the browser was sent to, or the code that it shows: ");
    if (!pasted) return fail(pasted.error());
    if (auto answer = pasted_answer(pasted->reveal(), attempt.redirect_uri, attempt.state))
      return std::move(*answer);
    interaction.progress(not_the_answer);
  }
  return fail(Errc::malformed, login_doing(flow.token), {},
              "what was pasted does not belong to this login: start again");
}

inline Result<GrantedTokens> finish_browser_login(const BrowserFlow& flow,
                                                  const BrowserAttempt& attempt,
                                                  const Result<AuthorizationAnswer>& answer,
                                                  const LoginWorld& world) {
  if (!answer) return fail(answer.error());
  if (!answer->error.empty()) {
    const bool denied = answer->error == "access_denied";
    return fail(denied ? Errc::cancelled : Errc::login_needed, login_doing(flow.token),
                oauth_origin_of(flow.authorization_url),
                denied ? "access was denied on the provider's page"
                       : "the provider did not grant it" + shown_error_code(answer->error));
  }
  FormParameters parameters{{"redirect_uri", attempt.redirect_uri},
                            {"code_verifier", attempt.pkce.verifier}};
  if (flow.state_in_exchange) parameters.emplace_back("state", attempt.state);
  return exchange_code(flow.token, flow.exchange_encoding, answer->code, std::move(parameters),
                       world);
}

/// A port for a redirect that nothing hears: the browser finds nobody there and keeps the address
/// in its address bar. Who else heard it could not use the code without our verifier.
inline int unheard_port(const BrowserFlow& flow) {
  constexpr int usual = 65001;
  return flow.ports.empty() || flow.ports.front() == 0 ? usual : flow.ports.front();
}

}  // namespace detail

CREDPOOL_INLINE Result<BrowserFlow> browser_flow_of(const LoginProvider& login,
                                                    const Environment& environment,
                                                    const TokenEndpointSettings& settings) {
  auto credential = Credential::login(login.cli, login.provider, {});
  if (login.provider == "openai")
    credential.oauth_host =
        environment.variable("CODEX_APP_SERVER_LOGIN_ISSUER").value_or(std::string{});
  else if (login.provider != "anthropic" && login.provider != "google-gemini-cli")
    return fail(Errc::unsupported, "logging in with the browser", std::string{login.provider},
                "this provider has no such login that is known");

  auto endpoint = token_endpoint_of(
      credential, environment.with_variable("CODEX_REFRESH_TOKEN_URL_OVERRIDE", {}), settings);
  if (!endpoint) return fail(endpoint.error());
  BrowserFlow flow;
  flow.oauth_host = detail::oauth_origin_of(endpoint->url);
  const auto* row = detail::find_oauth_provider(login.provider);
  // A server that the user put in place of the provider's own has its pages, too.
  const bool own_server = flow.oauth_host != row->origin;
  if (login.provider == "openai") {
    // @source codex 0.169.0 (login/server)
    flow.authorization_url = flow.oauth_host + "/oauth/authorize";
    flow.parameters = {{"scope", "openid profile email offline_access"},
                       {"id_token_add_organizations", "true"},
                       {"codex_cli_simplified_flow", "true"},
                       {"originator", "credpool"}};
    flow.ports = {1455, 1457};
    flow.redirect_host = "localhost";
    flow.redirect_path = "/auth/callback";
  } else if (login.provider == "anthropic") {
    // @source claude-code as third parties read it: `claude auth login`
    flow.authorization_url = own_server ? flow.oauth_host + "/oauth/authorize"
                                        : "https://claude.com/cai/oauth/authorize";
    flow.parameters = {{"code", "true"}, {"scope", std::string{detail::claude_scopes}}};
    flow.redirect_host = "localhost";
    flow.paste_redirect_uri = "https://platform.claude.com/oauth/code/callback";
    flow.exchange_encoding = TokenEncoding::json;
    flow.state_in_exchange = true;
  } else {
    // @source gemini-cli 0.61.0 (code_assist/oauth2)
    flow.authorization_url = own_server ? flow.oauth_host + "/o/oauth2/v2/auth"
                                        : "https://accounts.google.com/o/oauth2/v2/auth";
    flow.parameters = {{"scope",
                        "https://www.googleapis.com/auth/cloud-platform "
                        "https://www.googleapis.com/auth/userinfo.email "
                        "https://www.googleapis.com/auth/userinfo.profile"},
                       {"access_type", "offline"},
                       {"prompt", "consent"}};
    flow.redirect_path = "/oauth2callback";
    flow.paste_redirect_uri = "https://codeassist.google.com/authcode";
  }
  flow.token = std::move(*endpoint);
  return flow;
}

CREDPOOL_INLINE Result<GrantedTokens> browser_login(const BrowserFlow& flow,
                                                    BrowserReturn comes_back,
                                                    const LoginWorld& world,
                                                    Interaction& interaction) {
  const auto task = [&](const detail::BrowserAttempt& attempt) {
    return BrowserTask{attempt.page, {}, world.now() + flow.patience};
  };
  if (comes_back == BrowserReturn::paste) {
    const auto attempt = detail::start_attempt(
        flow, !flow.paste_redirect_uri.empty()
                  ? flow.paste_redirect_uri
                  : detail::loopback_redirect_uri(flow, detail::unheard_port(flow)));
    if (!attempt) return fail(attempt.error());
    interaction.show(task(*attempt));
    return detail::finish_browser_login(flow, *attempt,
                                        detail::ask_for_answer(flow, *attempt, interaction), world);
  }
  auto listener = detail::LoopbackListener::open(flow.ports);
  if (!listener) return fail(listener.error());
  const auto attempt =
      detail::start_attempt(flow, detail::loopback_redirect_uri(flow, listener->port()));
  if (!attempt) return fail(attempt.error());
  interaction.show(task(*attempt));
  interaction.progress("Waiting for the browser.");
  return detail::finish_browser_login(
      flow, *attempt, detail::hear_answer(flow, std::move(*listener), *attempt, world, interaction),
      world);
}

}  // namespace credpool::inline CREDPOOL_ABI
