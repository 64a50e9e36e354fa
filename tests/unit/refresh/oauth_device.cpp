// SPDX-License-Identifier: MIT
#include <credpool/refresh/oauth_device.hpp>

#include "scripted_login.hpp"
#include "throwaway_home.hpp"

#include <credpool/core/encoding.hpp>
#include <credpool/core/hash.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

using Login = ScriptedLogin;
using Replies = std::vector<cp::Result<cp::Response>>;

const cp::Response tokens =
    Login::json(200, R"({"access_token":"at-new","refresh_token":"rt-new","expires_in":900})");

cp::Response codes(const std::string& rest = R"(,"expires_in":600,"interval":5)") {
  return Login::json(200,
                     R"({"device_code":"dc-1","user_code":"ABCD-1234",)"
                     R"("verification_uri":"https://kimi.test/device",)"
                     R"("verification_uri_complete":"https://kimi.test/device?code=ABCD-1234")" +
                         rest + "}");
}

cp::DeviceFlow flow_of(std::string_view cli, std::string_view region = {}) {
  const ThrowawayHome home;
  return *cp::device_flow_of(*cp::find_login_provider(cli), home.environment(), {}, region);
}

std::string parameter(const cp::Request& request, const std::string& name) {
  const auto& form = request.body;
  auto at = ("&" + form).find("&" + name + "=");
  if (at == std::string::npos) return {};
  at += name.size() + 1;
  return form.substr(at, form.find('&', at) - at);
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

cp::Error failed(Login& login, std::string_view cli = "kimi-cli") {
  const auto result = cp::device_login(flow_of(cli), login.world(), login.person);
  REQUIRE_FALSE(result);
  return result.error();
}

}  // namespace

TEST_CASE("refresh/oauth_device: kimi, from the codes to the tokens") {
  Login login{{codes(), Login::error(400, "authorization_pending"),
               Login::error(400, "authorization_pending"), tokens}};
  const auto granted = cp::device_login(flow_of("kimi-cli"), login.world(), login.person);
  REQUIRE(granted);
  CHECK(granted->access_token.reveal() == "at-new");
  CHECK(granted->refresh_token.reveal() == "rt-new");

  const auto requests = login.server.requests();
  REQUIRE(requests.size() == 4);
  CHECK(requests[0].url == "https://auth.kimi.com/api/oauth/device_authorization");
  CHECK(requests[0].body == "client_id=17e5f671-d194-4dfb-9706-5516cb48c098");
  CHECK(requests[1].url == "https://auth.kimi.com/api/oauth/token");
  CHECK(parameter(requests[1], "grant_type") ==
        "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code");
  CHECK(parameter(requests[1], "device_code") == "dc-1");
  REQUIRE(login.person.shown.size() == 1);
  CHECK(login.person.shown[0].url == "https://kimi.test/device?code=ABCD-1234");
  CHECK(login.person.shown[0].user_code == "ABCD-1234");
  CHECK(login.person.shown[0].expires_at == cp::TimePoint{1800000600s});
  CHECK(login.person.waited == std::vector<cp::Duration>{5s, 5s, 5s});
}

TEST_CASE("refresh/oauth_device: D17 slow_down costs 5 s from then on") {
  Login login{{codes(), Login::error(400, "slow_down"), Login::error(400, "authorization_pending"),
               Login::error(400, "slow_down"), tokens}};
  REQUIRE(cp::device_login(flow_of("kimi-cli"), login.world(), login.person));
  CHECK(login.person.waited == std::vector<cp::Duration>{5s, 10s, 10s, 15s});
}

