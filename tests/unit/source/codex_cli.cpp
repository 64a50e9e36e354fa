// SPDX-License-Identifier: MIT
#include <credpool/source/codex_cli.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/core/iso8601.hpp>
#include <throwaway_home.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

namespace cp = credpool;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::int64_t now_seconds = 1795000000;  // 2026-11-18
constexpr cp::TimePoint now{seconds{now_seconds}};
constexpr auto store = ".codex/auth.json";
constexpr auto config = ".codex/config.toml";

// Claims: email a@b.c, account acct-1, plan plus, user user-1; the signature is the text "sig".
const std::string id_far =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJlbWFpbCI6ImFAYi5jIiwiZXhwIjo0MTAyNDQ0ODAwLCJodHRwczov"
    "L2FwaS5vcGVuYWkuY29tL2F1dGgiOnsiY2hhdGdwdF9hY2NvdW50X2lkIjoiYWNjdC0xIiwiY2hhdGdwdF9wbGFuX3R5cG"
    "UiOiJwbHVzIiwiY2hhdGdwdF91c2VyX2lkIjoidXNlci0xIn19.c2ln";
const std::string at_far =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjQxMDI0NDQ4MDAsImh0dHBzOi8vYXBpLm9wZW5haS5jb20vY"
    "XV0aCI6eyJjaGF0Z3B0X2FjY291bnRfaWQiOiJhY2N0LTEiLCJjaGF0Z3B0X3BsYW5fdHlwZSI6InBsdXMiLCJjaGF0Z3B"
    "0X3VzZXJfaWQiOiJ1c2VyLTEifX0.c2ln";
const std::string at_past =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3MDAwMDAwMDAsImh0dHBzOi8vYXBpLm9wZW5haS5jb20vY"
    "XV0aCI6eyJjaGF0Z3B0X2FjY291bnRfaWQiOiJhY2N0LTEiLCJjaGF0Z3B0X3BsYW5fdHlwZSI6InBsdXMiLCJjaGF0Z3B"
    "0X3VzZXJfaWQiOiJ1c2VyLTEifX0.c2ln";

std::string jwt(std::string_view payload) {
  return "e30." + cp::encode_base64url(payload) + ".c2ln";
}

std::string ends_in(int left) {
  return jwt("{\"exp\":" + std::to_string(now_seconds + left) + "}");
}

std::string tokens(std::string_view access, std::string_view id = id_far,
                   std::string_view refresh = "rt_fake", std::string_view account = "acct-1") {
  return R"("tokens":{"id_token":")" + std::string{id} + R"(","access_token":")" +
         std::string{access} + R"(","refresh_token":")" + std::string{refresh} +
         R"(","account_id":")" + std::string{account} + "\"}";
}

/// The file of a ChatGPT login, last refreshed that many days ago.
std::string chatgpt(std::string_view access, int days_ago = 0) {
  return R"({"auth_mode":"chatgpt","OPENAI_API_KEY":null,)" + tokens(access) +
         R"(,"last_refresh":")" + cp::format_iso8601(now - std::chrono::days{days_ago}) + "\"}";
}

std::vector<cp::Credential> found(const ThrowawayHome& home) {
  auto result = cp::CodexCli{}.discover(home.environment());
  REQUIRE(result);
  return *result;
}

cp::Credential only(const ThrowawayHome& home) {
  auto credentials = found(home);
  REQUIRE(credentials.size() == 1);
  return credentials.front();
}

cp::Credential of(std::string_view text) {
  const ThrowawayHome home;
  home.write(store, text);
  return only(home);
}

}  // namespace

