// SPDX-License-Identifier: MIT
#include "refresher.hpp"

#include <credpool/core/clock.hpp>
#include <credpool/refresh/cli_command.hpp>
#include <credpool/refresh/helper_process.hpp>
#include <credpool/refresh/renewal_plan.hpp>

namespace credpool_cli {

namespace cp = credpool;

struct Refresher::State {
  cp::Environment environment;
  std::shared_ptr<const CliSources> sources;
  cp::HelperProcess helper;
  cp::CliCommand command;

  cp::Result<std::unique_ptr<cp::LoginStore>> store_of(const cp::Credential& credential) const {
    return sources->login_store(credential, environment);
  }

  bool is_installed(std::string_view cli) const {
    bool found = false;
    sources->for_each([&](const auto& source) {
      using Source = std::remove_cvref_t<decltype(source)>;
      if constexpr (cp::NamesItsPrograms<Source>)
        for (const auto program : Source::programs)
          if (Source::cli == cli && environment.find_program(program)) found = true;
    });
    return found;
  }
};

cp::TokenEndpointSettings endpoint_settings(const cp::Settings& settings) {
  cp::TokenEndpointSettings endpoints;
  for (const auto& [provider, server] : settings.oauth) {
    if (!server.token_url.empty()) endpoints.urls[provider] = server.token_url;
    if (!server.client_id.empty()) endpoints.client_ids[provider] = server.client_id;
    if (!server.client_secret_file.empty())
      endpoints.client_secrets_files[provider] = server.client_secret_file.string();
  }
  return endpoints;
}

namespace {

cp::LoginStoreOf login_stores(const Session& session, std::shared_ptr<const CliSources> sources) {
  return [sources = std::move(sources),
          environment = session.environment()](const cp::Credential& credential) {
    return sources->login_store(credential, environment);
  };
}

cp::HelperProcess helper_process(const Session& session, const cp::Settings& settings,
                                 cp::LoginStoreOf stores) {
  const auto& environment = session.environment();
  return cp::HelperProcess{{.program = "/proc/self/exe",
                            .login_store = std::move(stores),
                            .environment = environment,
                            .endpoints = endpoint_settings(settings),
                            .host_id = environment.host_name()}};
}

cp::CliCommand cli_command(const Session& session, cp::LoginStoreOf stores) {
  return {std::move(stores), session.environment(), [] { return cp::SystemClock{}.now(); }};
}

}  // namespace

CliRefresh refresh_methods(const Session& session, const cp::Settings& settings,
                           std::shared_ptr<const CliSources> sources) {
  const auto stores = login_stores(session, std::move(sources));
  return CliRefresh{cp::OAuthRefresh{helper_process(session, settings, stores)},
                    cli_command(session, stores)};
}

Refresher::Refresher(const Session& session, const cp::Settings& settings,
                     std::shared_ptr<const CliSources> sources) {
  const auto stores = login_stores(session, sources);
  state_.reset(new State{session.environment(), std::move(sources),
                         helper_process(session, settings, stores), cli_command(session, stores)});
}

Refresher::~Refresher() = default;

std::optional<RefreshWay> Refresher::way_of(const cp::Credential& credential) const {
  if (credential.kind != cp::Kind::oauth) return std::nullopt;
  if (credential.ownership != cp::Ownership::borrow)
    return state_->store_of(credential) ? std::optional{RefreshWay::exchange} : std::nullopt;
  if (state_->command.can_refresh(credential) && state_->is_installed(credential.cli))
    return RefreshWay::cli_command;
  return std::nullopt;
}

cp::Result<cp::ExchangeReport> Refresher::refresh(const cp::Credential& credential, RefreshWay way,
                                                  const cp::ExchangeRequest& request) {
  if (way == RefreshWay::exchange) return state_->helper.run(credential, request);
  return state_->command.run(credential, request);
}

std::optional<cp::TimePoint> Refresher::due(const cp::Credential& credential) const {
  const auto store = state_->store_of(credential);
  if (!store) return std::nullopt;
  const auto login = (*store)->read();
  if (!login) return std::nullopt;
  return due(credential, login->tokens);
}

std::optional<cp::TimePoint> Refresher::due(const cp::Credential& credential,
                                            const cp::StoredTokens& tokens) const {
  if (tokens.access_token.empty()) return cp::TimePoint{};
  if (!tokens.expires_at) return credential.refresh_at;
  const auto store = state_->store_of(credential);
  if (!store) return std::nullopt;
  constexpr std::chrono::hours usual_lifetime{1};
  const auto lifetime = tokens.lifetime.value_or(usual_lifetime);
  return cp::renewal_time(credential.id, *tokens.expires_at, (*store)->advisory_window(lifetime));
}

}  // namespace credpool_cli