TEST_CASE("refresh/oauth_device: D17 the interval: none, a text, or nonsense") {
  const auto first_wait = [](const std::string& rest) {
    Login login{{codes(rest), tokens}};
    REQUIRE(cp::device_login(flow_of("kimi-cli"), login.world(), login.person));
    return login.person.waited.front();
  };
  CHECK(first_wait("") == 5s);
  CHECK(first_wait(R"(,"interval":"7")") == 7s);
  CHECK(first_wait(R"(,"interval":0)") == 5s);
  CHECK(first_wait(R"(,"interval":-3)") == 5s);
  CHECK(first_wait(R"(,"interval":"NaN")") == 5s);
  CHECK(first_wait(R"(,"interval":null)") == 5s);
  CHECK(first_wait(R"(,"interval":0.01)") == 1s);
  CHECK(first_wait(R"(,"interval":1e9)") == 60s);
}

TEST_CASE("refresh/oauth_device: D17 pending is not waited for longer than 15 minutes") {
  for (const auto* rest : {"", R"(,"expires_in":86400)"}) {
    Login login{{codes(rest), Login::error(400, "authorization_pending")}};
    const auto error = failed(login);
    CHECK(error.errc() == cp::Errc::timeout);
    CHECK(has(error.message(), "start the login again"));
    CHECK(login.clock.steady() == 15min);
    CHECK(login.server.requests().size() == 180);  // the codes, and a poll each 5 s before the end
  }
  Login brief{{codes(R"(,"expires_in":12)"), Login::error(400, "authorization_pending")}};
  CHECK(failed(brief).errc() == cp::Errc::timeout);
  CHECK(brief.clock.steady() == 12s);
}

TEST_CASE("refresh/oauth_device: D17 expired, denied, and what else ends a login") {
  const auto ends_with = [](const cp::Response& answer) {
    Login login{{codes(), answer}};
    const auto error = failed(login);
    CHECK(login.server.requests().size() == 2);
    return error;
  };
  CHECK(ends_with(Login::error(400, "expired_token")).errc() == cp::Errc::timeout);
  const auto denied = ends_with(Login::error(400, "access_denied"));
  CHECK(denied.errc() == cp::Errc::cancelled);
  CHECK(has(denied.message(), "denied"));
  CHECK(ends_with(Login::error(401, "invalid_client")).errc() == cp::Errc::configuration);
  CHECK(ends_with(Login::error(400, "invalid_grant")).errc() == cp::Errc::login_needed);
  CHECK(ends_with(Login::json(200, "{}")).errc() == cp::Errc::malformed);
  CHECK(ends_with({200, {{"Content-Type", "text/html"}}, "<p>"}).errc() == cp::Errc::malformed);
}

TEST_CASE("refresh/oauth_device: the person gives up") {
  Login login{{codes(), Login::error(400, "authorization_pending")}};
  login.person.gives_up_after = 2;
  CHECK(failed(login).errc() == cp::Errc::cancelled);
  CHECK(login.server.requests().size() == 2);
}

TEST_CASE("refresh/oauth_device: failures of the network slow the polls down and end nothing") {
  const auto lost = cp::Result<cp::Response>{cp::fail(cp::Errc::network, "sending")};
  Login login{{codes(), lost, lost, Login::json(503, "{}"), tokens}};
  REQUIRE(cp::device_login(flow_of("kimi-cli"), login.world(), login.person));
  CHECK(login.person.waited == std::vector<cp::Duration>{5s, 10s, 20s, 5s});

  Login refused{{codes(), cp::Result<cp::Response>{cp::fail(cp::Errc::configuration, "sending")}}};
  CHECK(failed(refused).errc() == cp::Errc::configuration);
}

TEST_CASE("refresh/oauth_device: Retry-After is waited for") {
  auto busy = Login::json(429, R"({"error":"slow_down"})");
  busy.headers.push_back({"Retry-After", "40"});
  Login login{{codes(), busy, tokens}};
  REQUIRE(cp::device_login(flow_of("qwen-cli"), login.world(), login.person));
  CHECK(login.person.waited == std::vector<cp::Duration>{5s, 40s});
}

