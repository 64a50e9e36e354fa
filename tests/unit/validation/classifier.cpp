// SPDX-License-Identifier: MIT
#include <credpool/validation/classifier.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace cp = credpool;
using cp::Finding;
using cp::Kind;
using Outcome = cp::OutcomeKind;
using cp::TokenVerdict;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr cp::TimePoint now{milliseconds{1794998400000}};  // 2026-11-18T10:40:00Z

struct Row {
  const char* name;
  const char* provider;
  Kind kind;
  int status;
  const char* body;
  Finding finding;
  Outcome outcome;
};

const Row documented[] = {
    // kimi, section 1.3
    {"kimi usages", "kimi-code", Kind::oauth, 200, R"({"usage":{"limit":"100","used":"3"}})",
     Finding::valid, Outcome::ok},
    {"kimi expired", "kimi-code", Kind::oauth, 401,
     R"({"error":{"message":"API Key appears to be invalid or may have expired","type":"invalid_authentication_error"}})",
     Finding::expired, Outcome::auth_failed},
    {"kimi key invalid", "kimi-code", Kind::api_key, 401,
     R"({"error":{"message":"Invalid Authentication"}})", Finding::rejected, Outcome::auth_failed},
    {"kimi membership", "kimi-code", Kind::oauth, 402,
     R"({"error":{"message":"membership expired"}})", Finding::no_subscription, Outcome::billing},
    {"kimi client gate", "kimi-code", Kind::oauth, 403,
     R"({"error":{"type":"access_terminated_error","message":"Kimi For Coding is currently only available for Coding Agents such as Kimi CLI"}})",
     Finding::client_not_allowed, Outcome::request_fault},
    {"kimi gate without its text", "kimi-code", Kind::oauth, 403,
     R"({"error":{"type":"access_terminated_error"}})", Finding::client_not_allowed,
     Outcome::request_fault},
    {"kimi cycle used up", "kimi-code", Kind::oauth, 403,
     R"({"error":{"message":"You've reached your usage limit for this billing cycle"}})",
     Finding::out_of_quota, Outcome::quota_exhausted},
    {"kimi account ended", "kimi-code", Kind::oauth, 403,
     R"({"error":{"message":"Access terminated"}})", Finding::not_eligible, Outcome::billing},
    {"kimi quota", "kimi-code", Kind::oauth, 429,
     R"({"error":{"type":"exceeded_current_quota_error"}})", Finding::out_of_quota,
     Outcome::quota_exhausted},
    {"kimi quota by its words", "kimi-code", Kind::oauth, 429,
     R"({"error":{"message":"quota used up"}})", Finding::out_of_quota, Outcome::quota_exhausted},
    {"kimi rate limit", "kimi-code", Kind::oauth, 429,
     R"({"error":{"type":"rate_limit_reached_error","message":"slow"}})", Finding::rate_limited,
     Outcome::rate_limited},
    {"kimi down", "kimi-code", Kind::oauth, 503, "", Finding::transient, Outcome::overloaded},
    {"moonshot key", "moonshot", Kind::api_key, 401,
     R"({"error":{"type":"invalid_authentication_error","message":"Invalid Authentication"}})",
     Finding::rejected, Outcome::auth_failed},
    {"moonshot balance as 403", "moonshot", Kind::api_key, 403,
     R"({"error":{"type":"exceeded_current_quota_error"}})", Finding::out_of_quota,
     Outcome::billing},
    {"moonshot balance as 429", "moonshot", Kind::api_key, 429,
     R"({"error":{"type":"exceeded_current_quota_error"}})", Finding::out_of_quota,
     Outcome::billing},
    {"moonshot balance by its words", "moonshot", Kind::api_key, 403,
     R"({"error":{"message":"insufficient balance"}})", Finding::out_of_quota, Outcome::billing},
    // codex and OpenAI, section 2.6
    {"codex valid", "openai", Kind::oauth, 200, R"({"plan_type":"plus"})", Finding::valid,
     Outcome::ok},
    {"codex expired", "openai", Kind::oauth, 401, R"({"error":{"code":"token_expired"}})",
     Finding::expired, Outcome::auth_failed},
    {"codex revoked", "openai", Kind::oauth, 401, R"({"error":{"code":"token_revoked"}})",
     Finding::rejected, Outcome::auth_failed},
    {"codex usage limit", "openai", Kind::oauth, 429,
     R"({"error":{"type":"usage_limit_reached","resets_at":1795430400}})", Finding::out_of_quota,
     Outcome::quota_exhausted},
    {"openai key valid", "openai", Kind::api_key, 200, R"({"data":[]})", Finding::valid,
     Outcome::ok},
    {"openai key invalid", "openai", Kind::api_key, 401,
     R"({"error":{"code":"invalid_api_key","message":"Incorrect API key provided"}})",
     Finding::rejected, Outcome::auth_failed},
    {"openai restricted key", "openai", Kind::api_key, 403,
     R"({"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read"}})",
     Finding::missing_scope, Outcome::request_fault},
    {"openai rate limit", "openai", Kind::api_key, 429,
     R"({"error":{"code":"rate_limit_exceeded"}})", Finding::rate_limited, Outcome::rate_limited},
    {"openai no money", "openai", Kind::api_key, 429,
     R"({"error":{"type":"insufficient_quota","code":"insufficient_quota"}})",
     Finding::out_of_quota, Outcome::billing},
    // qwen, section 3.5
    {"qwen valid", "dashscope", Kind::api_key, 200, R"({"data":[]})", Finding::valid, Outcome::ok},
    {"qwen login expired", "qwen-portal", Kind::oauth, 401,
     R"({"error":{"message":"invalid access token or token expired"}})", Finding::expired,
     Outcome::auth_failed},
    {"qwen key invalid", "dashscope", Kind::api_key, 401,
     R"({"code":"InvalidApiKey","message":"Invalid API-key provided."})", Finding::rejected,
     Outcome::auth_failed},
    {"qwen plan gate", "dashscope", Kind::api_key, 403,
     R"({"error":{"message":"Coding Plan is currently only available for Coding Agents"}})",
     Finding::client_not_allowed, Outcome::request_fault},
    {"qwen denied", "dashscope", Kind::api_key, 403, R"({"code":"AccessDenied"})",
     Finding::could_not_tell, Outcome::request_fault},
    {"qwen throttled", "dashscope", Kind::api_key, 429, R"({"code":"Throttling.RateQuota"})",
     Finding::rate_limited, Outcome::rate_limited},
    // gemini, sections 4.4 and 4.5
    {"google key valid", "google", Kind::api_key, 200, R"({"models":[]})", Finding::valid,
     Outcome::ok},
    {"google key restricted", "google", Kind::api_key, 403,
     R"({"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}})",
     Finding::missing_scope, Outcome::request_fault},
    {"google quota", "google", Kind::api_key, 429,
     R"({"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"32s"}]}})",
     Finding::out_of_quota, Outcome::quota_exhausted},
    {"google per day", "google", Kind::api_key, 429,
     R"({"error":{"status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}})",
     Finding::out_of_quota, Outcome::quota_exhausted},
    {"google per minute", "google", Kind::api_key, 429,
     R"({"error":{"status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]}]}})",
     Finding::rate_limited, Outcome::rate_limited},
    {"tokeninfo invalid", "google-gemini-cli", Kind::oauth, 400,
     R"({"error":"invalid_token","error_description":"Invalid Value"})", Finding::expired,
     Outcome::auth_failed},
    {"google bad request", "google", Kind::api_key, 400,
     R"({"error":{"code":400,"status":"INVALID_ARGUMENT","message":"pageSize"}})",
     Finding::request_error, Outcome::request_fault},
    // claude, section 5
    {"claude usage", "anthropic", Kind::oauth, 200, R"({"five_hour":{"utilization":3}})",
     Finding::valid, Outcome::ok},
    {"claude login expired", "anthropic", Kind::oauth, 401,
     R"({"type":"error","error":{"type":"authentication_error","message":"OAuth token has expired."}})",
     Finding::expired, Outcome::auth_failed},
    {"claude login revoked", "anthropic", Kind::oauth, 401,
     R"({"type":"error","error":{"type":"authentication_error","message":"OAuth token revoked"}})",
     Finding::rejected, Outcome::auth_failed},
    {"claude key invalid", "anthropic", Kind::api_key, 401,
     R"({"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}})",
     Finding::rejected, Outcome::auth_failed},
    {"claude billing", "anthropic", Kind::api_key, 402,
     R"({"type":"error","error":{"type":"billing_error"}})", Finding::out_of_quota,
     Outcome::billing},
    {"claude rate limit", "anthropic", Kind::api_key, 429,
     R"({"type":"error","error":{"type":"rate_limit_error"}})", Finding::rate_limited,
     Outcome::rate_limited},
    {"claude overloaded", "anthropic", Kind::api_key, 529,
     R"({"type":"error","error":{"type":"overloaded_error"}})", Finding::transient,
     Outcome::overloaded},
    {"claude overloaded inside a 200", "anthropic", Kind::api_key, 200,
     R"({"type":"error","error":{"type":"overloaded_error"}})", Finding::transient,
     Outcome::overloaded},
    // others, section 6
    {"copilot revoked", "github-copilot", Kind::oauth, 401, R"({"message":"Bad credentials"})",
     Finding::expired, Outcome::auth_failed},
    {"copilot token revoked", "github-copilot", Kind::token, 401,
     R"({"message":"Bad credentials"})", Finding::rejected, Outcome::auth_failed},
    {"copilot no seat 403", "github-copilot", Kind::token, 403,
     R"({"message":"Resource not accessible"})", Finding::no_subscription, Outcome::billing},
    {"copilot no seat 404", "github-copilot", Kind::token, 404, R"({"message":"Not Found"})",
     Finding::no_subscription, Outcome::billing},
    {"github rate limit as 403", "github", Kind::token, 403,
     R"({"message":"API rate limit exceeded"})", Finding::rate_limited, Outcome::rate_limited},
    // section 7, defaults for everybody
    {"anybody 204", "acme", Kind::api_key, 204, "", Finding::valid, Outcome::ok},
    {"anybody 302", "acme", Kind::api_key, 302, "", Finding::could_not_tell, Outcome::unknown},
    {"anybody 400", "acme", Kind::api_key, 400, "", Finding::request_error, Outcome::request_fault},
    {"anybody 401, a login", "acme", Kind::oauth, 401, "", Finding::expired, Outcome::auth_failed},
    {"anybody 401, a key", "acme", Kind::api_key, 401, "", Finding::rejected, Outcome::auth_failed},
    {"anybody 402", "acme", Kind::api_key, 402, "", Finding::out_of_quota, Outcome::billing},
    {"anybody 403", "acme", Kind::api_key, 403, "", Finding::could_not_tell,
     Outcome::request_fault},
    {"anybody 404", "acme", Kind::api_key, 404, "", Finding::could_not_tell,
     Outcome::request_fault},
    {"anybody 408", "acme", Kind::api_key, 408, "", Finding::transient, Outcome::overloaded},
    {"anybody 413", "acme", Kind::api_key, 413, "", Finding::request_error, Outcome::request_fault},
    {"anybody 418", "acme", Kind::api_key, 418, "", Finding::request_error, Outcome::request_fault},
    {"anybody 422", "acme", Kind::api_key, 422, "", Finding::request_error, Outcome::request_fault},
    {"anybody 429", "acme", Kind::api_key, 429, "", Finding::rate_limited, Outcome::rate_limited},
    {"anybody 500", "acme", Kind::api_key, 500, "", Finding::transient, Outcome::overloaded},
    {"status 0", "acme", Kind::api_key, 0, "", Finding::could_not_tell, Outcome::unknown},
};

