// SPDX-License-Identifier: MIT
#include <credpool/credential/credential.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using std::chrono::hours;

namespace {

constexpr cp::TimePoint now{cp::Duration{1795000000000}};
constexpr auto past = now - hours{1};
constexpr auto future = now + hours{1};

cp::Credential login() {
  auto credential = cp::Credential::login("a-cli", "a", "store");
  credential.secret = cp::Secret{"at-fake"};
  credential.refresh_token = cp::Secret{"rt-fake"};
  credential.expires_at = past;
  return credential;
}

}  // namespace

TEST_CASE("credential/credential: a refresh token that has ended means a new login") {
  auto credential = login();
  CHECK(credential.status_at(now) == cp::Status::expired);
  CHECK(credential.reason_at(now) == cp::Reason::refreshable);
  CHECK(credential.can_refresh_at(now));

  credential.refresh_expires_at = future;
  CHECK(credential.status_at(now) == cp::Status::expired);
  CHECK(credential.reason_at(now) == cp::Reason::refreshable);

  credential.refresh_expires_at = past;
  CHECK(credential.status_at(now) == cp::Status::needs_login);
  CHECK(credential.reason_at(now) == cp::Reason::not_refreshable);
  CHECK_FALSE(credential.can_refresh_at(now));

  credential.expires_at = future;  // the access token still serves
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK(credential.usable_at(now));

  credential.secret = {};
  CHECK(credential.status_at(now) == cp::Status::needs_login);
}

TEST_CASE("credential/credential: a note about a usable login gives way once it has ended") {
  auto credential = login();
  credential.reason = cp::Reason::check_eligibility;
  credential.expires_at = future;
  CHECK(credential.reason_at(now) == cp::Reason::check_eligibility);
  credential.refresh_at = past;
  CHECK(credential.status_at(now) == cp::Status::expiring);
  CHECK(credential.reason_at(now) == cp::Reason::check_eligibility);
  credential.expires_at = past;
  CHECK(credential.reason_at(now) == cp::Reason::refreshable);
  credential.refresh_token = {};
  CHECK(credential.reason_at(now) == cp::Reason::not_refreshable);
}

TEST_CASE("credential/credential: an ended service stays the reason after expiry") {
  auto credential = login();
  credential.reason = cp::Reason::service_ended;
  CHECK(credential.status_at(now) == cp::Status::expired);
  CHECK(credential.reason_at(now) == cp::Reason::service_ended);
  credential.expires_at = future;
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK_FALSE(credential.usable_at(now));
}
