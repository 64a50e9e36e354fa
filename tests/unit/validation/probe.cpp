// SPDX-License-Identifier: MIT
#include <credpool/validation/probe.hpp>

#include <credpool/validation/probe_answer.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace cp = credpool;
using cp::Finding;
using cp::Kind;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

constexpr cp::TimePoint now{milliseconds{1794998400000}};  // 2026-11-18T10:40:00Z

cp::Credential made(std::string_view provider, Kind kind, std::string_view secret = "FAKE-secret") {
  auto credential = cp::Credential::api_key("cli", provider, cp::Secret{secret});
  credential.kind = kind;
  return credential;
}

cp::Verdict read(cp::ProbeAnswer kind, std::string_view body) {
  cp::Verdict verdict;
  verdict.finding = Finding::valid;
  verdict.outcome = cp::OutcomeKind::ok;
  cp::read_probe_answer(kind, body, now, verdict);
  return verdict;
}

}  // namespace

TEST_CASE("validation/probe: the request of each provider and kind") {
  struct Row {
    const char* provider;
    Kind kind;
    const char* secret;
    const char* request;
    const char* header;
  };
  const Row rows[] = {
      {"kimi-code", Kind::oauth, "x", "GET https://api.kimi.com/coding/v1/usages",
       "Authorization: Bearer "},
      {"moonshot", Kind::api_key, "x", "GET https://api.moonshot.ai/v1/models",
       "Authorization: Bearer "},
      {"openai", Kind::oauth, "x", "GET https://chatgpt.com/backend-api/wham/usage",
       "Authorization: Bearer "},
      {"openai", Kind::token, "at-x",
       "GET https://auth.openai.com/api/accounts/v1/user-auth-credential/whoami",
       "Authorization: Bearer "},
      {"openai", Kind::api_key, "x", "GET https://api.openai.com/v1/models",
       "Authorization: Bearer "},
      {"dashscope", Kind::api_key, "sk-x",
       "GET https://dashscope.aliyuncs.com/compatible-mode/v1/models", "Authorization: Bearer "},
      {"dashscope", Kind::api_key, "sk-sp-x", "GET https://coding.dashscope.aliyuncs.com/v1/models",
       "Authorization: Bearer "},
      {"google-gemini-cli", Kind::oauth, "x", "POST https://oauth2.googleapis.com/tokeninfo",
       "Authorization: Bearer "},
      {"google", Kind::api_key, "x",
       "GET https://generativelanguage.googleapis.com/v1beta/models?pageSize=1",
       "x-goog-api-key: "},
      {"anthropic", Kind::oauth, "x", "GET https://api.anthropic.com/api/oauth/usage",
       "Authorization: Bearer "},
      {"anthropic", Kind::token, "x", "GET https://api.anthropic.com/api/oauth/usage",
       "Authorization: Bearer "},
      {"anthropic", Kind::api_key, "x", "GET https://api.anthropic.com/v1/models", "x-api-key: "},
      {"github-copilot", Kind::token, "x", "GET https://api.github.com/copilot_internal/user",
       "Authorization: token "},
      {"xai", Kind::api_key, "x", "GET https://api.x.ai/v1/models", "Authorization: Bearer "},
  };
  for (const auto& row : rows) {
    CAPTURE(row.request);
    const auto credential = made(row.provider, row.kind, row.secret);
    const auto probes = cp::probes_for(credential);
    REQUIRE_FALSE(probes.empty());
    const auto urls = cp::base_urls(*probes.front(), credential, {});
    REQUIRE_FALSE(urls.empty());
    const auto request = cp::make_request(*probes.front(), credential, urls.front());
    CHECK(request.method + " " + request.url == row.request);
    REQUIRE(request.secret_headers.size() == 1);
    CHECK(request.secret_headers[0].name + ": " + request.secret_headers[0].prefix == row.header);
    CHECK(request.secret_headers[0].value == credential.secret);
  }
  CHECK(cp::probes_for(made("nobody", Kind::api_key)).empty());
  CHECK(cp::probes_for(made("openai", Kind::command)).empty());
  CHECK(cp::probes_for(made("google-gemini-cli", Kind::oauth)).size() == 2);
  CHECK(cp::probes_for(made("dashscope", Kind::api_key, "sk-sp-x")).size() == 1);
}

