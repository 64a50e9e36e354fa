// SPDX-License-Identifier: MIT
// login: a login of our own, a family of tokens that no CLI spends.

#include "../cli_pool.hpp"
#include "../history_notes.hpp"
#include "../keep_key.hpp"
#include "prompt.hpp"
#include "../refresher.hpp"
#include "../terminal_interaction.hpp"

#include <credpool/refresh/api_key_web.hpp>
#include <credpool/refresh/login_providers.hpp>
#include <credpool/refresh/manual.hpp>
#include <credpool/refresh/oauth_browser.hpp>
#include <credpool/refresh/oauth_device.hpp>
#include <credpool/transport/httplib.hpp>

#include <algorithm>
#include <optional>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// The methods by which this command itself can log somebody in.
bool is_ours(cp::LoginMethod method) {
  return method != cp::LoginMethod::oauth_refresh && method != cp::LoginMethod::cli_command;
}

cp::Result<cp::LoginMethod> chosen_method(const cp::LoginProvider& login, const std::string& name) {
  std::string list;
  bool its_own_first = false;
  for (const auto method : login.offered()) {
    its_own_first |= list.empty() && method == cp::LoginMethod::cli_command;
    if (!is_ours(method)) continue;
    if ((name.empty() && !its_own_first) || cp::to_string(method) == name) return method;
    list += (list.empty() ? "" : ", ") + std::string{cp::to_string(method)};
  }
  const auto by_hand = login.command.empty() ? std::string{} : "run: " + std::string{login.command};
  return cp::fail(cp::Errc::unsupported, "logging in to " + std::string{login.name},
                  name.empty() ? std::string{} : "--method " + name,
                  by_hand + (by_hand.empty() || list.empty() ? "" : "; ") +
                      (list.empty() ? std::string{} : "there is --method " + list));
}

/// Keeps the tokens as a login of our own.
int keep_login(Session& session, const cp::Settings& settings, const cp::StateDirectory& directory,
               cp::OwnLogin login) {
  cp::SealedLogins logins{directory, session.environment()};
  const auto profile = login.profile_id;
  if (auto kept = logins.put(login); !kept) return session.fail(kept.error());

  auto opened = open_pool(session, StateUse::keep);
  if (!opened) return session.fail(opened.error());
  const auto& found = opened->discovery.credentials;
  const auto file = logins.file_of(profile).string();
  const auto credential = std::find_if(found.begin(), found.end(), [&](const auto& each) {
    return each.places.front().location == file;
  });
  if (credential == found.end())
    return session.fail({cp::Errc::conflict, "reading the login that was kept", file,
                         "it was removed or replaced meanwhile: try again"});
  if (auto imported = opened->pool->set_imported(credential->id.hex(), true); !imported)
    return session.fail(imported.error());
  if (auto noted = note_discovered(session, settings, {*credential}); !noted)
    session.warn(harmless(noted.error().message()));
  if (session.options().json) {
    session.print_json(Json{{"profileId", credential->profile_id},
                            {"id", credential->id.hex()},
                            {"tokenHash", credential->token_hash()},
                            {"expiresAt", time_json(credential->expires_at)}});
  } else {
    session.print("Logged in: " + credential->profile_id + ", a login of our own, sealed in " +
                  short_path(file, session.environment()) +
                  ".\nNext: credpool renew install (keeps it fresh)\n");
  }
  return 0;
}

}  // namespace

int run_login(Session& session, const LoginOptions& options) {
  const auto* login = cp::find_login_provider(options.cli);
  if (login == nullptr) {
    std::string list;
    for (const auto& each : cp::login_providers())
      list += (list.empty() ? "" : ", ") + std::string{each.cli};
    return session.fail(
        {cp::Errc::invalid_argument, "logging in", options.cli, "it is one of " + list});
  }
  const auto settings = settings_of(session);
  if (!settings) return session.fail(settings.error());
  const auto directory = open_state_directory(session, *settings);
  if (!directory) return session.fail(directory.error());
  const auto method = chosen_method(*login, options.method);
  if (!method) return session.fail(method.error());
  if (!login->note.empty()) session.note(std::string{login->note});

  cp::HttplibTransport transport{cp::HttplibOptions::from(session.environment())};
  const cp::SystemClock clock;
  const cp::LoginWorld world{
      .send = [&](const cp::Request& request) { return transport.send(request); },
      .now = [&] { return clock.now(); },
      .steady = [&] { return clock.steady(); }};
  TerminalInteraction person{session.environment(), session.err(), !options.no_browser};
  const auto endpoints = endpoint_settings(*settings);
  const auto configured = settings->oauth.find(login->provider);

  if (*method == cp::LoginMethod::api_key_web || *method == cp::LoginMethod::manual) {
    auto key = *method == cp::LoginMethod::manual ? cp::manual_token(*login, person)
                                                  : cp::api_key_web(*login, world, person);
    if (!key) return session.fail(key.error());
    return keep_key(session,
                    {.cli = std::string{login->cli},
                     .provider = std::string{login->key_provider.empty() ? login->provider
                                                                         : login->key_provider},
                     .secret = *key,
                     .profile = options.profile});
  }

  std::string oauth_host;
  cp::Result<cp::GrantedTokens> granted = [&]() -> cp::Result<cp::GrantedTokens> {
    if (*method == cp::LoginMethod::oauth_device) {
      auto flow = cp::device_flow_of(*login, session.environment(), endpoints, options.region);
      if (!flow) return cp::fail(flow.error());
      if (configured != settings->oauth.end() && !configured->second.device_url.empty())
        flow->authorization_url = configured->second.device_url;
      oauth_host = flow->oauth_host;
      return cp::device_login(*flow, world, person);
    }
    auto flow = cp::browser_flow_of(*login, session.environment(), endpoints);
    if (!flow) return cp::fail(flow.error());
    if (configured != settings->oauth.end() && !configured->second.authorize_url.empty())
      flow->authorization_url = configured->second.authorize_url;
    oauth_host = flow->oauth_host;
    const bool here = !options.no_browser && browser_opener(session.environment());
    return cp::browser_login(*flow, here ? cp::BrowserReturn::loopback : cp::BrowserReturn::paste,
                             world, person);
  }();
  if (!granted) return session.fail(granted.error());

  cp::OwnLogin own;
  own.profile_id =
      std::string{login->provider} + ":" + (options.profile.empty() ? "own" : options.profile);
  own.cli = login->cli;
  own.provider = login->provider;
  own.oauth_host = oauth_host;
  own.account = granted->account_id;
  own.scope = granted->scope;
  own.created = session.now();
  own.tokens.access_token = granted->access_token;
  own.tokens.refresh_token = granted->refresh_token;
  own.tokens.lifetime = granted->lifetime;
  own.tokens.account_id = granted->account_id;
  if (granted->lifetime) own.tokens.expires_at = session.now() + *granted->lifetime;
  return keep_login(session, *settings, *directory, std::move(own));
}

}  // namespace credpool_cli
