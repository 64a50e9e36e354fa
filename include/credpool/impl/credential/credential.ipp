#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string Credential::token_hash() const {
  if (!secret.empty()) return credpool::token_hash(secret.reveal());
  if (!refresh_token.empty()) return credpool::token_hash(refresh_token.reveal());
  return unread ? unread->token_hash : std::string{};
}

CREDPOOL_INLINE Credential::Unread Credential::known_tokens() const {
  return unread.value_or(Unread{token_hash(), !secret.empty(), !refresh_token.empty()});
}

CREDPOOL_INLINE Status Credential::status_at(TimePoint now) const noexcept {
  if (status != Status::active) return status;
  const bool ended = expires_at && *expires_at <= now;
  if (ended || !has_secret()) {
    // With both tokens ended, asking the provider is pointless: only a person can help.
    const bool refresh_ended = has_refresh_token() && !can_refresh_at(now);
    if (refresh_ended || (!ended && !has_refresh_token())) return Status::needs_login;
    return Status::expired;
  }
  return refresh_due(now) ? Status::expiring : Status::active;
}

CREDPOOL_INLINE Reason Credential::reason_at(TimePoint now) const noexcept {
  // Something to know about a usable credential gives way to why it is not usable any more.
  const bool note = reason == Reason::expiry_unknown || reason == Reason::check_eligibility;
  if (status != Status::active || (reason != Reason::none && !note)) return reason;
  switch (status_at(now)) {
    case Status::expired:
      return can_refresh_at(now) ? Reason::refreshable : Reason::not_refreshable;
    case Status::expiring:
      return !note && can_refresh_at(now) ? Reason::refreshable : reason;
    case Status::needs_login:
      return has_refresh_token() ? Reason::not_refreshable : Reason::signed_out;
    default:
      return reason;
  }
}

CREDPOOL_INLINE std::optional<TimePoint> Credential::next_change(TimePoint now) const noexcept {
  std::optional<TimePoint> next;
  for (const auto& when : {expires_at, refresh_at, refresh_expires_at})
    if (when && *when > now && (!next || *when < *next)) next = when;
  return next;
}

CREDPOOL_INLINE bool Credential::usable_at(TimePoint now) const noexcept {
  if (!has_secret() || reason == Reason::service_ended) return false;
  const auto standing = status_at(now);
  return standing == Status::active || standing == Status::expiring;
}

namespace detail {

inline Credential named(std::string_view cli, std::string_view provider, Kind kind,
                        const Digest& digest) {
  Credential credential;
  credential.id = CredentialId{digest};
  credential.cli = cli;
  credential.provider = provider;
  credential.profile_id = std::string{provider} + ":default";
  credential.kind = kind;
  return credential;
}

}  // namespace detail

CREDPOOL_INLINE Credential Credential::api_key(std::string_view cli, std::string_view provider,
                                               Secret key) {
  auto credential = detail::named(cli, provider, Kind::api_key,
                                  sha256_of_parts({"credpool key", provider, key.reveal()}));
  credential.secret = std::move(key);
  return credential;
}

CREDPOOL_INLINE Credential Credential::bearer_token(std::string_view cli, std::string_view provider,
                                                    Secret token) {
  auto credential = api_key(cli, provider, std::move(token));
  credential.kind = Kind::token;
  return credential;
}

CREDPOOL_INLINE Credential Credential::login(std::string_view cli, std::string_view provider,
                                             std::string_view store, std::string_view account) {
  return detail::named(cli, provider, Kind::oauth,
                       sha256_of_parts({"credpool login", cli, provider, store, account}));
}

CREDPOOL_INLINE Credential Credential::unusable(std::string_view cli, std::string_view provider,
                                                std::string_view store, Reason reason,
                                                std::string detail) {
  auto credential = login(cli, provider, store);
  const bool login_helps = reason == Reason::signed_out || reason == Reason::not_refreshable;
  credential.status = login_helps ? Status::needs_login : Status::invalid;
  credential.reason = reason;
  credential.detail = std::move(detail);
  return credential;
}

CREDPOOL_INLINE std::optional<TimePoint> time_from_epoch(double value) noexcept {
  if (!std::isfinite(value) || value < 0) return std::nullopt;
  constexpr double seconds_limit = 1e11;
  constexpr double year_10000 = 253402300800000.0;
  const double milliseconds = value < seconds_limit ? value * 1000.0 : value;
  if (milliseconds >= year_10000) return std::nullopt;
  return TimePoint{Duration{static_cast<Duration::rep>(milliseconds)}};
}

CREDPOOL_INLINE void merge_same_tokens(std::vector<Credential>& credentials) {
  std::vector<Credential> merged;
  merged.reserve(credentials.size());
  std::unordered_map<std::string, std::size_t> by_token;
  for (auto& credential : credentials) {
    // The same token at another provider's address is another credential.
    const auto hash = credential.token_hash();
    const auto key = hash.empty() ? std::string{} : credential.provider + ' ' + hash;
    const auto known = key.empty() ? by_token.end() : by_token.find(key);
    if (known != by_token.end()) {
      auto& first = merged[known->second];
      // Of a good and a broken place the good one counts.
      if (first.status != Status::active && credential.status == Status::active)
        std::swap(first, credential);
      for (auto& place : credential.places) first.places.push_back(std::move(place));
      continue;
    }
    if (!key.empty()) by_token.emplace(key, merged.size());
    merged.push_back(std::move(credential));
  }
  std::set<std::string> taken;
  for (auto& credential : merged) {
    const auto wanted = credential.profile_id;
    for (int copy = 2; !taken.insert(credential.profile_id).second; ++copy)
      credential.profile_id = wanted + "-" + std::to_string(copy);
  }
  credentials = std::move(merged);
}

}  // namespace credpool::inline CREDPOOL_ABI
