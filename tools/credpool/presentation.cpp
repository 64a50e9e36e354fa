// SPDX-License-Identifier: MIT
#include "presentation.hpp"

#include <credpool/core/iso8601.hpp>
#include <credpool/proxy/provider_policy.hpp>

#include <chrono>

namespace credpool_cli {

namespace cp = credpool;

Json time_json(const std::optional<cp::TimePoint>& when) {
  return when ? Json(cp::format_iso8601(*when)) : Json(nullptr);
}

Json credential_json(const cp::Credential& credential, cp::TimePoint now) {
  Json places = Json::array();
  for (const auto& place : credential.places)
    places.push_back({{"location", harmless(place.location)},
                      {"pointer", harmless(place.pointer)},
                      {"cli", place.cli},
                      {"warnings", place.warnings}});
  return {{"id", credential.id.hex()},
          {"cli", credential.cli},
          {"provider", credential.provider},
          {"profileId", harmless(credential.profile_id)},
          {"kind", cp::to_string(credential.kind)},
          {"status", cp::to_string(credential.status_at(now))},
          {"reason", cp::to_string(credential.reason_at(now))},
          {"detail", harmless(credential.detail)},
          {"usable", credential.usable_at(now)},
          {"expiresAt", time_json(credential.expires_at)},
          {"refreshAt", time_json(credential.refresh_at)},
          {"refreshable", credential.has_refresh_token()},
          {"tokenHash", credential.token_hash()},
          {"ownership", cp::to_string(credential.ownership)},
          {"account", harmless(credential.account)},
          {"plan", harmless(credential.plan)},
          {"baseUrl", harmless(credential.base_url)},
          {"places", places}};
}

Json policy_json(const cp::Credential& credential, const cp::Settings& settings) {
  const auto* row = cp::policy_of(credential);
  const auto text = [&](std::string_view cp::ProviderPolicy::*member) {
    return row == nullptr || (row->*member).empty() ? Json(nullptr) : Json(row->*member);
  };
  return {{"use", cp::to_string(cp::proxy_use(credential, settings))},
          {"configured", settings.policy.contains(credential.provider)},
          {"why", text(&cp::ProviderPolicy::why)},
          {"terms", text(&cp::ProviderPolicy::link)},
          {"readOn", text(&cp::ProviderPolicy::read_on)}};
}

std::string relative_time(const std::optional<cp::TimePoint>& when, cp::TimePoint now) {
  using namespace std::chrono;
  if (!when) return "never";
  const auto distance = *when - now;
  const auto length = distance < 0ms ? -distance : distance;
  std::string amount;
  if (length < 2min) {
    amount = std::to_string(duration_cast<seconds>(length).count()) + " s";
  } else if (length < 2h) {
    amount = std::to_string(duration_cast<minutes>(length).count()) + " min";
  } else if (length < 48h) {
    amount = std::to_string(duration_cast<hours>(length).count()) + " h";
  } else {
    amount = std::to_string(duration_cast<days>(length).count()) + " d";
  }
  return distance < 0ms ? amount + " ago" : "in " + amount;
}

std::string status_words(const cp::Credential& credential, cp::TimePoint now) {
  std::string words{cp::to_string(credential.status_at(now))};
  if (const auto reason = cp::to_string(credential.reason_at(now)); !reason.empty())
    words += ", " + std::string{reason};
  for (auto& c : words)
    if (c == '_') c = ' ';
  return words;
}

Style status_style(const cp::Credential& credential, cp::TimePoint now) {
  if (credential.usable_at(now))
    return credential.status_at(now) == cp::Status::active ? Style::good : Style::warning;
  return credential.reason_at(now) == cp::Reason::refreshable ? Style::warning : Style::bad;
}

std::string ownership_words(const cp::Credential& credential) {
  return credential.has_refresh_token() ? std::string{cp::to_string(credential.ownership)}
                                        : std::string{"-"};
}

std::string short_path(const std::string& path, const cp::Environment& environment) {
  const auto home = environment.home();
  if (!home) return path;
  const auto prefix = home->string() + "/";
  return path.starts_with(prefix) ? "~/" + path.substr(prefix.size()) : path;
}

std::string with_short_home(std::string text, const cp::Environment& environment) {
  const auto home = environment.home();
  if (!home) return text;
  const auto prefix = home->string() + "/";
  for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1))
    if (at == 0 || text[at - 1] == ' ') text.replace(at, prefix.size(), "~/");
  return text;
}

}  // namespace credpool_cli