TEST_CASE("refresh/oauth_device: codes that may not be shown or sent are refused") {
  for (
      const auto* body :
      {"", "[]", "{}", R"({"device_code":"d","user_code":"u"})",
       R"({"device_code":"d","user_code":"u","verification_uri":"http://kimi.test/"})",
       R"x({"device_code":"d","user_code":"u","verification_uri":"javascript:alert(1)"})x",
       R"({"device_code":"d","user_code":"u","verification_uri":"https://a@b.test/"})",
       R"({"device_code":"d","user_code":"\u001b[2J","verification_uri":"https://kimi.test/"})",
       R"({"device_code":"a b","user_code":"u","verification_uri":"https://kimi.test/"})",
       R"({"device_code":"d","user_code":"u","verification_uri":"https://kimi.test/\u001b[2J"})"}) {
    CAPTURE(body);
    Login login{{Login::json(200, body), tokens}};
    CHECK(failed(login).errc() == cp::Errc::malformed);
    CHECK(login.person.shown.empty());
  }
}

TEST_CASE("refresh/oauth_device: kimi's two regions and its switch") {
  CHECK(flow_of("kimi-code").oauth_host == "https://auth.kimi.com");
  const auto global = flow_of("kimi-code", "global");
  CHECK(global.oauth_host == "https://auth.kimi.ai");
  CHECK(global.authorization_url == "https://auth.kimi.ai/api/oauth/device_authorization");
  CHECK(flow_of("kimi-code", "mainland-cn").oauth_host == "https://auth.kimi.com");

  const ThrowawayHome home;
  const auto& kimi = *cp::find_login_provider("kimi-code");
  CHECK(cp::device_flow_of(kimi, home.environment(), {}, "moon").error().errc() ==
        cp::Errc::invalid_argument);
  home.write(".kimi-code/region", "global\n");
  CHECK(cp::device_flow_of(kimi, home.environment())->oauth_host == "https://auth.kimi.ai");
  const auto own = home.environment({{"KIMI_CODE_OAUTH_HOST", "http://127.0.0.1:9"}});
  CHECK(cp::device_flow_of(kimi, own)->authorization_url ==
        "http://127.0.0.1:9/api/oauth/device_authorization");
}

TEST_CASE("refresh/oauth_device: qwen proves with its verifier that it began the login") {
  Login login{{codes(), Login::error(400, "authorization_pending"), tokens}};
  REQUIRE(cp::device_login(flow_of("qwen-cli"), login.world(), login.person));
  const auto requests = login.server.requests();
  CHECK(requests[0].url == "https://chat.qwen.ai/api/v1/oauth2/device/code");
  CHECK(parameter(requests[0], "code_challenge_method") == "S256");
  const auto verifier = parameter(requests[1], "code_verifier");
  CHECK(verifier.size() == 43);
  const auto digest = cp::sha256(verifier);
  CHECK(parameter(requests[0], "code_challenge") ==
        cp::encode_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()}));
  CHECK(parameter(requests[2], "code_verifier") == verifier);
  CHECK(requests[0].headers.back().name == "x-request-id");

  Login another{{codes(), tokens}};
  REQUIRE(cp::device_login(flow_of("qwen-cli"), another.world(), another.person));
  CHECK(parameter(another.server.requests()[1], "code_verifier") != verifier);

  Login expired{{codes(), Login::json(401, "{}")}};
  CHECK(failed(expired, "qwen-cli").errc() == cp::Errc::login_needed);
}