cp::Response html(int status) {
  return {status,
          {{"Content-Type", "text/html; charset=UTF-8"}, {"cf-ray", "1"}},
          "<!DOCTYPE html><title>Just a moment...</title>"};
}

}  // namespace

TEST_CASE("validation/classifier: every documented answer") {
  for (const auto& row : documented) {
    CAPTURE(row.name);
    const auto judged =
        cp::classify_answer({row.provider, row.kind}, {row.status, {}, row.body}, now);
    CHECK(cp::to_string(judged.finding) == cp::to_string(row.finding));
    CHECK(cp::to_string(judged.outcome) == cp::to_string(row.outcome));
  }
}

// The false "invalid" cases of the public record.
TEST_CASE("validation/classifier: a gateway's HTML 403 does not disable a codex login") {
  const auto judged = cp::classify_answer({"openai", Kind::oauth}, html(403), now);
  CHECK(judged.finding == Finding::could_not_tell);
  CHECK(judged.outcome == Outcome::transport);
}
TEST_CASE("validation/classifier: an HTML 401 or 200 proves nothing either") {
  CHECK(cp::classify_answer({"openai", Kind::oauth}, html(401), now).finding ==
        Finding::could_not_tell);
  CHECK(cp::classify_answer({"openai", Kind::oauth}, html(200), now).finding ==
        Finding::could_not_tell);
  CHECK(cp::classify_answer({"openai", Kind::oauth}, html(502), now).finding == Finding::transient);
}
TEST_CASE("validation/classifier: a 429 that says unauthorized is a rate limit") {
  const auto judged = cp::classify_answer(
      {"dashscope", Kind::api_key},
      {429, {}, R"({"error":{"message":"unauthorized: invalid_api_key, too many requests"}})"},
      now);
  CHECK(judged.finding == Finding::rate_limited);
}
TEST_CASE("validation/classifier: Google answers 400 for a bad or expired key") {
  const auto judged = cp::classify_answer(
      {"google", Kind::api_key},
      {400,
       {},
       R"({"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}})"},
      now);
  CHECK(judged.finding == Finding::rejected);
  CHECK(judged.outcome == Outcome::auth_failed);
}
TEST_CASE("validation/classifier: a 429 of Google is no bad key") {
  const auto judged = cp::classify_answer({"google", Kind::api_key}, {429, {}, "garbage"}, now);
  CHECK(cp::proves_good(judged.finding));
}
TEST_CASE("validation/classifier: a setup token without user:profile is not invalid") {
  const auto judged = cp::classify_answer(
      {"anthropic", Kind::token},
      {403,
       {},
       R"({"type":"error","error":{"type":"permission_error","message":"OAuth token does not meet scope requirement user:profile"}})"},
      now);
  CHECK(judged.finding == Finding::missing_scope);
}
TEST_CASE("validation/classifier: an outage that answers 403 does not disable kimi logins") {
  const auto judged = cp::classify_answer({"kimi-code", Kind::oauth},
                                          {403, {}, R"({"error":{"message":"forbidden"}})"}, now);
  CHECK(judged.finding == Finding::could_not_tell);
}
TEST_CASE("validation/classifier: the message never decides against the status") {
  const auto judged = cp::classify_answer(
      {"openai", Kind::api_key},
      {500, {}, R"({"error":{"code":"invalid_api_key","message":"revoked"}})"}, now);
  CHECK(judged.finding == Finding::transient);
}

