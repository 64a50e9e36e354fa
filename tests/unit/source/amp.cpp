// SPDX-License-Identifier: MIT
#include <credpool/source/amp.hpp>

#include "discovered.hpp"

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".local/share/amp/secrets.json";
constexpr auto O8 = R"({"apiKey@https://ampcode.com/":"sgamp_FAKE"})";

}  // namespace

TEST_CASE("source/amp: O8 a key per server") {
  const ThrowawayHome home;
  home.write(store, O8);
  const auto credential = only_discovered<cp::Amp>(home.environment());
  CHECK(credential.provider == "amp");
  CHECK(credential.kind == cp::Kind::api_key);
  CHECK(credential.secret.reveal() == "sgamp_FAKE");
  CHECK(credential.base_url == "https://ampcode.com");
  CHECK(credential.places[0].pointer == "/apiKey@https:~1~1ampcode.com~1");
  CHECK(credential.usable_at(now));
  CHECK(credential.usable_at(far));
}

TEST_CASE("source/amp: broken stores") {
  check_broken_json_store<cp::Amp>(store, O8);
}

TEST_CASE("source/amp: broken entries, and secrets that are not Amp's keys") {
  const ThrowawayHome home;
  home.write(store,
             R"({"apiKey@https://a/": "", "apiKey@https://b/": 7, "apiKey@https://c/": "FAKE X",
    "apiKey@": "FAKE", "mcp-oauth@https://d/": "FAKE"})");
  const auto found = discovered<cp::Amp>(home.environment());
  REQUIRE(found.size() == 4);
  for (const auto& credential : found) CHECK(credential.status_at(now) != cp::Status::active);
}

TEST_CASE("source/amp: XDG_DATA_HOME is honoured") {
  const ThrowawayHome home;
  home.write("d/amp/secrets.json", O8);
  CHECK(discovered<cp::Amp>(home.environment({{"XDG_DATA_HOME", (home.path() / "d").string()}}))
            .size() == 1);
}