TEST_CASE("validation/probe: the headers that a provider wants") {
  auto credential = made("openai", Kind::oauth);
  credential.account_id = "acct-1";
  const auto request =
      cp::make_request(*cp::probes_for(credential).front(), credential, "https://h");
  const auto has = [&](std::string_view name, std::string_view value) {
    return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
      return header.name == name && header.value == value;
    });
  };
  CHECK(has("chatgpt-account-id", "acct-1"));
  CHECK(has("originator", "credpool"));
}

TEST_CASE("validation/probe: addresses, in the documented order") {
  auto credential = made("dashscope", Kind::api_key, "sk-x");
  const auto& probe = *cp::probes_for(credential).front();
  CHECK(cp::base_urls(probe, credential, {}).size() == 4);
  credential.base_url = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/";
  auto urls = cp::base_urls(probe, credential, {});
  REQUIRE(urls.size() == 4);
  CHECK(urls[0] == "https://dashscope-intl.aliyuncs.com/compatible-mode/v1");
  CHECK(urls[1] == "https://dashscope.aliyuncs.com/compatible-mode/v1");

  SUBCASE("a foreign address of the store stands alone: the key goes nowhere else") {
    credential.base_url = "https://gateway.example/v1";
    CHECK(cp::base_urls(probe, credential, {}) ==
          std::vector<std::string>{"https://gateway.example/v1"});
  }
  SUBCASE("an override stands alone, the one with the kind first") {
    const cp::BaseUrls overrides{{"dashscope", "http://127.0.0.1:1/"},
                                 {"dashscope/oauth", "http://127.0.0.1:2"}};
    CHECK(cp::base_urls(probe, credential, overrides) ==
          std::vector<std::string>{"http://127.0.0.1:1"});
    CHECK(cp::base_url("dashscope", overrides) == "http://127.0.0.1:1");
  }
}

TEST_CASE("validation/probe: what a store calls its base is turned into the probe's") {
  auto codex = made("openai", Kind::oauth);
  codex.base_url = "https://chatgpt.com/backend-api/codex";
  CHECK(cp::base_urls(*cp::probes_for(codex).front(), codex, {}).front() ==
        "https://chatgpt.com/backend-api");
  auto gemini = made("google", Kind::api_key);
  gemini.base_url = "https://generativelanguage.googleapis.com/v1beta/openai/";
  CHECK(cp::base_urls(*cp::probes_for(gemini).front(), gemini, {}).front() ==
        "https://generativelanguage.googleapis.com/v1beta");
  auto claude = made("anthropic", Kind::api_key);
  claude.base_url = "http://127.0.0.1:9/v1";
  CHECK(cp::base_urls(*cp::probes_for(claude).front(), claude, {}).front() == "http://127.0.0.1:9");
}

TEST_CASE("validation/probe: base_url of a provider") {
  CHECK(cp::base_url("openai") == "https://api.openai.com/v1");
  CHECK(cp::base_url("kimi-code") == "https://api.kimi.com/coding/v1");
  CHECK(cp::base_url("dashscope") == "https://dashscope.aliyuncs.com/compatible-mode/v1");
  CHECK(cp::base_url("nobody").empty());
}

TEST_CASE("validation/probe_answer: kimi's usages, decimal strings included") {
  const auto verdict = read(
      cp::ProbeAnswer::kimi_usages,
      R"({"usage":{"limit":"2048","used":"512","remaining":"1536","resetTime":"2026-11-20T10:40:00.5Z"},
    "limits":[{"window":{"duration":300,"timeUnit":"TIME_UNIT_MINUTE"},"detail":{"limit":"200","remaining":"150","resetTime":"2026-11-18T12:40:00Z"}},{"odd":1},7]})");
  CHECK(verdict.finding == Finding::valid);
  REQUIRE(verdict.quotas.size() == 2);
  CHECK(verdict.quotas[0].percent() == 25.0);
  CHECK(verdict.quotas[0].resets_at == now + hours{48} + milliseconds{500});
  CHECK(verdict.quotas[1].name == "300m");
  CHECK(verdict.quotas[1].used == 50.0);
  CHECK(verdict.quotas[1].length == hours{5});
}

