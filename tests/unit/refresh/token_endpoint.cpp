// SPDX-License-Identifier: MIT
#include <credpool/refresh/token_endpoint.hpp>

#include "throwaway_home.hpp"

#include <credpool/core/encoding.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

cp::Credential login_of(std::string_view cli, std::string_view provider) {
  return cp::Credential::login(cli, provider, "/store");
}

std::string_view header_of(const std::vector<cp::Header>& headers, std::string_view name) {
  for (const auto& header : headers)
    if (header.name == name) return header.value;
  return {};
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

/// The secret has the shape of Google's; it is put together so that no scanner takes it for one.
std::string fake_google_secret() {
  return "GOC" + std::string{"SPX-"} + std::string(28, 'x');
}

constexpr std::string_view gemini_id =
    "681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com";

cp::Result<cp::GrantedTokens> with_lifetime(const std::string& value) {
  return cp::parse_granted_tokens(R"({"access_token":"at","expires_in":)" + value + "}");
}

std::string jwt(std::string_view claims) {
  return "e30." + cp::encode_base64url(claims) + ".c2ln";
}

}  // namespace

TEST_CASE("refresh/token_endpoint: kimi's host: configuration, switches, store, default") {
  const ThrowawayHome home;
  auto login = login_of("kimi-code", "kimi-code");
  CHECK(cp::token_endpoint_of(login, home.environment())->url ==
        "https://auth.kimi.com/api/oauth/token");
  login.oauth_host = "https://auth.kimi.ai/";
  CHECK(cp::token_endpoint_of(login, home.environment())->url ==
        "https://auth.kimi.ai/api/oauth/token");
  CHECK(cp::token_endpoint_of(login, home.environment({{"KIMI_OAUTH_HOST", "https://b.test"}}))
            ->url == "https://b.test/api/oauth/token");
  const auto both = home.environment(
      {{"KIMI_OAUTH_HOST", "https://b.test"}, {"KIMI_CODE_OAUTH_HOST", "https://a.test/"}});
  CHECK(cp::token_endpoint_of(login, both)->url == "https://a.test/api/oauth/token");
  cp::TokenEndpointSettings settings;
  settings.urls["kimi-code"] = "http://127.0.0.1:8080";
  CHECK(cp::token_endpoint_of(login, both, settings)->url ==
        "http://127.0.0.1:8080/api/oauth/token");
  settings.urls["kimi-code"] = "https://proxy.test/kimi/token";
  CHECK(cp::token_endpoint_of(login, both, settings)->url == "https://proxy.test/kimi/token");
}

TEST_CASE("refresh/token_endpoint: plain http goes to loopback addresses only") {
  const ThrowawayHome home;
  const auto with_host = [&](const char* host) {
    return cp::token_endpoint_of(login_of("kimi-cli", "kimi-code"),
                                 home.environment({{"KIMI_OAUTH_HOST", host}}));
  };
  CHECK(with_host("http://127.0.0.1:9"));
  for (const auto* host : {"http://auth.kimi.com", "http://localhost:9", "ftp://a.test", "a.test",
                           "https://user:pw@a.test", "https://a.test/?x="}) {
    CAPTURE(host);
    const auto endpoint = with_host(host);
    REQUIRE_FALSE(endpoint);
    CHECK(endpoint.error().errc() == cp::Errc::configuration);
    CHECK_FALSE(has(endpoint.error().message(), "pw"));
  }
}

TEST_CASE("refresh/token_endpoint: kimi is told who we are, and the device of the login") {
  const ThrowawayHome home;
  home.write(".kimi/device_id", "0123abc\n");
  home.write(".kimi-code/device_id", "code-device");
  const auto of = [&](const char* cli) {
    return cp::token_endpoint_of(login_of(cli, "kimi-code"), home.environment())->headers;
  };
  CHECK(header_of(of("kimi-cli"), "X-Msh-Platform") == "credpool");
  CHECK(header_of(of("kimi-cli"), "X-Msh-Version") == CREDPOOL_VERSION_STRING);
  CHECK(header_of(of("kimi-cli"), "X-Msh-Device-Name") == "testhost");
  CHECK(header_of(of("kimi-cli"), "X-Msh-Device-Id") == "0123abc");
  CHECK(header_of(of("kimi-code"), "X-Msh-Device-Id") == "code-device");

  cp::TokenEndpointSettings settings;
  settings.headers["kimi-code"] = {{"x-msh-platform", "gateway"}, {"X-Own", "1"}};
  const auto own =
      cp::token_endpoint_of(login_of("kimi-cli", "kimi-code"), home.environment(), settings);
  CHECK(header_of(own->headers, "X-Msh-Platform").empty());
  CHECK(header_of(own->headers, "x-msh-platform") == "gateway");
  CHECK(header_of(own->headers, "X-Own") == "1");
}