TEST_CASE("source/codex_cli: C1 a valid login") {
  const ThrowawayHome home;
  CHECK(found(home).empty());
  home.write(store, chatgpt(at_far));
  const auto credential = only(home);
  CHECK(credential.status_at(now) == cp::Status::active);
  CHECK(credential.reason_at(now) == cp::Reason::none);
  CHECK(credential.cli == "codex-cli");
  CHECK(credential.provider == "openai");
  CHECK(credential.profile_id == "openai:default");
  CHECK(credential.kind == cp::Kind::oauth);
  CHECK(credential.ownership == cp::Ownership::borrow);
  CHECK(credential.secret.reveal() == at_far);
  CHECK(credential.refresh_token.reveal() == "rt_fake");
  CHECK(credential.expires_at == cp::TimePoint{seconds{4102444800}});
  CHECK(credential.account == "a@b.c");
  CHECK(credential.account_id == "acct-1");
  CHECK(credential.plan == "plus");
  CHECK(credential.base_url.empty());
}

TEST_CASE("source/codex_cli: C2 C3 C4 the mode, named or not") {
  CHECK(of("{" + tokens(at_far) + "}").kind == cp::Kind::oauth);
  for (const std::string_view text :
       {R"({"OPENAI_API_KEY":"sk-FAKE"})", R"({"auth_mode":null,"OPENAI_API_KEY":"sk-FAKE"})",
        R"({"auth_mode":"apikey","OPENAI_API_KEY":"sk-FAKE","tokens":null})"}) {
    CAPTURE(text);
    const auto key = of(text);
    CHECK(key.kind == cp::Kind::api_key);
    CHECK(key.secret.reveal() == "sk-FAKE");
    CHECK(key.usable_at(now));
  }
  CHECK(of(R"({"auth_mode":"apikey","OPENAI_API_KEY":null})").reason_at(now) ==
        cp::Reason::signed_out);
  CHECK(of(R"({"auth_mode":"apikey","OPENAI_API_KEY":5})").reason_at(now) == cp::Reason::malformed);
}

TEST_CASE("source/codex_cli: C5 an expired access token is due") {
  const auto credential = of(chatgpt(at_past));
  CHECK(credential.refresh_due(now));
  CHECK(credential.status_at(now) == cp::Status::expired);
  CHECK(credential.reason_at(now) == cp::Reason::refreshable);
}

TEST_CASE("source/codex_cli: C6 the 8-day rule, when the token does not tell its end") {
  const auto nine = of(chatgpt("opaque", 9));
  CHECK(nine.refresh_due(now));
  CHECK(nine.reason_at(now) == cp::Reason::expiry_unknown);
  CHECK(nine.usable_at(now));
  CHECK_FALSE(of(chatgpt("opaque", 7)).refresh_due(now));
  const auto never = of(R"({"auth_mode":"chatgpt",)" + tokens("opaque") + "}");
  CHECK_FALSE(never.refresh_at);
}

TEST_CASE("source/codex_cli: C7 C8 due 300 s before the end, whenever it was refreshed") {
  CHECK_FALSE(of(chatgpt(ends_in(310))).refresh_due(now));
  CHECK(of(chatgpt(ends_in(290))).refresh_due(now));
  CHECK_FALSE(of(chatgpt(at_far, 30)).refresh_due(now));
}

TEST_CASE("source/codex_cli: C9 tokens that are null need a login") {
  for (
      const auto* text :
      {R"({"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":null})", "{}",
       R"({"auth_mode":"chatgpt","tokens":{"id_token":"","access_token":"","refresh_token":""}})"}) {
    CAPTURE(text);
    const auto credential = of(text);
    CHECK(credential.status_at(now) == cp::Status::needs_login);
    CHECK(credential.reason_at(now) == cp::Reason::signed_out);
  }
  CHECK(of(R"({"tokens":[]})").reason_at(now) == cp::Reason::malformed);
}

TEST_CASE("source/codex_cli: C10 an id_token that is no JWT") {
  const auto credential = of(R"({"auth_mode":"chatgpt",)" + tokens(at_far, "not.a.jwt") + "}");
  CHECK(credential.reason_at(now) == cp::Reason::malformed);
  CHECK(credential.detail.find("id_token") != std::string::npos);
  CHECK(credential.secret.reveal() == at_far);
  CHECK(credential.expires_at == cp::TimePoint{seconds{4102444800}});
  CHECK_FALSE(credential.usable_at(now));
}

