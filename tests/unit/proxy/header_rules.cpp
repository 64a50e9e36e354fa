// SPDX-License-Identifier: MIT
#include <credpool/proxy/header_rules.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace cp = credpool;

namespace {

using Headers = std::vector<cp::HeaderView>;

/// "name=value" of what goes on.
std::vector<std::string> texts(const Headers& headers) {
  std::vector<std::string> list;
  for (const auto& header : headers)
    list.push_back(std::string{header.name} + '=' + std::string{header.value});
  return list;
}

std::vector<std::string> upstream(const Headers& headers) {
  Headers out{{"left", "over"}};
  REQUIRE(cp::select_upstream_headers(headers, out).has_value());
  return texts(out);
}

std::vector<std::string> back(const Headers& headers) {
  Headers out{{"left", "over"}};
  REQUIRE(cp::select_answer_headers(headers, out).has_value());
  return texts(out);
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("proxy/header_rules: what goes to the upstream") {
  const Headers sent{{"Content-Type", "application/json"}, {"ACCEPT", "text/event-stream"},
                     {"anthropic-version", "2023-06-01"},  {"Anthropic-Beta", "a,b"},
                     {"OpenAI-Beta", "assistants=v2"},     {"Idempotency-Key", "k"},
                     {"X-Stainless-Retry-Count", "0"},     {"X-DashScope-SSE", "enable"},
                     {"traceparent", "00-1-2-01"},         {"tracestate", "a=b"}};
  CHECK(upstream(sent) == texts(sent));
}

TEST_CASE("proxy/header_rules: nothing of the caller's that is not the service's business") {
  for (const auto* name : {"Authorization",
                           "x-api-key",
                           "API-Key",
                           "x-goog-api-key",
                           "Cookie",
                           "Proxy-Authorization",
                           "Proxy-Connection",
                           "Forwarded",
                           "X-Forwarded-For",
                           "X-Forwarded-Host",
                           "X-Real-IP",
                           "Via",
                           "Host",
                           "Content-Length",
                           "Transfer-Encoding",
                           "Content-Encoding",
                           "Expect",
                           "Accept-Encoding",
                           "User-Agent",
                           "Origin",
                           "Referer",
                           "Sec-Fetch-Mode",
                           "X-Session-Id",
                           "x-credpool-credential",
                           "OpenAI-Organization",
                           "openai-project",
                           "Connection",
                           "TE",
                           "Upgrade",
                           "Keep-Alive",
                           "Trailer",
                           "cf-access-jwt-assertion",
                           "x-amz-security-token",
                           "chatgpt-account-id",
                           "originator",
                           "x-app",
                           "x-request-id",
                           "baggage",
                           "anthropic",
                           "a-very-long-name-that-nobody-has-put-on-any-list-of-headers-yet"}) {
    CAPTURE(name);
    CHECK(upstream({{name, "secret"}, {"accept", "x"}}) == Texts{"accept=x"});
  }
}

TEST_CASE("proxy/header_rules: what Connection names stays on its connection, both ways") {
  const Headers headers{{"Connection", "keep-alive, \tAnthropic-Beta ,,x-custom"},
                        {"anthropic-beta", "a"},
                        {"connection", "OpenAI-Beta"},
                        {"openai-beta", "b"},
                        {"X-Custom", "c"},
                        {"accept", "d"}};
  CHECK(upstream(headers) == Texts{"accept=d"});
  CHECK(back(headers) == Texts{"accept=d"});
}

TEST_CASE("proxy/header_rules: what comes back") {
  const Headers kept{{"Content-Type", "text/event-stream"},
                     {"Retry-After", "7"},
                     {"x-ratelimit-remaining-tokens", "100"},
                     {"anthropic-ratelimit-requests-reset", "2026-01-01T00:00:00Z"},
                     {"openai-processing-ms", "12"},
                     {"openai-version", "2020-10-01"},
                     {"request-id", "req_1"},
                     {"Cache-Control", "no-cache"},
                     {"Content-Encoding", "gzip"},
                     {"x-something-new-with-a-name-that-is-longer-than-all-the-others", "1"}};
  CHECK(back(kept) == texts(kept));
  CHECK(back({{"X-Request-Id", "theirs"}, {"x-upstream-request-id", "forged"}}) ==
        Texts{"x-upstream-request-id=theirs"});
  for (const auto* name : {"Alt-Svc",
                           "anthropic-organization-id",
                           "anthropic-workspace-id",
                           "ChatGPT-Account-ID",
                           "Clear-Site-Data",
                           "Connection",
                           "Content-Length",
                           "Content-Security-Policy",
                           "Content-Security-Policy-Report-Only",
                           "Cross-Origin-Opener-Policy",
                           "Date",
                           "Expect-CT",
                           "Keep-Alive",
                           "NEL",
                           "openai-organization",
                           "OpenAI-Project",
                           "Proxy-Authenticate",
                           "Proxy-Authorization",
                           "Proxy-Connection",
                           "Public-Key-Pins",
                           "Report-To",
                           "Reporting-Endpoints",
                           "Server",
                           "Set-Cookie",
                           "Set-Cookie2",
                           "STRICT-TRANSPORT-SECURITY",
                           "TE",
                           "Trailer",
                           "Transfer-Encoding",
                           "Upgrade",
                           "Via",
                           "X-Upstream-Request-ID",
                           "X-CREDPOOL-",
                           "x-credpool-credential",
                           "x-credpool-attempts"}) {
    CAPTURE(name);
    CHECK(back({{name, "x"}}).empty());
    const auto other = std::string{'Q'} + (name + 1);
    CHECK(back({{other, "x"}}).size() == 1);
  }
}

TEST_CASE("proxy/header_rules: which bytes a name may hold, and which is the same in lower case") {
  const std::string_view others{"!#$%&'*+-.^_`|~"};
  Texts wrong;
  for (std::size_t size = 1; size < 60; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool allowed = letter || (c >= '0' && c <= '9') || others.find(c) != others.npos;
        auto name = "X-Stainless-" + std::string(size, 'B');  // goes on, whatever follows
        name[name.size() - 1 - at] = c;
        std::string short_name(size, 'b');
        short_name[at] = c;
        if (cp::is_header_name(short_name) != allowed) wrong.push_back(short_name);
        Headers out;
        const bool goes_on = cp::select_upstream_headers(Headers{{name, "v"}}, out).has_value();
        if (goes_on != allowed || out.size() != (allowed ? 1U : 0U)) wrong.push_back(name);
      }
    }
  }
  for (std::size_t at = 0; at < 12; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string name{"CONTENT-TYPE"};
      const char right = name[at];
      name[at] = static_cast<char>(byte);
      const bool same = name[at] == right || (right != '-' && name[at] == right + ('a' - 'A'));
      Headers out;
      const bool is_name = cp::select_upstream_headers(Headers{{name, "v"}}, out).has_value();
      if (out.empty() == same || (same && !is_name)) wrong.push_back(name);
    }
  }
  CHECK(wrong == Texts{});
}