TEST_CASE("validation/classifier: the reset is told, however far, the rate limit's is clamped") {
  const auto quota =
      cp::classify_answer({"openai", Kind::oauth},
                          {429,
                           {{"Retry-After", "5"}},
                           R"({"error":{"type":"usage_limit_reached","resets_at":1795430400}})"},
                          now);
  CHECK(quota.retry_at == now + hours{120});
  const auto limit =
      cp::classify_answer({"openai", Kind::api_key}, {429, {{"Retry-After", "432000"}}, ""}, now);
  CHECK(limit.retry_at == now + hours{24});
  const auto google = cp::classify_answer(
      {"google", Kind::api_key},
      {429, {}, R"({"error":{"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"32s"}]}})"},
      now);
  CHECK(google.retry_at == now + seconds{32});
  CHECK(cp::classify_answer({"openai", Kind::api_key}, {401, {{"Retry-After", "5"}}, ""}, now)
            .retry_at == std::nullopt);
}

TEST_CASE("validation/classifier: odd bodies do no harm") {
  for (const char* body :
       {"", "null", "[]", "[[[[", "{\"error\":[]}", "{\"error\":{\"code\":[]}}", "{\"error\":\"\"}",
        "\xff\xfe", "{\"error\":{\"message\":{}}}", "{\"a\":1,\"a\":2}"}) {
    CAPTURE(body);
    CHECK(cp::classify_answer({"kimi-code", Kind::oauth}, {401, {}, body}, now).finding ==
          Finding::expired);
  }
  const std::string deep(100000, '[');
  CHECK(cp::classify_answer({"kimi-code", Kind::oauth}, {401, {}, deep}, now).finding ==
        Finding::expired);
}

