// SPDX-License-Identifier: MIT
#include "log_in.hpp"

#include "../cli_pool.hpp"
#include "../refresher.hpp"

#include <credpool/refresh/api_key_web.hpp>
#include <credpool/refresh/manual.hpp>
#include <credpool/refresh/oauth_device.hpp>
#include <credpool/transport/httplib.hpp>

#include <algorithm>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// Asks for a key until the provider does not refuse it.
cp::Result<Kept> log_in_with_key(const Session& session, const LogIn& wanted,
                                 const cp::LoginWorld& world, cp::Interaction& person) {
  constexpr int tries = 3;
  const auto& login = *wanted.login;
  const bool web = wanted.method == cp::LoginMethod::api_key_web;
  for (int i = 1;; ++i) {
    auto key =
        web && i == 1 ? cp::api_key_web(login, world, person) : cp::manual_token(login, person);
    if (key && web && i > 1) key = cp::check_api_key(login, key->reveal());
    if (!key && (i == 1 || i == tries || key.error().errc() != cp::Errc::malformed))
      return cp::fail(key.error());
    if (key) person.progress("Asking the provider.");
    auto kept = key ? keep_key(session, {.cli = std::string{login.cli},
                                         .provider = std::string{login.key_provider.empty()
                                                                     ? login.provider
                                                                     : login.key_provider},
                                         .secret = *key,
                                         .profile = wanted.profile})
                    : cp::Result<Kept>{cp::fail(key.error())};
    const bool may_try_again = !key || (!kept && kept.error().errc() == cp::Errc::unauthorized);
    if (i == tries || !may_try_again) return kept;
    person.progress(kept.error().hint);
  }
}

struct Granted {
  cp::GrantedTokens tokens;
  std::string oauth_host;
};

/// The addresses of the configuration, which count more than the provider's own.
struct Servers {
  cp::TokenEndpointSettings endpoints;
  std::string device_url, authorize_url;
};

Servers servers_of(const cp::Settings& settings, const cp::LoginProvider& login) {
  Servers servers{endpoint_settings(settings), {}, {}};
  const auto configured = settings.oauth.find(login.provider);
  if (configured == settings.oauth.end()) return servers;
  servers.device_url = configured->second.device_url;
  servers.authorize_url = configured->second.authorize_url;
  return servers;
}

cp::Result<Granted> granted_login(const Session& session, const cp::Settings& settings,
                                  const LogIn& wanted, const cp::LoginWorld& world,
                                  cp::Interaction& person) {
  const auto servers = servers_of(settings, *wanted.login);
  const auto with_host = [](cp::Result<cp::GrantedTokens> tokens,
                            std::string host) -> cp::Result<Granted> {
    if (!tokens) return cp::fail(tokens.error());
    return Granted{std::move(*tokens), std::move(host)};
  };
  if (wanted.method == cp::LoginMethod::oauth_device) {
    auto flow =
        cp::device_flow_of(*wanted.login, session.environment(), servers.endpoints, wanted.region);
    if (!flow) return cp::fail(flow.error());
    if (!servers.device_url.empty()) flow->authorization_url = servers.device_url;
    return with_host(cp::device_login(*flow, world, person), flow->oauth_host);
  }
  auto flow = cp::browser_flow_of(*wanted.login, session.environment(), servers.endpoints);
  if (!flow) return cp::fail(flow.error());
  if (!servers.authorize_url.empty()) flow->authorization_url = servers.authorize_url;
  return with_host(cp::browser_login(*flow, wanted.comes_back, world, person), flow->oauth_host);
}

cp::OwnLogin own_login(const Session& session, const LogIn& wanted, const Granted& granted) {
  const auto& tokens = granted.tokens;
  cp::OwnLogin own;
  own.profile_id =
      std::string{wanted.login->provider} + ":" + (wanted.profile.empty() ? "own" : wanted.profile);
  own.cli = wanted.login->cli;
  own.provider = wanted.login->provider;
  own.oauth_host = granted.oauth_host;
  own.account = tokens.account_id;
  own.scope = tokens.scope;
  own.created = session.now();
  own.tokens.access_token = tokens.access_token;
  own.tokens.refresh_token = tokens.refresh_token;
  own.tokens.lifetime = tokens.lifetime;
  own.tokens.account_id = tokens.account_id;
  if (tokens.lifetime) own.tokens.expires_at = own.created + *tokens.lifetime;
  return own;
}

/// Keeps the tokens as a login of our own.
cp::Result<Kept> keep_login(const Session& session, const cp::Settings& settings,
                            const cp::StateDirectory& directory, const cp::OwnLogin& login) {
  cp::SealedLogins logins{directory, session.environment()};
  if (auto put = logins.put(login); !put) return cp::fail(put.error());
  const auto sources = cli_sources(session.environment(), settings, &directory);
  const auto found = discover(sources, session.environment(), settings).credentials;
  const auto file = logins.file_of(login.profile_id);
  const auto credential = std::find_if(found.begin(), found.end(), [&](const auto& each) {
    return each.places.front().location == file.string();
  });
  if (credential == found.end())
    return cp::fail(cp::Errc::conflict, "reading the login that was kept", file.string(),
                    "it was removed or replaced meanwhile: try again");
  Kept kept;
  if (auto lent = lend_from_now_on(session, settings, *credential, false, kept.warning); !lent)
    return cp::fail(lent.error());
  kept.profile_id = credential->profile_id;
  kept.id = credential->id.hex();
  kept.token_hash = credential->token_hash();
  kept.expires_at = credential->expires_at;
  kept.file = file;
  return kept;
}

}  // namespace

bool is_for_log_in(cp::LoginMethod method) noexcept {
  return method != cp::LoginMethod::oauth_refresh && method != cp::LoginMethod::cli_command;
}

cp::Result<Kept> log_in(const Session& session, const LogIn& wanted, cp::Interaction& person) {
  const auto settings = settings_of(session);
  if (!settings) return cp::fail(settings.error());
  const auto directory = open_state_directory(session, *settings);
  if (!directory) return cp::fail(directory.error());

  cp::HttplibTransport transport{cp::HttplibOptions::from(session.environment())};
  const cp::SystemClock clock;
  const cp::LoginWorld world{
      .send = [&](const cp::Request& request) { return transport.send(request); },
      .now = [&] { return clock.now(); },
      .steady = [&] { return clock.steady(); }};
  if (wanted.method == cp::LoginMethod::api_key_web || wanted.method == cp::LoginMethod::manual)
    return log_in_with_key(session, wanted, world, person);
  const auto granted = granted_login(session, *settings, wanted, world, person);
  if (!granted) return cp::fail(granted.error());
  return keep_login(session, *settings, *directory, own_login(session, wanted, *granted));
}

}  // namespace credpool_cli
