#pragma once
// SPDX-License-Identifier: MIT

#include "refresher.hpp"

#include <string>

namespace credpool_cli {

/// Why that login cannot be refreshed without a person, and what to do instead.
credpool::Error cannot_refresh(const Refresher& refresher, const credpool::Credential& credential);

/// How a login is refreshed without a person.
/// @param method "oauth-refresh", "cli-command", or empty: the usual way
/// @errors unsupported, login_needed: what can be done instead
credpool::Result<RefreshWay> way_to_refresh(const Refresher& refresher,
                                            const credpool::Credential& credential,
                                            const std::string& method);

/// One login's row of what `refresh --json` prints.
Json refreshed_json(const credpool::Credential& credential,
                    const credpool::Result<credpool::ExchangeReport>& report);

}  // namespace credpool_cli
