// SPDX-License-Identifier: MIT
#include <credpool/source/cursor_cli.hpp>

#include "discovered.hpp"

#include <credpool/core/encoding.hpp>

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".config/cursor/auth.json";

std::string jwt(std::string_view claims) {
  return "e30." + cp::encode_base64url(claims) + ".FAKE";
}

std::string login(std::string_view access) {
  return R"({"accessToken":")" + std::string{access} + R"(","refreshToken":"rt-FAKE"})";
}

}  // namespace

TEST_CASE("source/cursor_cli: O7 the access token tells when it ends") {
  const ThrowawayHome home;
  home.write(store, login(jwt(R"({"exp":4102444800,"sub":"auth0|u","email":"a@b.c"})")));
  const auto credential = only_discovered<cp::CursorCli>(home.environment());
  CHECK(credential.provider == "cursor");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == cp::Ownership::borrow);
  CHECK(credential.expires_at == far);
  CHECK(credential.refresh_token.reveal() == "rt-FAKE");
  CHECK(credential.account == "a@b.c");
  CHECK(credential.usable_at(now));
}

TEST_CASE("source/cursor_cli: expired, and not a JWT") {
  const ThrowawayHome home;
  home.write(store, login(jwt(R"({"exp":1700000000})")));
  CHECK(only_discovered<cp::CursorCli>(home.environment()).reason_at(now) ==
        cp::Reason::refreshable);
  home.write(store, login("opaque-FAKE"));
  const auto opaque = only_discovered<cp::CursorCli>(home.environment());
  CHECK(opaque.reason == cp::Reason::expiry_unknown);
  CHECK(opaque.usable_at(now));
}

TEST_CASE("source/cursor_cli: broken stores and logins") {
  check_broken_json_store<cp::CursorCli>(store, login(jwt(R"({"exp":4102444800})")));
  const ThrowawayHome home;
  const auto reason = [&](std::string_view text) {
    home.write(store, text);
    return only_discovered<cp::CursorCli>(home.environment()).reason;
  };
  CHECK(reason("{}") == cp::Reason::malformed);
  CHECK(reason(R"({"accessToken":7})") == cp::Reason::malformed);
  CHECK(reason(R"({"accessToken":"","refreshToken":""})") == cp::Reason::signed_out);
  CHECK(reason(R"({"accessToken":"FAKE\u00e9","refreshToken":"x"})") == cp::Reason::unsafe_token);
}

TEST_CASE("source/cursor_cli: XDG_CONFIG_HOME, and the place on macOS") {
  const ThrowawayHome home;
  home.write("c/cursor/auth.json", login("one-FAKE"));
  home.write(".cursor/auth.json", login("two-FAKE"));
  CHECK(discovered<cp::CursorCli>(
            home.environment({{"XDG_CONFIG_HOME", (home.path() / "c").string()}}))
            .size() == 2);
}