TEST_CASE("proxy/header_rules: a head that could be split in two goes nowhere (D12)") {
  const std::string bad_values[] = {"a\r\nx: y", "a\nb",  "a\rb", std::string{"a\0b", 3},
                                    "\x01",      "a\x7f", " a",   "a\t"};
  for (const auto& value : bad_values) {
    Headers out;
    CHECK_FALSE(cp::is_header_value(value));
    const auto sent = cp::select_upstream_headers(Headers{{"accept", "x"}, {"accept", value}}, out);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().errc() == cp::Errc::malformed);
    CHECK(sent.error().place == "header accept");
    CHECK(out.empty());
    CHECK_FALSE(cp::select_answer_headers(Headers{{"x-new", value}}, out));
  }
  // What is dropped anyway does no harm.
  CHECK(upstream({{"cookie", "a\nb"}}).empty());
  CHECK(cp::is_header_value(""));
  CHECK(cp::is_header_value("a\tb \xc3\xa9"));
  for (const auto* name : {"", "a b", "a:", "a\r", "a\n", "\xc3\xa9", "a(b)", "a\"", "a,b", "{"}) {
    Headers out;
    CHECK_FALSE(cp::is_header_name(name));
    const auto sent = cp::select_upstream_headers(Headers{{name, "x"}}, out);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().place.empty());
    CHECK_FALSE(cp::select_answer_headers(Headers{{name, "x"}}, out));
  }
  CHECK(cp::is_header_name("x-Custom_1!#$%&'*+.^`|~"));
}
