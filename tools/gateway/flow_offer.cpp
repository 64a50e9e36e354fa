// SPDX-License-Identifier: MIT
#include "flow_offer.hpp"

#include "login_standing.hpp"
#include "refresh_login.hpp"

#include <credpool/refresh/cli_program.hpp>
#include <credpool/refresh/oauth_browser.hpp>
#include <credpool/refresh/oauth_device.hpp>

#include <algorithm>
#include <array>

namespace credpool_cli {

namespace cp = credpool;

cp::Result<KnownLogin> KnownLogin::find(
    const std::string& cli, const std::vector<std::shared_ptr<const cp::Credential>>& credentials) {
  KnownLogin found;
  found.known_ = cp::find_login_provider(cli);
  if (found.known_ != nullptr) return found;
  const auto credential = std::find_if(credentials.begin(), credentials.end(),
                                       [&](const auto& each) { return each->cli == cli; });
  if (credential == credentials.end())
    return cp::fail(cp::Errc::invalid_argument, "refreshing a login", {},
                    "no CLI of that name is known; tokenDiscovery.status lists those that are");
  found.cli_ = (*credential)->cli;
  found.provider_ = (*credential)->provider;
  return found;
}

cp::LoginProvider KnownLogin::row() const {
  if (known_ != nullptr) return *known_;
  return {cli_, provider_, cli_, "manual", "", "", provider_, "", ""};
}

std::string title_of(cp::LoginMethod method) {
  switch (method) {
    case cp::LoginMethod::oauth_refresh:
      return "Refresh now";
    case cp::LoginMethod::oauth_device:
      return "Device login";
    case cp::LoginMethod::oauth_browser:
      return "Browser login";
    case cp::LoginMethod::cli_command:
      return "CLI command";
    case cp::LoginMethod::api_key_web:
      return "Generate new API key";
    case cp::LoginMethod::manual:
      return "Manual entry";
  }
  return {};
}

std::string sentence_of(cp::LoginMethod method) {
  switch (method) {
    case cp::LoginMethod::oauth_refresh:
      return "Gets a new access token with the refresh token that is there; nobody has to log in.";
    case cp::LoginMethod::oauth_device:
      return "Shows a code that you confirm in a browser on any device: a login of our own.";
    case cp::LoginMethod::oauth_browser:
      return "Opens the provider's page in this machine's browser: a login of our own.";
    case cp::LoginMethod::cli_command:
      return "Runs the CLI's own login, then reads its file again.";
    case cp::LoginMethod::api_key_web:
      return "Opens the provider's page, where you make a key and copy it here.";
    case cp::LoginMethod::manual:
      return "Takes a token or key that you have already; it is checked before it is kept.";
  }
  return {};
}

bool login_needs_terminal(std::string_view cli) noexcept {
  constexpr std::array<std::string_view, 6> names{"gemini-cli", "antigravity", "droid",
                                                  "iflow",      "opencode",    "gh"};
  return std::find(names.begin(), names.end(), cli) != names.end();
}

namespace {

/// Why the login's tokens cannot be renewed without a person; empty: they can.
std::string why_not_refreshed(const cp::Credential* credential, const Refresher& refresher,
                              const CliSources& sources, const cp::Environment& environment,
                              cp::TimePoint now) {
  if (credential == nullptr) return "there is no login yet";
  if (auto way = way_to_refresh(refresher, *credential, "oauth-refresh"); !way) {
    // Where we may not, its CLI may: that is this method, too.
    if (!way_to_refresh(refresher, *credential, {})) return way.error().hint;
  }
  const auto standing = login_standing(sources, *credential, environment, now);
  if (standing.state == RefreshState::dead || standing.state == RefreshState::signed_out)
    return standing.what;
  return {};
}

}  // namespace

std::vector<OfferedMethod> offered_methods(const cp::LoginProvider& login,
                                           const cp::Credential* credential,
                                           const Refresher& refresher, const CliSources& sources,
                                           const cp::Settings& settings,
                                           const cp::Environment& environment, cp::TimePoint now) {
  const auto endpoints = endpoint_settings(settings);
  std::vector<OfferedMethod> offered;
  for (const auto method : login.offered()) {
    OfferedMethod one;
    one.method = method;
    const auto unless = [&](const auto& result) {
      one.available = result.has_value();
      if (!result) one.why = harmless(result.error().hint);
    };
    switch (method) {
      case cp::LoginMethod::oauth_refresh:
        one.why = harmless(why_not_refreshed(credential, refresher, sources, environment, now));
        one.available = one.why.empty();
        break;
      case cp::LoginMethod::oauth_device:
        unless(cp::device_flow_of(login, environment, endpoints));
        break;
      case cp::LoginMethod::oauth_browser:
        unless(cp::browser_flow_of(login, environment, endpoints));
        break;
      case cp::LoginMethod::cli_command:
        one.command = login.command;
        unless(cp::find_cli_program(login.command.substr(0, login.command.find(' ')), {},
                                    environment));
        break;
      case cp::LoginMethod::api_key_web:
        one.url = login.key_page;
        break;
      case cp::LoginMethod::manual:
        break;
    }
    offered.push_back(std::move(one));
  }
  // What needs nobody comes first; then as the table prefers.
  std::stable_sort(offered.begin(), offered.end(), [](const auto& a, const auto& b) {
    const auto rank = [](const OfferedMethod& one) {
      const bool alone = one.method == cp::LoginMethod::oauth_refresh;
      return one.available ? (alone ? 0 : 1) : 2;
    };
    return rank(a) < rank(b);
  });
  if (!offered.empty() && offered.front().available) offered.front().recommended = true;
  return offered;
}

}  // namespace credpool_cli
