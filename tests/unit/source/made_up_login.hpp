#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>

inline constexpr credpool::TimePoint made_up_now{credpool::Duration{1795000000000}};  // 2026-11-18

/// A login with a value of its own in every member that a note about a store keeps, and tokens that
/// begin with "made-up".
inline credpool::Credential made_up_login() {
  namespace cp = credpool;
  auto credential = cp::Credential::login("gemini-cli", "google-gemini-cli", "/store");
  credential.profile_id = "google-gemini-cli:stored";
  credential.ownership = cp::Ownership::co_own;
  credential.reason = cp::Reason::check_eligibility;
  credential.detail = "to \"know\"";
  credential.account = "ada@example.com";
  credential.plan = "plus";
  credential.base_url = "https://api.example.com";
  credential.scopes = {"openid", "email"};
  credential.secret = cp::Secret{"made-up-access"};
  credential.refresh_token = cp::Secret{"made-up-refresh"};
  credential.expires_at = made_up_now + std::chrono::hours{1};
  credential.refresh_at = made_up_now + std::chrono::minutes{55};
  credential.places.push_back({"/store", "/service/account"});
  return credential;
}