TEST_CASE("refresh/token_endpoint: a missing or odd device id is not sent and not made") {
  const ThrowawayHome home;
  const auto id_of = [&] {
    const auto endpoint =
        cp::token_endpoint_of(login_of("kimi-cli", "kimi-code"), home.environment());
    return std::string{header_of(endpoint->headers, "X-Msh-Device-Id")};
  };
  CHECK(id_of().empty());
  CHECK_FALSE(std::filesystem::exists(home.path() / ".kimi"));
  home.write(".kimi/device_id", "a b\r\n");
  CHECK(id_of().empty());
}

TEST_CASE("refresh/token_endpoint: the refresh request of kimi is a form") {
  const ThrowawayHome home;
  const auto endpoint =
      cp::token_endpoint_of(login_of("kimi-cli", "kimi-code"), home.environment());
  const auto request = cp::refresh_request(*endpoint, cp::Secret{"rt/+&="});
  CHECK(request.method == "POST");
  CHECK(request.url == "https://auth.kimi.com/api/oauth/token");
  CHECK(request.body ==
        "grant_type=refresh_token&refresh_token=rt%2F%2B%26%3D&"
        "client_id=17e5f671-d194-4dfb-9706-5516cb48c098");
  CHECK(header_of(request.headers, "Content-Type") == "application/x-www-form-urlencoded");
  CHECK(header_of(request.headers, "Accept") == "application/json");
  CHECK(request.timeout == endpoint->answer_timeout);
}

TEST_CASE("refresh/token_endpoint: codex and claude take JSON") {
  const ThrowawayHome home;
  const auto codex = cp::token_endpoint_of(login_of("codex-cli", "openai"), home.environment());
  auto request = cp::refresh_request(*codex, cp::Secret{"r\"t"});
  CHECK(request.url == "https://auth.openai.com/oauth/token");
  CHECK(header_of(request.headers, "Content-Type") == "application/json");
  CHECK(request.body ==
        R"({"client_id":"app_EMoamEEZ73f0CkXaXp7hrann","grant_type":"refresh_token",)"
        R"("refresh_reason":"proactive_expiry","refresh_token":"r\"t"})");

  const auto elsewhere = cp::token_endpoint_of(
      login_of("codex-cli", "openai"),
      home.environment({{"CODEX_REFRESH_TOKEN_URL_OVERRIDE", "http://127.0.0.1:7/x"}}));
  CHECK(elsewhere->url == "http://127.0.0.1:7/x");

  const auto claude =
      cp::token_endpoint_of(login_of("claude-cli", "anthropic"), home.environment());
  request = cp::refresh_request(*claude, cp::Secret{"rt"});
  CHECK(request.url == "https://platform.claude.com/v1/oauth/token");
  CHECK(has(request.body, R"("scope":"user:profile user:inference )"));
}

TEST_CASE("refresh/token_endpoint: the other providers") {
  const ThrowawayHome home;
  const auto url = [&](const char* cli, const char* provider) {
    return cp::token_endpoint_of(login_of(cli, provider), home.environment())->url;
  };
  CHECK(url("qwen-cli", "qwen-portal") == "https://chat.qwen.ai/api/v1/oauth2/token");
  CHECK(url("grok", "xai") == "https://auth.x.ai/oauth2/token");
  CHECK(url("droid", "factory") == "https://api.workos.com/user_management/authenticate");

  const auto unknown = cp::token_endpoint_of(login_of("x", "nobody"), home.environment());
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().errc() == cp::Errc::unsupported);
  cp::TokenEndpointSettings settings;
  settings.urls["nobody"] = "http://127.0.0.1:5/token";
  settings.client_ids["nobody"] = "my client";
  const auto own = cp::token_endpoint_of(login_of("x", "nobody"), home.environment(), settings);
  REQUIRE(own);
  CHECK(has(cp::refresh_request(*own, cp::Secret{"rt"}).body, "client_id=my%20client"));
}