TEST_CASE("refresh/oauth_device: codex polls for a code and exchanges it once") {
  Login login{{Login::json(200, R"({"device_auth_id":"da","user_code":"WXYZ","interval":"6"})"),
               Login::json(403, "{}"), Login::json(404, "{}"),
               Login::json(200, R"({"authorization_code":"ac/1","code_challenge":"c",)"
                                R"("code_verifier":"cv"})"),
               tokens}};
  const auto granted = cp::device_login(flow_of("codex-cli"), login.world(), login.person);
  REQUIRE(granted);
  const auto requests = login.server.requests();
  REQUIRE(requests.size() == 5);
  CHECK(requests[0].url == "https://auth.openai.com/api/accounts/deviceauth/usercode");
  CHECK(requests[0].body == R"({"client_id":"app_EMoamEEZ73f0CkXaXp7hrann"})");
  CHECK(login.person.shown[0].url == "https://auth.openai.com/codex/device");
  CHECK(requests[3].url == "https://auth.openai.com/api/accounts/deviceauth/token");
  CHECK(requests[3].body == R"({"device_auth_id":"da","user_code":"WXYZ"})");
  CHECK(requests[4].url == "https://auth.openai.com/oauth/token");
  CHECK(requests[4].body ==
        "grant_type=authorization_code&client_id=app_EMoamEEZ73f0CkXaXp7hrann&code=ac%2F1&"
        "redirect_uri=https%3A%2F%2Fauth.openai.com%2Fdeviceauth%2Fcallback&code_verifier=cv");
  CHECK(login.person.waited == std::vector<cp::Duration>{6s, 6s, 6s});

  // The code is spent, whatever the exchange comes to.
  Login lost{{Login::json(200, R"({"device_auth_id":"da","user_code":"WXYZ"})"),
              Login::json(200, R"({"authorization_code":"ac","code_verifier":"cv"})"),
              cp::Result<cp::Response>{cp::fail(cp::Errc::network, "sending")}}};
  CHECK(failed(lost, "codex-cli").errc() == cp::Errc::network);
  CHECK(lost.server.requests().size() == 3);

  Login disabled{{Login::json(404, "{}")}};
  CHECK(failed(disabled, "codex-cli").errc() == cp::Errc::unsupported);
}

TEST_CASE("refresh/oauth_device: codex' own issuer, and not its switch for refreshes") {
  const ThrowawayHome home;
  const auto flow = cp::device_flow_of(
      *cp::find_login_provider("codex-cli"),
      home.environment({{"CODEX_APP_SERVER_LOGIN_ISSUER", "http://127.0.0.1:4"},
                        {"CODEX_REFRESH_TOKEN_URL_OVERRIDE", "http://127.0.0.1:5/x"}}));
  REQUIRE(flow);
  CHECK(flow->token.url == "http://127.0.0.1:4/oauth/token");
  CHECK(flow->verification_page == "http://127.0.0.1:4/codex/device");
}

TEST_CASE("refresh/oauth_device: a server like GitHub's, which says \"not yet\" with a 200") {
  cp::DeviceFlow flow;
  flow.token.provider = "github";
  flow.token.client_id = "own-client";
  flow.token.url = "https://github.test/login/oauth/access_token";
  flow.authorization_url = "https://github.test/login/device/code";
  flow.parameters = {{"scope", "read:user"}};
  Login login{{codes(""), Login::error(200, "authorization_pending"),
               Login::error(200, "slow_down"), tokens}};
  REQUIRE(cp::device_login(flow, login.world(), login.person));
  CHECK(login.person.waited == std::vector<cp::Duration>{5s, 5s, 10s});
  CHECK(login.server.requests()[0].body == "client_id=own-client&scope=read%3Auser");
}

TEST_CASE("refresh/oauth_device: a provider without a device flow says so") {
  const ThrowawayHome home;
  const auto flow = cp::device_flow_of(*cp::find_login_provider("claude-cli"), home.environment());
  REQUIRE_FALSE(flow);
  CHECK(flow.error().errc() == cp::Errc::unsupported);
}

TEST_CASE("refresh/oauth_device: no error text holds a code") {
  for (const auto& last : {Login::error(400, "invalid_grant"), Login::error(400, "dc-1"),
                           Login::json(200, R"({"access_token":"dc-1 x"})")}) {
    Login login{{codes(), last}};
    const auto error = failed(login);
    CHECK_FALSE(has(error.message(), "dc-1"));
  }
}