TEST_CASE("source/codex_cli: C11 a mode of the future") {
  for (const std::string_view mode : {R"("future")", R"("headers")", "5", "[]"}) {
    CAPTURE(mode);
    const auto credential = of(R"({"auth_mode":)" + std::string{mode} + "," + tokens(at_far) + "}");
    CHECK(credential.reason_at(now) == cp::Reason::unknown_mode);
    CHECK(credential.secret.empty());
    CHECK(credential.ownership == cp::Ownership::borrow);
  }
}

TEST_CASE("source/codex_cli: C12 tokens lent to codex cannot be refreshed") {
  const auto credential = of(R"({"auth_mode":"chatgptAuthTokens",)" + tokens(at_far) + "}");
  CHECK(credential.usable_at(now));
  CHECK(credential.refresh_token.empty());
  CHECK_FALSE(credential.refresh_at);
}

TEST_CASE("source/codex_cli: C13 tokens that nobody refreshes") {
  const auto personal =
      of(R"({"auth_mode":"personalAccessToken","personal_access_token":"at-FAKE"})");
  CHECK(personal.kind == cp::Kind::token);
  CHECK(personal.usable_at(now));
  CHECK(personal.refresh_token.empty());
  CHECK_FALSE(personal.refresh_at);
  CHECK(of(R"({"auth_mode":"personalAccessToken"})").reason_at(now) == cp::Reason::malformed);
  const auto agent = of(R"({"auth_mode":"agentIdentity","agent_identity":{"k":"v"}})");
  CHECK(agent.kind == cp::Kind::token);
  CHECK_FALSE(agent.usable_at(now));
  CHECK(of(R"({"auth_mode":"bedrockApiKey"})").kind == cp::Kind::api_key);
}

TEST_CASE("source/codex_cli: C14 a key and a login in one file are two credentials") {
  const ThrowawayHome home;
  home.write(store, R"({"OPENAI_API_KEY":"sk-FAKE",)" + tokens(at_far) + "}");
  auto credentials = found(home);
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].kind == cp::Kind::api_key);
  CHECK(credentials[0].detail.empty());
  CHECK(credentials[1].kind == cp::Kind::oauth);
  CHECK(credentials[1].detail.find("does not use it") != std::string::npos);
  CHECK(credentials[0].profile_id != credentials[1].profile_id);
  home.write(store, R"({"auth_mode":"chatgpt","OPENAI_API_KEY":"sk-FAKE",)" + tokens(at_far) + "}");
  credentials = found(home);
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].kind == cp::Kind::oauth);
}

TEST_CASE("source/codex_cli: C15 a login in the keyring is named, a wrong setting is told") {
  CHECK(cp::codex_keyring_account("/home/tester/.codex") == "cli|c3cac995b215cc49");
  const ThrowawayHome home;
  const auto account =
      cp::codex_keyring_account(std::filesystem::canonical(home.path()) / ".codex");
  SUBCASE("keyring") {
    home.write(config, "cli_auth_credentials_store = \"keyring\"\n");
    auto credentials = found(home);
    REQUIRE(credentials.size() == 1);
    CHECK(credentials[0].reason_at(now) == cp::Reason::in_keyring);
    CHECK(credentials[0].places.front().pointer == account);
    CHECK(credentials[0].detail.find("Codex Auth") != std::string::npos);
    CHECK(credentials[0].detail.find(account) != std::string::npos);
    home.write(store, chatgpt(at_far));
    credentials = found(home);
    REQUIRE(credentials.size() == 2);
    CHECK(credentials[1].usable_at(now));
    CHECK(credentials[1].places.front().warnings.size() == 1);
  }
  SUBCASE("auto: the file counts while it is there") {
    home.write(config, "cli_auth_credentials_store = \"auto\"\n");
    CHECK(only(home).reason_at(now) == cp::Reason::in_keyring);
    home.write(store, chatgpt(at_far));
    CHECK(only(home).places.front().warnings.empty());
  }
  SUBCASE("ephemeral keeps nothing") {
    home.write(config, "cli_auth_credentials_store = \"ephemeral\"\n");
    CHECK(found(home).empty());
  }
  SUBCASE("a value, or a file, that codex does not start with") {
    for (const std::string_view text : {"cli_auth_credentials_store = \"bogus\"\n",
                                        "cli_auth_credentials_store = 5\n", "broken = [\n"}) {
      CAPTURE(text);
      home.write(config, text);
      std::filesystem::remove(home.path() / store);
      CHECK(only(home).reason_at(now) == cp::Reason::malformed);
      home.write(store, chatgpt(at_far));
      const auto credential = only(home);
      CHECK(credential.usable_at(now));
      REQUIRE(credential.places.front().warnings.size() == 1);
      CHECK(credential.places.front().warnings.front().starts_with("codex does not start"));
    }
  }
}