TEST_CASE("validation/classifier: rate limits that come as an error inside a 200 or a plain 403") {
  CHECK(cp::classify_answer(
            {"openai", Kind::api_key},
            {200,
             {},
             R"({"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded"}}})"},
            now)
            .finding == Finding::rate_limited);
  CHECK(cp::classify_answer({"acme", Kind::api_key}, {403, {}, R"({"error":"Too many requests"})"},
                            now)
            .outcome == Outcome::rate_limited);
  CHECK(cp::classify_answer({"acme", Kind::api_key}, {200, {}, R"({"error":{"message":"oops"}})"},
                            now)
            .finding == Finding::could_not_tell);
  CHECK(cp::classify_answer({"acme", Kind::api_key}, {200, {}, R"({"error":null})"}, now).finding ==
        Finding::valid);
}

TEST_CASE("validation/classifier: failures of the transport never blame the credential") {
  for (const auto code : {cp::Errc::network, cp::Errc::tls, cp::Errc::timeout}) {
    const auto judged = cp::classify_failure(cp::Error{code, "asking", "host", ""});
    CHECK(judged.finding == Finding::transient);
    CHECK(judged.outcome == Outcome::transport);
  }
  CHECK(cp::classify_failure(cp::Error{cp::Errc::too_large, "a", "", ""}).finding ==
        Finding::could_not_tell);
}

