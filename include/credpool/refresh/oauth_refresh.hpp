#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>
#include <credpool/refresh/concept.hpp>
#include <credpool/refresh/exchanger.hpp>
#include <credpool/refresh/refreshed.hpp>

#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

/// The refresh method "oauth-refresh": spends the refresh token of a login, exactly once.
///
/// Only logins that we may write: `co_own` beside their CLI, `adopt` of our own. A borrowed one is
/// its CLI's to refresh.
///
/// @thread_safety as the exchanger's
template <Exchanger X> class OAuthRefresh {
 public:
  static constexpr std::string_view name = "oauth-refresh";
  static constexpr bool interactive = false;

  explicit OAuthRefresh(X exchanger) : exchanger_{std::move(exchanger)} {}

  bool can_refresh(const Credential& credential) const noexcept {
    return credential.kind == Kind::oauth && !credential.refresh_token.empty() &&
           (credential.ownership == Ownership::co_own || credential.ownership == Ownership::adopt);
  }

  /// @errors those of the exchanger
  Result<Credential> refresh(const Credential& credential, const RefreshContext&) {
    auto report = exchanger_.run(credential, refresh_request_of(credential));
    if (!report) return fail(std::move(report).error());
    return refreshed(credential, *report);
  }

 private:
  X exchanger_;
};

}  // namespace credpool::inline CREDPOOL_ABI
