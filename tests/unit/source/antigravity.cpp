// SPDX-License-Identifier: MIT
#include <credpool/source/antigravity.hpp>

#include "discovered.hpp"

#include <credpool/core/encoding.hpp>

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".gemini/antigravity-cli/antigravity-oauth-token";
constexpr auto valid =
    R"({"token":{"access_token":"ya29.FAKE","token_type":"Bearer","refresh_token":"1//FAKE","expiry":"2100-01-01T09:00:00+09:00"},"auth_method":"consumer"})";

std::string jwt(std::string_view claims) {
  return "e30." + cp::encode_base64url(claims) + ".FAKE";
}

}  // namespace

TEST_CASE("source/antigravity: a refresh token only") {
  const ThrowawayHome home;
  home.write(store,
             R"({"token":{"refresh_token":"1//FAKE"},"auth_method":"consumer","id_token":")" +
                 jwt(R"({"sub":"7","email":"a@b.c"})") + "\"}");
  const auto credential = only_discovered<cp::Antigravity>(home.environment());
  CHECK(credential.provider == "google-antigravity");
  CHECK(credential.reason_at(now) == cp::Reason::needs_exchange);
  CHECK(credential.refresh_token.reveal() == "1//FAKE");
  CHECK(credential.account == "a@b.c");
  CHECK_FALSE(credential.usable_at(now));
}

TEST_CASE("source/antigravity: with an access token and its end") {
  const ThrowawayHome home;
  home.write(store, valid);
  const auto credential = only_discovered<cp::Antigravity>(home.environment());
  CHECK(credential.secret.reveal() == "ya29.FAKE");
  CHECK(credential.expires_at == far);
  CHECK(credential.usable_at(now));
}

TEST_CASE("source/antigravity: broken stores and tokens") {
  check_broken_json_store<cp::Antigravity>(store, valid);
  const ThrowawayHome home;
  const auto reason = [&](std::string_view text) {
    home.write(store, text);
    return only_discovered<cp::Antigravity>(home.environment()).reason;
  };
  using enum cp::Reason;
  CHECK(reason("{}") == malformed);
  CHECK(reason(R"({"token":"FAKE"})") == malformed);
  CHECK(reason(R"({"token":{}})") == malformed);
  CHECK(reason(R"({"token":{"refresh_token":""}})") == signed_out);
  CHECK(reason(R"({"token":{"refresh_token":"FA KE"}})") == unsafe_token);
  CHECK(reason(R"({"token":{"access_token":"FAKE","expiry":"never"}})") == expiry_unknown);
}