TEST_CASE("validation/classifier: token endpoints") {
  struct TokenRow {
    const char* name;
    const char* provider;
    int status;
    const char* body;
    TokenVerdict verdict;
  };
  const TokenRow rows[] = {
      {"all three", "openai", 200, R"({"access_token":"a","refresh_token":"r","id_token":"i"})",
       TokenVerdict::ok},
      {"only the access token", "openai", 200, R"({"access_token":"a"})", TokenVerdict::ok},
      {"nothing", "openai", 200, "{}", TokenVerdict::malformed},
      {"not an object", "openai", 200, "[1]", TokenVerdict::malformed},
      {"not JSON", "openai", 200, "ok", TokenVerdict::malformed},
      {"empty token", "openai", 200, R"({"access_token":""})", TokenVerdict::malformed},
      {"invalid_grant", "anthropic", 400, R"({"error":"invalid_grant"})", TokenVerdict::dead},
      {"reused", "openai", 401,
       R"({"error":{"message":"m","type":"invalid_request_error","param":null,"code":"refresh_token_reused"}})",
       TokenVerdict::dead},
      {"codex expired", "openai", 400, R"({"error":{"code":"refresh_token_expired"}})",
       TokenVerdict::dead},
      {"codex invalidated", "openai", 403, R"({"error":{"code":"refresh_token_invalidated"}})",
       TokenVerdict::dead},
      {"codex any 401", "openai", 401, R"({"error":{}})", TokenVerdict::dead},
      {"kimi any 401", "kimi-code", 401, R"({"message":"no"})", TokenVerdict::dead},
      {"kimi any 403", "kimi-code", 403, R"({"message":"no"})", TokenVerdict::dead},
      {"kimi stale grant as 400", "kimi-code", 400,
       R"({"message":"The provided authorization grant is invalid"})", TokenVerdict::dead},
      {"kimi other 400", "kimi-code", 400, R"({"message":"oops"})", TokenVerdict::transient},
      {"qwen any 400", "qwen-portal", 400, R"({"message":"no"})", TokenVerdict::dead},
      {"google revoked", "google-gemini-cli", 400,
       R"({"error":"invalid_grant","error_description":"Token has been expired or revoked."})",
       TokenVerdict::dead},
      {"our client pair", "google-gemini-cli", 401, R"({"error":"invalid_client"})",
       TokenVerdict::client_fault},
      {"our client pair at qwen", "qwen-portal", 400, R"({"error":"unauthorized_client"})",
       TokenVerdict::client_fault},
      {"anthropic odd 401", "anthropic", 401, R"({"error":{"type":"x"}})", TokenVerdict::transient},
      {"429", "kimi-code", 429, R"({"error":"invalid_grant"})", TokenVerdict::transient},
      {"408", "kimi-code", 408, "", TokenVerdict::transient},
      {"503", "kimi-code", 503, R"({"error":"invalid_grant"})", TokenVerdict::transient},
      {"redirect", "kimi-code", 307, "", TokenVerdict::transient},
      {"pending", "kimi-code", 400, R"({"error":"authorization_pending"})", TokenVerdict::pending},
      {"qwen polls with 400", "qwen-portal", 400, R"({"error":"authorization_pending"})",
       TokenVerdict::pending},
      {"slow down", "qwen-portal", 429, R"({"error":"slow_down"})", TokenVerdict::slow_down},
      {"denied", "kimi-code", 400, R"({"error":"access_denied"})", TokenVerdict::denied},
      {"code expired", "kimi-code", 400, R"({"error":"expired_token"})",
       TokenVerdict::code_expired},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto answer = cp::classify_token_answer(row.provider, {row.status, {}, row.body}, now);
    CHECK(cp::to_string(answer.verdict) == cp::to_string(row.verdict));
  }
  for (const int status : {400, 401, 403, 429, 500})
    CHECK(cp::classify_token_answer("kimi-code", html(status), now).verdict ==
          TokenVerdict::transient);
  CHECK(cp::classify_token_answer("kimi-code", html(200), now).verdict == TokenVerdict::malformed);
  CHECK(cp::classify_token_answer("kimi-code", {503, {{"Retry-After", "5"}}, ""}, now).retry_at ==
        now + seconds{5});
}
