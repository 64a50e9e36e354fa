// SPDX-License-Identifier: MIT
#include <credpool/source/opencode.hpp>

#include "discovered.hpp"

namespace cp = credpool;

namespace {

constexpr cp::TimePoint now{std::chrono::milliseconds{1795000000000}};  // 2026-11-18
constexpr cp::TimePoint far{std::chrono::seconds{4102444800}};          // 2100-01-01

constexpr auto store = ".local/share/opencode/auth.json";
constexpr auto O1 =
    R"({"anthropic":{"type":"oauth","refresh":"sk-ant-ort01-FAKE","access":"sk-ant-oat01-FAKE","expires":4102444800000},)"
    R"("openai":{"type":"oauth","refresh":"rt-FAKE","access":"jwt-FAKE","expires":4102444800000,"accountId":"acct-1"},)"
    R"("openrouter":{"type":"api","key":"sk-or-v1-FAKE"},"w":{"type":"wellknown","key":"K","token":"t-FAKE"},)"
    R"("broken":{"type":"weird"}})";

}  // namespace

TEST_CASE("source/opencode: O1 every type of entry") {
  const ThrowawayHome home;
  const auto path = home.write(store, O1);
  const auto found = discovered<cp::Opencode>(home.environment());
  REQUIRE(found.size() == 5);
  const auto of = [&](std::string_view provider) {
    for (const auto& credential : found)
      if (credential.provider == provider) return credential;
    FAIL("no credential of " << provider);
    return cp::Credential{};
  };

  const auto anthropic = of("anthropic");
  CHECK(anthropic.kind == cp::Kind::oauth);
  CHECK(anthropic.ownership == cp::Ownership::borrow);
  CHECK(anthropic.secret.reveal() == "sk-ant-oat01-FAKE");
  CHECK(anthropic.refresh_token.reveal() == "sk-ant-ort01-FAKE");
  CHECK(anthropic.expires_at == far);
  CHECK(anthropic.usable_at(now));
  CHECK(anthropic.detail.find("copy") != std::string::npos);
  CHECK(anthropic.profile_id == "anthropic:default");
  CHECK(anthropic.places[0].location == path.string());
  CHECK(anthropic.places[0].pointer == "/anthropic");

  CHECK(of("openai").account_id == "acct-1");

  const auto router = of("openrouter");
  CHECK(router.kind == cp::Kind::api_key);
  CHECK(router.secret.reveal() == "sk-or-v1-FAKE");
  CHECK(router.id == cp::Credential::api_key("any", "openrouter", cp::Secret{"sk-or-v1-FAKE"}).id);

  CHECK(of("w").kind == cp::Kind::token);
  CHECK(of("w").secret.reveal() == "t-FAKE");

  const auto broken = of("broken");
  CHECK(broken.status == cp::Status::invalid);
  CHECK(broken.reason == cp::Reason::unknown_mode);
}

TEST_CASE("source/opencode: broken stores") {
  check_broken_json_store<cp::Opencode>(store, O1);
}

TEST_CASE("source/opencode: broken entries are listed beside the good ones") {
  const ThrowawayHome home;
  home.write(store, R"({"a": {"type": "oauth"}, "b": {"type": "oauth", "access": "", "refresh": ""},
    "c": {"type": "api", "key": 7}, "d": {"type": "api", "key": "FAKE\nX"}, "e": "FAKE",
    "f": {"type": "oauth", "refresh": "rt-FAKE"}, "g": {"type": "oauth", "access": "at-FAKE"},
    "h\u001b[2J": {"type": "api", "key": "FAKE1"}, "i": {"type": "api", "key": "FAKE2"}})");
  const auto found = discovered<cp::Opencode>(home.environment());
  REQUIRE(found.size() == 9);
  using enum cp::Reason;
  const std::array reasons{malformed,      signed_out,     malformed, unsafe_token, malformed,
                           needs_exchange, expiry_unknown, malformed, none};
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i].reason == reasons[i]);
    CHECK(found[i].provider.find('\x1b') == std::string::npos);
  }
  CHECK(found[6].usable_at(now));
  CHECK(found[8].usable_at(now));
}

TEST_CASE("source/opencode: when a login ends") {
  const ThrowawayHome home;
  const auto with = [&](std::string_view id, std::string_view expires) {
    home.write(
        store,
        "{\"" + std::string{id} +
            R"(": {"type": "oauth", "access": "at-FAKE", "refresh": "rt-FAKE", "expires": )" +
            std::string{expires} + "}}");
    return only_discovered<cp::Opencode>(home.environment());
  };
  CHECK(with("anthropic", "1700000000000").status_at(now) == cp::Status::expired);
  CHECK(with("anthropic", "1700000000000").reason_at(now) == cp::Reason::refreshable);
  CHECK(with("anthropic", "4102444800").expires_at == far);
  CHECK(with("anthropic", "\"4102444800000\"").expires_at == far);
  CHECK(with("anthropic", "0").status_at(now) == cp::Status::expired);
  CHECK(with("anthropic", "-1").reason == cp::Reason::expiry_unknown);
  CHECK(with("anthropic", "\"NaN\"").reason == cp::Reason::expiry_unknown);
  const auto github = with("github-copilot", "0");  // a GitHub token has no end
  CHECK_FALSE(github.expires_at);
  CHECK(github.usable_at(now));
}

TEST_CASE("source/opencode: a refreshed login keeps its id, another account has another") {
  const ThrowawayHome home;
  const auto with = [&](std::string_view access, std::string_view account) {
    home.write(store, R"({"openai": {"type": "oauth", "access": ")" + std::string{access} +
                          R"(", "accountId": ")" + std::string{account} + "\"}}");
    return only_discovered<cp::Opencode>(home.environment()).id;
  };
  CHECK(with("at1-FAKE", "one") == with("at2-FAKE", "one"));
  CHECK(with("at1-FAKE", "one") != with("at1-FAKE", "two"));
}

TEST_CASE("source/opencode: the variable with the whole JSON comes first") {
  const ThrowawayHome home;
  home.write(store, R"({"openai": {"type": "api", "key": "file-FAKE"}})");
  const auto found = discovered<cp::Opencode>(home.environment(
      {{"OPENCODE_AUTH_CONTENT", R"({"openai": {"type": "api", "key": "env-FAKE"}})"}}));
  REQUIRE(found.size() == 2);
  CHECK(found[0].secret.reveal() == "env-FAKE");
  CHECK(found[0].places[0].location == "env:OPENCODE_AUTH_CONTENT");
  CHECK(found[1].secret.reveal() == "file-FAKE");

  const auto broken =
      discovered<cp::Opencode>(home.environment({{"OPENCODE_AUTH_CONTENT", "{\"openai\":"}}));
  REQUIRE(broken.size() == 2);
  CHECK(broken[0].reason == cp::Reason::malformed);
  const auto large = discovered<cp::Opencode>(
      home.environment({{"OPENCODE_AUTH_CONTENT", std::string(70000, ' ')}}));
  CHECK(large[0].reason == cp::Reason::too_large);
}

TEST_CASE("source/opencode: XDG_DATA_HOME is honoured") {
  const ThrowawayHome home;
  const auto path = home.write("data/opencode/auth.json", O1);
  const auto environment = home.environment({{"XDG_DATA_HOME", (home.path() / "data").string()}});
  CHECK(discovered<cp::Opencode>(environment).size() == 5);
  CHECK(cp::Opencode{}.locations(environment) == std::vector{path});
}
