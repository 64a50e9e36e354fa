// SPDX-License-Identifier: MIT
#include <credpool/validation/http_validator.hpp>

#include <credpool/transport/fake.hpp>
#include <credpool/transport/httplib.hpp>

#include <loopback_server.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>

namespace cp = credpool;
using cp::Finding;
using cp::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

static_assert(cp::Validator<cp::HttpValidator<cp::FakeTransport>>);

namespace {

constexpr cp::TimePoint now{milliseconds{1794998400000}};

cp::Credential made(std::string_view provider, Kind kind, std::string_view secret) {
  auto credential = cp::Credential::api_key("cli", provider, cp::Secret{secret});
  credential.kind = kind;
  return credential;
}

}  // namespace

TEST_CASE("validation/http_validator: a key of another region is found, not condemned") {
  cp::FakeTransport transport{[](const cp::Request& request) -> cp::Result<cp::Response> {
    if (request.url.starts_with("https://dashscope-intl.")) return cp::Response{200, {}, "{}"};
    return cp::Response{401, {}, R"({"code":"InvalidApiKey"})"};
  }};
  cp::HttpValidator validator{transport};
  const auto verdict = validator.validate(made("dashscope", Kind::api_key, "sk-FAKE"), now);
  CHECK(verdict.finding == Finding::valid);
  CHECK(verdict.base_url == "https://dashscope-intl.aliyuncs.com/compatible-mode/v1");
  CHECK(transport.requests().size() == 2);
}

TEST_CASE("validation/http_validator: rejected only when every address was asked and refused") {
  bool unreachable = false;
  cp::FakeTransport transport{[&](const cp::Request& request) -> cp::Result<cp::Response> {
    if (unreachable && request.url.starts_with("https://dashscope-us."))
      return cp::fail(cp::Errc::network, "sending a request", "dashscope-us.aliyuncs.com");
    return cp::Response{401, {}, R"({"code":"InvalidApiKey"})"};
  }};
  cp::HttpValidator validator{transport};
  const auto credential = made("dashscope", Kind::api_key, "sk-FAKE");
  CHECK(validator.validate(credential, now).finding == Finding::rejected);
  CHECK(transport.requests().size() == 4);
  unreachable = true;
  CHECK(validator.validate(credential, now).finding == Finding::transient);
}

TEST_CASE("validation/http_validator: a Gemini login is checked, then its eligibility") {
  std::string tier = R"({"ineligibleTiers":[{"reasonCode":"UNSUPPORTED_CLIENT"}]})";
  int token_status = 200;
  cp::FakeTransport transport{[&](const cp::Request& request) -> cp::Result<cp::Response> {
    if (request.url.ends_with("/tokeninfo"))
      return cp::Response{
          token_status, {}, token_status == 200 ? "{}" : R"({"error":"invalid_token"})"};
    return cp::Response{200, {}, tier};
  }};
  cp::HttpValidator validator{transport};
  const auto credential = made("google-gemini-cli", Kind::oauth, "ya29.fake");
  const auto verdict = validator.validate(credential, now);
  CHECK(verdict.finding == Finding::not_eligible);
  CHECK(verdict.detail.find("UNSUPPORTED_CLIENT") != std::string::npos);
  tier = R"({"currentTier":{"id":"standard-tier"}})";
  CHECK(validator.validate(credential, now).finding == Finding::valid);
  token_status = 400;
  CHECK(validator.validate(credential, now).finding == Finding::expired);
  CHECK(transport.requests().size() == 5);
}

TEST_CASE("validation/http_validator: what need not be asked is not asked") {
  cp::FakeTransport transport{[](const cp::Request&) -> cp::Result<cp::Response> {
    return cp::Response{200, {}, "{}"};
  }};
  cp::HttpValidator validator{transport};
  auto expired = made("kimi-code", Kind::oauth, "at-fake");
  expired.expires_at = now - seconds{1};
  expired.refresh_token = cp::Secret{"rt-fake"};
  auto verdict = validator.validate(expired, now);
  CHECK(verdict.finding == Finding::expired);
  CHECK_FALSE(verdict.probed);
  CHECK(verdict.detail == "expired, refresh first");
  CHECK(
      validator
          .validate(
              cp::Credential::unusable("codex-cli", "openai", "s", cp::Reason::in_keyring, ""), now)
          .finding == Finding::could_not_tell);
  CHECK_FALSE(validator.validate(made("nobody", Kind::api_key, "k"), now).probed);
  auto disabled = made("openai", Kind::api_key, "k");
  disabled.status = cp::Status::disabled;
  CHECK_FALSE(validator.validate(disabled, now).probed);
  CHECK(transport.requests().empty());
}