TEST_CASE("validation/probe_answer: a used-up kimi window means out of quota until it resets") {
  const auto verdict =
      read(cp::ProbeAnswer::kimi_usages,
           R"({"usage":{"limit":"100","used":"100","resetTime":"2026-11-20T10:40:00Z"}})");
  CHECK(verdict.finding == Finding::out_of_quota);
  CHECK(verdict.outcome == cp::OutcomeKind::quota_exhausted);
  CHECK(verdict.retry_at == now + hours{48});
  const auto past =
      read(cp::ProbeAnswer::kimi_usages,
           R"({"usage":{"limit":"100","used":"100","resetTime":"2026-11-17T10:40:00Z"}})");
  CHECK(past.finding == Finding::valid);
}

TEST_CASE("validation/probe_answer: codex's windows and plan") {
  const auto verdict = read(
      cp::ProbeAnswer::codex_usage,
      R"({"plan_type":"plus","rate_limit":{"primary_window":{"used_percent":42,"limit_window_seconds":18000,"reset_at":1795002000},"secondary_window":null}})");
  CHECK(verdict.plan == "plus");
  REQUIRE(verdict.quotas.size() == 1);
  CHECK(verdict.quotas[0].name == "primary");
  CHECK(verdict.quotas[0].percent() == 42.0);
  CHECK(verdict.quotas[0].length == hours{5});
  CHECK(verdict.quotas[0].resets_at == now + hours{1});
}

TEST_CASE("validation/probe_answer: claude's windows; one model's does not speak for the account") {
  const auto verdict = read(
      cp::ProbeAnswer::claude_usage,
      R"({"five_hour":{"utilization":6.0,"resets_at":"2026-11-18T12:40:00+00:00"},"seven_day":{"utilization":35.0,"resets_at":null},"seven_day_opus":{"utilization":100.0,"resets_at":"2026-11-20T10:40:00Z"},"x":null})");
  CHECK(verdict.finding == Finding::valid);
  CHECK(verdict.quotas.size() == 3);
  CHECK(read(cp::ProbeAnswer::claude_usage,
             R"({"five_hour":{"utilization":100.0,"resets_at":"2026-11-18T12:40:00Z"}})")
            .retry_at == now + hours{2});
}

TEST_CASE("validation/probe_answer: Google's tiers") {
  CHECK(read(cp::ProbeAnswer::code_assist,
             R"({"ineligibleTiers":[{"reasonCode":"UNSUPPORTED_CLIENT"}]})")
            .finding == Finding::not_eligible);
  const auto tier =
      read(cp::ProbeAnswer::code_assist,
           R"({"currentTier":{"id":"standard-tier"},"ineligibleTiers":[{"reasonCode":"X"}]})");
  CHECK(tier.finding == Finding::valid);
  CHECK(tier.plan == "standard-tier");
  CHECK(read(cp::ProbeAnswer::code_assist, "{}").finding == Finding::valid);
}

TEST_CASE("validation/probe_answer: a 200 that is not the provider's proves nothing") {
  for (const char* body : {"", "<html>", "[]", "null", "{\"a\":"}) {
    CAPTURE(body);
    CHECK(read(cp::ProbeAnswer::kimi_usages, body).finding == Finding::could_not_tell);
  }
  for (const char* body :
       {R"({"usage":7,"limits":{}})", R"({"usage":{"limit":"x","used":[]},"limits":[null]})"})
    CHECK(read(cp::ProbeAnswer::kimi_usages, body).quotas.empty());
}
