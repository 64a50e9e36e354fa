// SPDX-License-Identifier: MIT
#include <credpool/source/gcloud_adc.hpp>

#include "discovered.hpp"

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".config/gcloud/application_default_credentials.json";
constexpr auto O4 =
    R"({"type":"authorized_user","client_id":"x.apps.googleusercontent.com","client_secret":"FAKE","refresh_token":"1//FAKE","quota_project_id":"p"})";

}  // namespace

TEST_CASE("source/gcloud_adc: O4 a user's file holds a refresh token only") {
  const ThrowawayHome home;
  home.write(store, O4);
  const auto credential = only_discovered<cp::GcloudAdc>(home.environment());
  CHECK(credential.provider == "google-vertex");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.reason_at(now) == cp::Reason::needs_exchange);
  CHECK(credential.ownership == cp::Ownership::co_own);
  CHECK(credential.secret.empty());
  CHECK(credential.refresh_token.reveal() == "1//FAKE");
  CHECK(credential.account_id == "p");
  CHECK_FALSE(credential.usable_at(now));
  CHECK(credential.status_at(far) == cp::Status::expired);
}

TEST_CASE("source/gcloud_adc: O4 broken forms") {
  const ThrowawayHome home;
  const auto reason = [&](std::string_view text) {
    home.write(store, text);
    return only_discovered<cp::GcloudAdc>(home.environment()).reason;
  };
  using enum cp::Reason;
  CHECK(reason(R"({"client_id":"x","client_secret":"FAKE","refresh_token":"1//FAKE"})") ==
        malformed);
  CHECK(reason(R"({"type":"authorized_user","client_id":"x","client_secret":"FAKE"})") ==
        malformed);
  CHECK(reason(R"({"type":"authorized_user","client_id":"x","refresh_token":"FAKE"})") ==
        malformed);
  CHECK(
      reason(
          R"({"type":"authorized_user","client_id":"x","client_secret":"s","refresh_token":"FA KE"})") ==
      unsafe_token);
  CHECK(reason(R"({"type":"external_account","audience":"x"})") == unknown_mode);
  CHECK(reason(R"({"type":"authorized_user","universe_domain":"example.org"})") == unknown_mode);
  CHECK(reason(R"({"type":"service_account","client_email":"a@b.c"})") == malformed);
}

TEST_CASE("source/gcloud_adc: broken stores") {
  check_broken_json_store<cp::GcloudAdc>(store, O4);
}

TEST_CASE("source/gcloud_adc: a service account is listed") {
  const ThrowawayHome home;
  home.write(store,
             R"({"type":"service_account","client_email":"a@b.c","private_key":"FAKE KEY"})");
  const auto credential = only_discovered<cp::GcloudAdc>(home.environment());
  CHECK(credential.reason == cp::Reason::needs_exchange);
  CHECK(credential.account == "a@b.c");
  CHECK(credential.secret.empty());
}

TEST_CASE("source/gcloud_adc: the file that GOOGLE_APPLICATION_CREDENTIALS names goes first") {
  const ThrowawayHome home;
  home.write(store, O4);
  const auto named = home.write(
      "key.json",
      R"({"type":"authorized_user","client_id":"x","client_secret":"s","refresh_token":"2//FAKE"})");
  const auto environment = home.environment({{"GOOGLE_APPLICATION_CREDENTIALS", named.string()}});
  const auto found = discovered<cp::GcloudAdc>(environment);
  REQUIRE(found.size() == 2);
  CHECK(found[0].refresh_token.reveal() == "2//FAKE");
  CHECK(found[1].detail.find("GOOGLE_APPLICATION_CREDENTIALS") != std::string::npos);

  std::filesystem::remove(named);
  const auto missing = discovered<cp::GcloudAdc>(environment);
  REQUIRE(missing.size() == 2);
  CHECK(missing[0].reason == cp::Reason::unreadable);

  const auto same =
      home.environment({{"GOOGLE_APPLICATION_CREDENTIALS", (home.path() / store).string()}});
  CHECK(only_discovered<cp::GcloudAdc>(same).places.size() == 1);
}

TEST_CASE("source/gcloud_adc: CLOUDSDK_CONFIG is honoured") {
  const ThrowawayHome home;
  home.write("g/application_default_credentials.json", O4);
  CHECK(discovered<cp::GcloudAdc>(
            home.environment({{"CLOUDSDK_CONFIG", (home.path() / "g").string()}}))
            .size() == 1);
}
