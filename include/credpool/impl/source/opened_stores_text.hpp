#pragma once
// SPDX-License-Identifier: MIT

// The JSON of OpenedStores. Internal: included by .ipp files and fuzz targets only.

#include <credpool/core/encoding.hpp>
#include <credpool/core/file.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/impl/core/json.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::size_t max_opened_stores = 16;
inline constexpr FileRules opened_stores_rules{64 * 1024, false, true};

/// The value of an enumeration whose name that is; its values go from 0 to `last`.
template <class Value> std::optional<Value> value_named(std::string_view name, Value last) {
  for (int i = 0; i <= static_cast<int>(last); ++i)
    if (to_string(static_cast<Value>(i)) == name) return static_cast<Value>(i);
  return std::nullopt;
}

inline Json optional_time(const std::optional<TimePoint>& when) {
  return when ? Json(when->time_since_epoch().count()) : Json(nullptr);
}

/// What a scan shows of a credential.
inline Json shown_credential(const Credential& credential) {
  auto unread = credential.known_tokens();
  Json shown{{"id", credential.id.hex()},
             {"cli", credential.cli},
             {"provider", credential.provider},
             {"profileId", credential.profile_id},
             {"kind", to_string(credential.kind)},
             {"ownership", to_string(credential.ownership)},
             {"status", to_string(credential.status)},
             {"reason", to_string(credential.reason)},
             {"detail", credential.detail},
             {"account", credential.account},
             {"plan", credential.plan},
             {"baseUrl", credential.base_url},
             {"scopes", credential.scopes},
             {"expiresAt", optional_time(credential.expires_at)},
             {"refreshAt", optional_time(credential.refresh_at)},
             {"tokenHash", std::move(unread.token_hash)},
             {"secret", unread.secret},
             {"refreshToken", unread.refresh_token}};
  if (!credential.places.empty()) shown["pointer"] = credential.places.front().pointer;
  return shown;
}

/// The reverse. None when something is missing or is not what we write.
inline std::optional<Credential> credential_of_shown(const Json& shown) {
  bool complete = true;
  const auto text = [&](std::string_view name) {
    const auto value = text_member(shown, name);
    complete &= value.has_value();
    return std::string{value.value_or("")};
  };
  const auto flag = [&](std::string_view name) {
    const auto* value = member(shown, name);
    complete &= value != nullptr && value->is_boolean();
    return complete && value->get<bool>();
  };
  const auto time = [&](std::string_view name) -> std::optional<TimePoint> {
    const auto* value = member(shown, name);
    complete &= value != nullptr && (value->is_null() || value->is_number_unsigned());
    if (!complete || value->is_null()) return std::nullopt;
    const auto milliseconds = value->get<std::uint64_t>();
    complete = milliseconds < 253402300800000;  // the year 10000
    return TimePoint{Duration{static_cast<Duration::rep>(milliseconds)}};
  };
  const auto one_of = [&](std::string_view name, auto last) {
    const auto value = value_named(text(name), last);
    complete &= value.has_value();
    return value.value_or(last);
  };

  Credential credential;
  const auto id = decode_hex(text("id"));
  Digest digest{};
  if (!id || id->size() != digest.size()) return std::nullopt;
  std::copy(id->begin(), id->end(), digest.begin());
  credential.id = CredentialId{digest};
  credential.cli = text("cli");
  credential.provider = text("provider");
  credential.profile_id = text("profileId");
  credential.kind = one_of("kind", Kind::command);
  credential.ownership = one_of("ownership", Ownership::adopt);
  credential.status = one_of("status", Status::disabled);
  credential.reason = one_of("reason", Reason::could_not_tell);
  credential.detail = text("detail");
  credential.account = text("account");
  credential.plan = text("plan");
  credential.base_url = text("baseUrl");
  credential.expires_at = time("expiresAt");
  credential.refresh_at = time("refreshAt");
  credential.unread = Credential::Unread{text("tokenHash"), flag("secret"), flag("refreshToken")};
  const auto* scopes = member(shown, "scopes");
  if (!complete || scopes == nullptr || !scopes->is_array()) return std::nullopt;
  for (const auto& scope : *scopes) {
    if (!scope.is_string()) return std::nullopt;
    credential.scopes.push_back(scope.get<std::string>());
  }
  credential.places.push_back({{}, std::string{text_or_empty(shown, "pointer")}});
  return credential;
}

/// The stores that a file names, and what they held; what is not as we write it is passed over.
inline std::vector<std::pair<std::string, std::vector<Credential>>> opened_stores_in(
    std::string_view text) {
  std::vector<std::pair<std::string, std::vector<Credential>>> known;
  const auto document = parse_json(text);
  if (!document || text_or_empty(*document, "by") != CREDPOOL_VERSION_STRING) return known;
  const auto* stores = member(*document, "stores");
  if (stores == nullptr || !stores->is_array()) return known;
  for (const auto& store : *stores) {
    const auto* credentials = member(store, "credentials");
    if (credentials == nullptr || !credentials->is_array()) continue;
    std::vector<Credential> held;
    for (const auto& shown : *credentials)
      if (auto credential = credential_of_shown(shown)) held.push_back(*std::move(credential));
    if (held.size() == credentials->size())
      known.emplace_back(text_or_empty(store, "store"), std::move(held));
  }
  return known;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
