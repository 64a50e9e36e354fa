// SPDX-License-Identifier: MIT
#include <credpool/source/kimi_cli.hpp>

#include <throwaway_home.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr cp::TimePoint now{milliseconds{1795000000000}};  // 2026-11-18

std::vector<cp::Credential> found(const ThrowawayHome& home) {
  auto result = cp::KimiCli{}.discover(home.environment());
  REQUIRE(result);
  return *result;
}

cp::Credential only(const ThrowawayHome& home) {
  auto credentials = found(home);
  REQUIRE(credentials.size() == 1);
  return credentials.front();
}

std::string login(std::string_view expires_at, std::string_view access = "at-fake",
                  std::string_view refresh = "rt-fake") {
  return R"({"access_token": ")" + std::string{access} + R"(", "refresh_token": ")" +
         std::string{refresh} + R"(", "expires_at": )" + std::string{expires_at} +
         R"(, "scope": "kimi-code", "token_type": "Bearer", "expires_in": 900.0})";
}

constexpr auto store = ".kimi/credentials/kimi-code.json";

}  // namespace

TEST_CASE("source/kimi_cli: nothing there is nothing found") {
  const ThrowawayHome home;
  CHECK(found(home).empty());
}

TEST_CASE("source/kimi_cli: K1 a valid login") {
  const ThrowawayHome home;
  home.write(store, login("4102444800.0"));
  const auto credential = only(home);
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK(credential.cli == "kimi-cli");
  CHECK(credential.provider == "kimi-code");
  CHECK(credential.profile_id == "kimi-code:default");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == cp::Ownership::co_own);
  CHECK(credential.secret.reveal() == "at-fake");
  CHECK(credential.refresh_token.reveal() == "rt-fake");
  CHECK(credential.expires_at == cp::TimePoint{seconds{4102444800}});
  CHECK(credential.token_hash() == cp::token_hash("at-fake"));
}

TEST_CASE("source/kimi_cli: K2 an expired login that can be refreshed") {
  const ThrowawayHome home;
  home.write(store, login("1700000000.5"));
  const auto credential = only(home);
  CHECK(credential.status_at(now) == cp::Status::expired);
  CHECK(credential.reason_at(now) == cp::Reason::refreshable);
}

TEST_CASE("source/kimi_cli: K3 refresh is due below half the life") {
  const ThrowawayHome home;
  const auto at = [&](int left) {
    home.write(store, login(std::to_string(1795000000 + left)));
    return only(home).refresh_due(now);
  };
  CHECK(at(449));
  CHECK_FALSE(at(451));
}