TEST_CASE("validation/http_validator: the detail holds the server's words, not the secret") {
  cp::FakeTransport transport{[](const cp::Request&) -> cp::Result<cp::Response> {
    return cp::Response{
        401,
        {},
        R"({"error":{"code":"invalid_api_key","message":"\u001b[31mIncorrect API key provided: sk-FAKE-0123456789"}})"};
  }};
  cp::HttpValidator validator{transport};
  const auto verdict = validator.validate(made("openai", Kind::api_key, "sk-FAKE-0123456789"), now);
  CHECK(verdict.detail ==
        "the provider does not accept it (HTTP 401): Incorrect API key provided: ***");
}

TEST_CASE(
    "validation/http_validator: stopped or out of time, the rest is told apart from a verdict") {
  std::vector<cp::Credential> credentials;
  for (int i = 0; i < 5; ++i)
    credentials.push_back(made("openai", Kind::api_key, "k" + std::to_string(i)));
  cp::FakeTransport transport{[](const cp::Request&) -> cp::Result<cp::Response> {
    return cp::Response{200, {}, "{}"};
  }};
  cp::ValidatorOptions options;
  SUBCASE("stopped") {
    cp::HttpValidator validator{transport, options};
    std::stop_source stop;
    stop.request_stop();
    for (const auto& verdict : validator.validate_all(credentials, now, stop.get_token()))
      CHECK_FALSE(verdict.probed);
  }
  SUBCASE("out of time") {
    options.deadline = cp::Duration{0};
    const cp::ManualClock clock;
    cp::HttpValidator validator{transport, options, clock};
    for (const auto& verdict : validator.validate_all(credentials, now))
      CHECK_FALSE(verdict.probed);
  }
  CHECK(transport.requests().empty());
  CHECK(credentials[0].reason == cp::Reason::none);
}

TEST_CASE("validation/http_validator: many at once over real sockets, within both caps, in order") {
  struct Host {
    std::atomic<int> busy{0};
    std::atomic<int> most{0};
  };
  std::atomic<int> busy{0};
  std::atomic<int> most{0};
  const auto raise = [](std::atomic<int>& top, int value) {
    for (int seen = top; value > seen && !top.compare_exchange_weak(seen, value);) {
    }
  };
  std::array<Host, 3> hosts;
  const auto handler = [&](Host& host) {
    return [&](int socket) {
      const auto request = read_http_request(socket);
      raise(host.most, ++host.busy);
      raise(most, ++busy);
      std::this_thread::sleep_for(milliseconds{20});
      --host.busy;
      --busy;
      const bool good = request.find("good-") != std::string::npos;
      send_all(socket, good ? http_answer("200 OK", "{}") : http_answer("401 Unauthorized", "{}"));
    };
  };
  const LoopbackServer openai{handler(hosts[0])};
  const LoopbackServer anthropic{handler(hosts[1])};
  const LoopbackServer google{handler(hosts[2])};
  cp::ValidatorOptions options;
  options.concurrency = 4;
  options.base_urls = {{"openai", openai.url("/v1")},
                       {"anthropic", anthropic.url("")},
                       {"google", google.url("/v1beta")}};

  std::vector<cp::Credential> credentials;
  for (int i = 0; i < 30; ++i) {
    const std::string provider = i % 3 == 0 ? "openai" : i % 3 == 1 ? "anthropic" : "google";
    credentials.push_back(
        made(provider, Kind::api_key, (i % 5 == 0 ? "bad-" : "good-") + std::to_string(i)));
  }
  cp::HttplibTransport transport;
  cp::HttpValidator validator{transport, options};
  std::size_t last = 0;
  const auto verdicts = validator.validate_all(
      credentials, now, {},
      [&](std::size_t done, std::size_t total, std::size_t, const cp::Verdict&) {
        CHECK(done == last + 1);
        CHECK(total == 30);
        last = done;
      });
  REQUIRE(verdicts.size() == 30);
  CHECK(last == 30);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    CAPTURE(i);
    CHECK(verdicts[i].finding == (i % 5 == 0 ? Finding::rejected : Finding::valid));
    CHECK(credentials[i].status == (i % 5 == 0 ? cp::Status::revoked : cp::Status::active));
  }
  for (const auto& host : hosts) CHECK(host.most <= 2);
  CHECK(most <= 4);
  CHECK(most >= 2);  // it does run at once
}