TEST_CASE("refresh/token_endpoint: gemini's client secret comes from the installed program") {
  const ThrowawayHome home;
  const auto login = login_of("gemini-cli", "google-gemini-cli");
  const auto environment = home.environment({{"PATH", (home.path() / "bin").string()}});
  const auto missing = cp::token_endpoint_of(login, environment);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().errc() == cp::Errc::unsupported);
  CHECK(has(missing.error().message(), "install Gemini CLI"));

  const auto secret = fake_google_secret();
  home.write("lib/bundle/gemini.js", "import './chunk-B.js'", 0755);
  home.write("lib/bundle/chunk-A.js", "var OTHER = \"" + secret + "\";");
  home.write("lib/bundle/chunk-B.js",
             "var ID = \"" + std::string{gemini_id} + "\";\nvar SECRET = \"" + secret + "B\";");
  std::filesystem::create_directory(home.path() / "bin");
  std::filesystem::create_symlink("../lib/bundle/gemini.js", home.path() / "bin/gemini");
  const auto endpoint = cp::token_endpoint_of(login, environment);
  REQUIRE(endpoint);
  CHECK(endpoint->client_id == gemini_id);
  CHECK(endpoint->client_secret.reveal() == secret + "B");
  CHECK(
      has(cp::refresh_request(*endpoint, cp::Secret{"rt"}).body, "&client_secret=" + secret + "B"));
}

TEST_CASE("refresh/token_endpoint: gemini's client secret in the core package of older versions") {
  const ThrowawayHome home;
  home.write("lib/node_modules/@google/gemini-cli/dist/index.js", "//", 0755);
  home.write("lib/node_modules/@google/gemini-cli-core/dist/src/code_assist/oauth2.js",
             std::string{gemini_id} + "'; S = '" + fake_google_secret() + "'");
  std::filesystem::create_directory(home.path() / "bin");
  std::filesystem::create_symlink("../lib/node_modules/@google/gemini-cli/dist/index.js",
                                  home.path() / "bin/gemini");
  const auto endpoint =
      cp::token_endpoint_of(login_of("gemini-cli", "google-gemini-cli"),
                            home.environment({{"PATH", (home.path() / "bin").string()}}));
  REQUIRE(endpoint);
  CHECK(endpoint->client_secret.reveal() == fake_google_secret());
}

TEST_CASE("refresh/token_endpoint: Google's client pair from a configured file") {
  const ThrowawayHome home;
  const auto login = login_of("antigravity", "google-antigravity");
  CHECK(cp::token_endpoint_of(login, home.environment()).error().errc() == cp::Errc::unsupported);

  cp::TokenEndpointSettings settings;
  settings.client_secrets_files["google-antigravity"] = "~/client";
  const auto endpoint = [&] { return cp::token_endpoint_of(login, home.environment(), settings); };
  CHECK(endpoint().error().errc() == cp::Errc::not_found);
  home.write("client", "the-secret\n");
  CHECK(endpoint()->client_secret.reveal() == "the-secret");
  CHECK(has(endpoint()->client_id, "1071006060591-"));
  home.write("client", R"({"installed":{"client_id":"own-id","client_secret":"own-secret"}})");
  CHECK(endpoint()->client_id == "own-id");
  CHECK(endpoint()->client_secret.reveal() == "own-secret");
  home.write("client", R"({"installed":{"client_id":"own-id"}})");
  CHECK(endpoint().error().errc() == cp::Errc::malformed);
  home.write("client", "the-secret", 0644);
  const auto open_to_all = endpoint();
  REQUIRE_FALSE(open_to_all);
  CHECK(open_to_all.error().errc() == cp::Errc::configuration);
  CHECK(has(open_to_all.error().message(), "chmod"));
  CHECK_FALSE(has(open_to_all.error().message(), "the-secret"));
}

TEST_CASE("refresh/token_endpoint: application default credentials carry their client pair") {
  const ThrowawayHome home;
  auto login = login_of("gcloud-adc", "google-vertex");
  CHECK(cp::token_endpoint_of(login, home.environment()).error().errc() == cp::Errc::configuration);
  const auto path = home.write(
      "adc.json",
      R"({"type":"authorized_user","client_id":"id.test","client_secret":"s","refresh_token":"r"})");
  login.places.push_back({path.string(), ""});
  const auto endpoint = cp::token_endpoint_of(login, home.environment());
  REQUIRE(endpoint);
  CHECK(endpoint->client_id == "id.test");
  CHECK(endpoint->client_secret.reveal() == "s");
}

