// SPDX-License-Identifier: MIT
#include <credpool/source/grok.hpp>

#include "discovered.hpp"

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".grok/auth.json";

std::string login(std::string_view expires_at) {
  return R"({"https://auth.x.ai::b1a00492-073a-47ea-816f-4c329264a828":{"key":"at-FAKE","refresh_token":"rt-FAKE","expires_at":)" +
         std::string{expires_at} + R"(,"email":"a@b.c"}})";
}

}  // namespace

TEST_CASE("source/grok: O6 a login") {
  const ThrowawayHome home;
  home.write(store, login("\"2100-01-01T00:00:00Z\""));
  const auto credential = only_discovered<cp::Grok>(home.environment());
  CHECK(credential.provider == "xai");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == cp::Ownership::borrow);
  CHECK(credential.secret.reveal() == "at-FAKE");
  CHECK(credential.refresh_token.reveal() == "rt-FAKE");
  CHECK(credential.expires_at == far);
  CHECK(credential.account == "a@b.c");
  CHECK(credential.profile_id == "xai:a@b.c");
  CHECK(credential.usable_at(now));
}

TEST_CASE("source/grok: when it ends") {
  const ThrowawayHome home;
  const auto at = [&](std::string_view when) {
    home.write(store, login(when));
    return only_discovered<cp::Grok>(home.environment());
  };
  CHECK(at("\"2023-11-14T22:13:20.5+00:00\"").reason_at(now) == cp::Reason::refreshable);
  CHECK(at("\"soon\"").reason == cp::Reason::expiry_unknown);
  CHECK(at("null").reason == cp::Reason::expiry_unknown);
}

TEST_CASE("source/grok: broken stores") {
  check_broken_json_store<cp::Grok>(store, login("\"2100-01-01T00:00:00Z\""));
}

TEST_CASE("source/grok: broken entries") {
  const ThrowawayHome home;
  home.write(
      store,
      R"({"a": {}, "b": "FAKE", "c": {"key": "FAKE\tX"}, "d": {"key": "", "refresh_token": ""},
    "e f": {"key": "FAKE"}})");
  const auto found = discovered<cp::Grok>(home.environment());
  REQUIRE(found.size() == 5);
  using enum cp::Reason;
  const std::array reasons{malformed, malformed, unsafe_token, signed_out, malformed};
  for (std::size_t i = 0; i < reasons.size(); ++i) CHECK(found[i].reason == reasons[i]);
}

TEST_CASE("source/grok: GROK_HOME is honoured") {
  const ThrowawayHome home;
  home.write("g/auth.json", login("null"));
  CHECK(discovered<cp::Grok>(home.environment({{"GROK_HOME", (home.path() / "g").string()}}))
            .size() == 1);
}