TEST_CASE("source/codex_cli: addresses of config.toml go with the credentials they are for") {
  const ThrowawayHome home;
  home.write(config,
             "chatgpt_base_url = \"http://127.0.0.1:1/backend-api\"\n"
             "openai_base_url = \"http://127.0.0.1:1/v1\"\n");
  home.write(store, R"({"OPENAI_API_KEY":"sk-FAKE",)" + tokens(at_far) + "}");
  const auto credentials = found(home);
  REQUIRE(credentials.size() == 2);
  CHECK(credentials[0].base_url == "http://127.0.0.1:1/v1");
  CHECK(credentials[1].base_url == "http://127.0.0.1:1/backend-api");
}

TEST_CASE("source/codex_cli: C17 unknown keys are no fault") {
  CHECK(of(R"({"agent_identity":{"a":1},"x":1,)" + tokens(at_far) + "}").usable_at(now));
}

TEST_CASE("source/codex_cli: C18 a link is followed and stays") {
  const ThrowawayHome home;
  const auto target = home.write("elsewhere/auth.json", chatgpt(at_far));
  std::filesystem::create_directory(home.path() / ".codex");
  std::filesystem::create_symlink(target, home.path() / store);
  const auto credential = only(home);
  CHECK(credential.usable_at(now));
  CHECK(credential.places.front().location == (home.path() / store).string());
  CHECK(std::filesystem::is_symlink(home.path() / store));
}

TEST_CASE("source/codex_cli: the id stays over a refresh and differs between accounts") {
  const ThrowawayHome home;
  const auto id_of = [&](std::string_view text) {
    home.write(store, text);
    return only(home).id;
  };
  const auto first = id_of(chatgpt(at_far));
  CHECK(id_of(chatgpt(ends_in(900))) == first);
  CHECK(id_of("{" + tokens(at_far, id_far, "rt_new", "acct-2") + "}") != first);
  // Two members of one workspace share the account.
  const auto colleague =
      jwt(R"({"https://api.openai.com/auth":{"chatgpt_account_id":"acct-1","user_id":"user-2"}})");
  CHECK(id_of("{" + tokens(at_far, colleague) + "}") != first);
  // Without account_id in the file the claims tell.
  CHECK(id_of("{" + tokens(at_far, id_far, "rt", "") + "}") == first);
}

TEST_CASE("source/codex_cli: CODEX_HOME is honoured") {
  const ThrowawayHome home;
  home.write("elsewhere/auth.json", chatgpt(at_far));
  const auto environment = home.environment({{"CODEX_HOME", (home.path() / "elsewhere").string()}});
  const auto result = cp::CodexCli{}.discover(environment);
  REQUIRE(result);
  CHECK(result->size() == 1);
  CHECK(cp::CodexCli{}.locations(environment).front() == home.path() / "elsewhere/auth.json");
}
