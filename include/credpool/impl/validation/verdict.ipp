#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/validation/verdict.hpp>

#include <credpool/credential/credential.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(Finding finding) noexcept {
  switch (finding) {
    case Finding::valid:
      return "valid";
    case Finding::expired:
      return "expired";
    case Finding::rejected:
      return "rejected";
    case Finding::client_not_allowed:
      return "client_not_allowed";
    case Finding::missing_scope:
      return "missing_scope";
    case Finding::no_subscription:
      return "no_subscription";
    case Finding::out_of_quota:
      return "out_of_quota";
    case Finding::rate_limited:
      return "rate_limited";
    case Finding::not_eligible:
      return "not_eligible";
    case Finding::request_error:
      return "request_error";
    case Finding::transient:
      return "transient";
    case Finding::could_not_tell:
      return "could_not_tell";
  }
  return "could_not_tell";
}

CREDPOOL_INLINE bool proves_good(Finding finding) noexcept {
  switch (finding) {
    case Finding::valid:
    case Finding::client_not_allowed:
    case Finding::missing_scope:
    case Finding::no_subscription:
    case Finding::out_of_quota:
    case Finding::rate_limited:
    case Finding::not_eligible:
      return true;
    default:
      return false;
  }
}

namespace detail {

/// Whether the standing word comes from the store or the user, so that no answer can overrule it.
inline bool verdict_is_final(const Credential& credential) noexcept {
  if (credential.secret.empty() || credential.status == Status::disabled) return true;
  if (credential.status == Status::active) return credential.reason == Reason::service_ended;
  switch (credential.reason) {  // what an earlier validation may have said
    case Reason::none:
    case Reason::refreshable:
    case Reason::not_refreshable:
    case Reason::rejected:
    case Reason::could_not_tell:
      return false;
    default:
      return true;
  }
}

/// Facts and warnings that only a verdict about the same question may replace.
inline bool verdict_may_shadow(Reason reason) noexcept {
  return reason == Reason::none || reason == Reason::expiry_unknown ||
         reason == Reason::could_not_tell;
}

inline void set_standing(Credential& credential, Status status, Reason reason,
                         std::string_view detail) {
  credential.status = status;
  credential.reason = reason;
  credential.detail = detail;
}

}  // namespace detail

CREDPOOL_INLINE void apply(const Verdict& verdict, Credential& credential) {
  if (!verdict.probed || detail::verdict_is_final(credential)) return;
  if (!verdict.quotas.empty()) credential.quotas = verdict.quotas;
  if (!verdict.plan.empty()) credential.plan = verdict.plan;
  if (!verdict.base_url.empty()) credential.base_url = verdict.base_url;

  const auto standing = [&](Status status, Reason reason) {
    detail::set_standing(credential, status, reason, verdict.detail);
  };
  const bool refreshable = !credential.refresh_token.empty();
  switch (verdict.finding) {
    case Finding::valid:
      detail::set_standing(credential, Status::active, Reason::none, {});
      break;
    case Finding::expired:
      standing(refreshable ? Status::expired : Status::needs_login,
               refreshable ? Reason::refreshable : Reason::not_refreshable);
      break;
    case Finding::rejected:
      standing(Status::revoked, Reason::rejected);
      break;
    case Finding::client_not_allowed:
      standing(Status::active, Reason::client_not_allowed);
      break;
    case Finding::missing_scope:
      standing(Status::active, Reason::missing_scope);
      break;
    case Finding::no_subscription:
      standing(Status::active, Reason::no_subscription);
      break;
    case Finding::out_of_quota:
      standing(Status::active, Reason::out_of_quota);
      break;
    case Finding::not_eligible:
      standing(Status::active, Reason::service_ended);
      break;
    case Finding::rate_limited:
      break;  // a matter of minutes: the pool cools it down
    case Finding::request_error:
    case Finding::transient:
    case Finding::could_not_tell:
      if (credential.status == Status::active && detail::verdict_may_shadow(credential.reason))
        standing(Status::active, Reason::could_not_tell);
      break;
  }
}

}  // namespace credpool::inline CREDPOOL_ABI
