#pragma once
// SPDX-License-Identifier: MIT

#include "cli_pool.hpp"

#include <credpool/refresh/exchange.hpp>

#include <memory>
#include <optional>
#include <string>

namespace credpool_cli {

/// What the configuration says about token endpoints.
credpool::TokenEndpointSettings endpoint_settings(const credpool::Settings& settings);

/// The two ways of Refresher as refresh methods of a pool.
CliRefresh refresh_methods(const Session& session, const credpool::Settings& settings,
                           std::shared_ptr<const CliSources> sources);

/// How a login gets a new access token without a person.
enum class RefreshWay {
  exchange,     ///< we spend its refresh token (co_own, adopt)
  cli_command,  ///< its own CLI does, when we start it (borrow)
};

/// Refreshes logins the way the command does: the exchange in a process of its own that outlives
/// us, or by the CLI's own command.
///
/// @thread_safety safe
class Refresher {
 public:
  Refresher(const Session& session, const credpool::Settings& settings,
            std::shared_ptr<const CliSources> sources);
  ~Refresher();

  /// How it is refreshed unless the user says otherwise; none: not without a person.
  std::optional<RefreshWay> way_of(const credpool::Credential& credential) const;

  /// @errors those of exchange(), or of the CLI's command; unsupported
  credpool::Result<credpool::ExchangeReport> refresh(const credpool::Credential& credential,
                                                     RefreshWay way,
                                                     const credpool::ExchangeRequest& request);

  /// When the token is better refreshed; none when nothing tells.
  std::optional<credpool::TimePoint> due(const credpool::Credential& credential) const;
  /// The same after an exchange.
  std::optional<credpool::TimePoint> due(const credpool::Credential& credential,
                                         const credpool::StoredTokens& tokens) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace credpool_cli
