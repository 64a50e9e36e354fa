#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/refreshed.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE ExchangeRequest refresh_request_of(const Credential& credential) {
  ExchangeRequest request;
  const bool refused = credential.status == Status::invalid ||
                       credential.status == Status::revoked ||
                       credential.status == Status::needs_login;
  if (refused && !credential.secret.empty()) request.refused_token = credential.token_hash();
  return request;
}

CREDPOOL_INLINE Credential refreshed(const Credential& credential, const ExchangeReport& report) {
  auto fresh = credential;
  const auto& tokens = report.tokens;
  fresh.secret = tokens.access_token;
  if (!(fresh.refresh_token == tokens.refresh_token)) fresh.refresh_expires_at.reset();
  fresh.refresh_token = tokens.refresh_token;
  // As long before its end as its CLI would have refreshed the one before.
  fresh.refresh_at.reset();
  if (tokens.expires_at && credential.expires_at && credential.refresh_at)
    fresh.refresh_at = *tokens.expires_at - (*credential.expires_at - *credential.refresh_at);
  fresh.expires_at = tokens.expires_at;
  if (fresh.status == Status::disabled) return fresh;
  fresh.status = Status::active;
  fresh.reason = Reason::none;
  fresh.detail.clear();
  return fresh;
}

}  // namespace credpool::inline CREDPOOL_ABI
