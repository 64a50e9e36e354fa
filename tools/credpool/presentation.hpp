#pragma once
// SPDX-License-Identifier: MIT

#include "terminal.hpp"

#include <credpool/config/settings.hpp>
#include <credpool/core/environment.hpp>
#include <credpool/credential/credential.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace credpool_cli {

using Json = nlohmann::ordered_json;

/// The JSON of one credential as every command prints it (docs/cli.md): hashes, never secrets.
Json credential_json(const credpool::Credential& credential, credpool::TimePoint now);

/// Whether the credential may be used through the proxy, and where that is said (docs/cli.md).
Json policy_json(const credpool::Credential& credential, const credpool::Settings& settings);

/// "2026-01-31T22:56:40Z", or null.
Json time_json(const std::optional<credpool::TimePoint>& when);

/// "in 14 min", "2 h ago", "never".
std::string relative_time(const std::optional<credpool::TimePoint>& when, credpool::TimePoint now);

/// The status in words, with the reason where there is one: "expired, refreshable".
std::string status_words(const credpool::Credential& credential, credpool::TimePoint now);
Style status_style(const credpool::Credential& credential, credpool::TimePoint now);

/// Who may spend its refresh token; "-" where there is none.
std::string ownership_words(const credpool::Credential& credential);

/// A path with the home directory as "~".
std::string short_path(const std::string& path, const credpool::Environment& environment);
/// A sentence with the home directory as "~" wherever it stands in it.
std::string with_short_home(std::string text, const credpool::Environment& environment);

}  // namespace credpool_cli