TEST_CASE("refresh/token_endpoint: A11 expires_in") {
  CHECK(with_lifetime("900")->lifetime == 900s);
  CHECK(with_lifetime("\"900\"")->lifetime == 900s);
  CHECK(with_lifetime("899.5")->lifetime == 899500ms);
  CHECK(with_lifetime("null")->lifetime == std::nullopt);
  CHECK(cp::parse_granted_tokens(R"({"access_token":"at"})")->lifetime == std::nullopt);
  // The old refresh token is spent by now: a pair of good tokens is not thrown away for their end.
  for (const auto* odd : {"0", "-1", "\"NaN\"", "\"inf\"", "\"\"", "\"-5\"", "\"1e3\"", "\"900 s\"",
                          "true", "[]", "{}"}) {
    CAPTURE(odd);
    const auto granted = with_lifetime(odd);
    REQUIRE(granted);
    CHECK(granted->lifetime == std::nullopt);
  }
  for (const auto* no_json : {"1e400", "NaN"}) {
    CAPTURE(no_json);
    const auto granted = with_lifetime(no_json);
    REQUIRE_FALSE(granted);
    CHECK(granted.error().errc() == cp::Errc::malformed);
  }
  // Finite, and still no overflow in whoever adds it to a time.
  CHECK(*with_lifetime("1e300")->lifetime <= 24h * 366 * 100);
}

TEST_CASE("refresh/token_endpoint: what may not be trusted is refused, and never quoted") {
  const std::string long_token(16385, 'x');
  for (const auto& body :
       {std::string{}, std::string{"<html>canary</html>"}, std::string{"[]"}, std::string{"null"},
        std::string{R"({"refresh_token":"canary"})"}, std::string{R"({"access_token":""})"},
        std::string{R"({"access_token":5,"refresh_token":"canary"})"},
        std::string{R"({"access_token":"at canary"})"},
        std::string{R"({"access_token":"canary","access_token":"b"})"},
        std::string{R"({"access_token":"at","refresh_token":"can\nary"})"},
        std::string{R"({"access_token":"at","refresh_token":["canary"]})"},
        R"({"access_token":")" + long_token + "\"}",
        std::string{R"({"access_token":"canary","expires_in)"}}) {
    CAPTURE(body.substr(0, 60));
    const auto granted = cp::parse_granted_tokens(body);
    REQUIRE_FALSE(granted);
    CHECK(granted.error().errc() == cp::Errc::malformed);
    CHECK_FALSE(has(granted.error().message(), "canary"));
  }
}

TEST_CASE("refresh/token_endpoint: everything that was granted") {
  const auto id = jwt(R"({"sub":"u1","https://api.openai.com/auth":{"chatgpt_account_id":"a1"}})");
  const auto granted = cp::parse_granted_tokens(
      R"({"access_token":"at","refresh_token":"rt","id_token":")" + id +
      R"(","expires_in":60,"refresh_token_expires_in":120,"token_type":"Bearer","scope":"a b",)"
      R"("resource_url":"portal.qwen.ai"})");
  REQUIRE(granted);
  CHECK(granted->access_token.reveal() == "at");
  CHECK(granted->refresh_token.reveal() == "rt");
  CHECK(granted->id_token.reveal() == id);
  CHECK(granted->refresh_lifetime == 120s);
  CHECK(granted->token_type == "Bearer");
  CHECK(granted->scope == "a b");
  CHECK(granted->resource_url == "portal.qwen.ai");
  CHECK(granted->account_id == "a1");

  const auto plain = cp::parse_granted_tokens(R"({"access_token":"at","id_token":"odd"})");
  REQUIRE(plain);
  CHECK(plain->refresh_token.empty());
  CHECK(plain->id_token.empty());
  CHECK(plain->account_id.empty());
}

TEST_CASE("refresh/token_endpoint: whose tokens they are") {
  const auto account = [](const std::string& rest) {
    return cp::parse_granted_tokens(R"({"access_token":"at")" + rest + "}")->account_id;
  };
  CHECK(account(R"(,"account":{"uuid":"c1"})") == "c1");
  CHECK(account(R"(,"id_token":")" + jwt(R"({"sub":"g1"})") + '"') == "g1");
  const auto access = cp::parse_granted_tokens(
      R"({"access_token":")" +
      jwt(R"({"https://api.openai.com/auth":{"chatgpt_account_id":"a2"}})") + "\"}");
  CHECK(access->account_id == "a2");
}
