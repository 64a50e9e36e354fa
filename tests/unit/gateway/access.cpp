// SPDX-License-Identifier: MIT
#include <credpool/gateway/access.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace cp = credpool;
using namespace std::chrono_literals;
using cp::GatewayDoor;
using cp::Scope;

namespace {

constexpr cp::TimePoint start{cp::Duration{1'795'262'400'000}};
constexpr cp::GatewayRoute rpc{"/rpc", "POST", GatewayDoor::inside, {}, true};
constexpr cp::GatewayRoute events{"/events", "GET", GatewayDoor::inside, Scope::read};
constexpr cp::GatewayRoute health{"/healthz", "GET HEAD", GatewayDoor::open};
constexpr cp::GatewayRoute pages{"/ui/", "GET HEAD", GatewayDoor::page};
constexpr cp::GatewayRoute enter{"/ui/session", "POST", GatewayDoor::entrance, {}, true};

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A gateway on 127.0.0.1:8484 with a token of each kind.
struct Gate {
  Gate() {
    access.hosts().add_listener(*cp::ListenAddress::parse("127.0.0.1:8484"), false);
    token = access.tokens().create("ci", {Scope::read, Scope::operate}, now)->reveal();
  }

  /// The status that refuses it, or 0 and who it is.
  int ask(const cp::GatewayRoute& route, std::string_view method, const Headers& headers,
          std::string_view peer = "127.0.0.1", bool first = true) {
    cp::RequestHead head;
    head.method = method;
    head.target = route.path;
    for (const auto& [name, value] : headers) head.headers.push_back({name, value});
    auto decision = access.decide(route, head, peer, first);
    who.reset();
    refusal = {};
    if (auto* const answer = std::get_if<cp::Answer>(&decision)) {
      refusal = std::move(*answer);
      return refusal.status;
    }
    who = std::get<std::optional<cp::GatewayIdentity>>(decision);
    return 0;
  }
  /// A call that is right in all but what is given.
  int call(Headers headers, std::string_view peer = "127.0.0.1", bool first = true) {
    headers.emplace_back("host", "127.0.0.1:8484");
    headers.emplace_back("content-type", "application/json");
    return ask(rpc, "POST", headers, peer, first);
  }
  Headers session() {
    const auto code = access.sessions().make_code(cp::Scopes::all(), now);
    const auto made = access.sessions().open(code->reveal(), now);
    return {{"cookie", "credpool_session=" + std::string{made->cookie.reveal()}},
            {"x-credpool-proof", std::string{made->proof.reveal()}},
            {"origin", "http://127.0.0.1:8484"}};
  }

  cp::TimePoint now = start;
  cp::GatewayAccess access{[this] { return now; }};
  std::string token;
  std::optional<cp::GatewayIdentity> who;
  cp::Answer refusal;
};

Headers without(Headers headers, std::string_view name) {
  std::erase_if(headers, [&](const auto& header) { return header.first == name; });
  return headers;
}
Headers with(Headers headers, std::string name, std::string value) {
  headers.emplace_back(std::move(name), std::move(value));
  return headers;
}

}  // namespace

TEST_CASE("gateway/access: a token is let in, with the scopes that are its own") {
  Gate gate;
  CHECK(gate.call({{"authorization", "Bearer " + gate.token}}) == 0);
  REQUIRE(gate.who);
  CHECK(gate.who->name == "token:ci");
  CHECK(gate.who->scopes == cp::Scopes{Scope::read, Scope::operate});
  CHECK(gate.who->local);
  CHECK(gate.call({{"authorization", "bearer " + gate.token}}, "10.0.0.9") == 0);
  CHECK_FALSE(gate.who->local);
  // What a caller says of itself counts for nothing.
  CHECK(gate.call({{"authorization", "Bearer " + gate.token}, {"x-credpool-scopes", "admin"}}) ==
        0);
  CHECK_FALSE(gate.who->scopes.has(Scope::admin));
  constexpr cp::GatewayRoute admins{"/x", "POST", GatewayDoor::inside, Scope::admin};
  CHECK(gate.ask(admins, "POST",
                 {{"host", "127.0.0.1:8484"}, {"authorization", "Bearer " + gate.token}}) == 403);
}

TEST_CASE("gateway/access: every wrong credential has the same answer") {
  Gate gate;
  const auto revoked =
      std::string{gate.access.tokens().create("old", {Scope::read}, gate.now)->reveal()};
  REQUIRE(gate.access.tokens().revoke("old"));
  const auto rotated =
      std::string{gate.access.tokens().create("new", {Scope::read}, gate.now)->reveal()};
  REQUIRE(gate.access.tokens().rotate("new", gate.now));
  const auto session = gate.session();
  CHECK(gate.call({}) == 401);
  const auto answer = gate.refusal;
  int peer = 0;
  for (const auto& headers : std::vector<Headers>{
           {{"authorization", ""}},
           {{"authorization", "Bearer"}},
           {{"authorization", "Bearer "}},
           {{"authorization", "Bearer x"}},
           {{"authorization", "Bearer " + gate.token + "x"}},
           {{"authorization", "Bearer " + gate.token.substr(0, 20)}},
           {{"authorization", "Bearer  " + gate.token}},
           {{"authorization", "Bearer " + revoked}},
           {{"authorization", "Bearer " + rotated}},
           {{"authorization", "Basic " + gate.token}},
           {{"authorization", gate.token}},
           {{"x-api-key", gate.token}},
           {{"cookie", "credpool_session=" + gate.token}},
           without(session, "cookie"),
           without(session, "x-credpool-proof"),
           without(session, "origin"),
           with(without(session, "x-credpool-proof"), "x-credpool-proof", "x"),
           with(session, "authorization", "Bearer x"),
       }) {
    CHECK(gate.call(headers, "10.0.0." + std::to_string(++peer)) == 401);
    CHECK(gate.refusal.body == answer.body);
    CHECK(gate.refusal.headers == answer.headers);
  }
}

TEST_CASE("gateway/access: after five wrong ones there is one more every twelve seconds") {
  Gate gate;
  const Headers wrong{{"authorization", "Bearer wrong"}};
  for (int i = 0; i < 5; ++i) CHECK(gate.call(wrong) == 401);
  CHECK(gate.call(wrong) == 429);
  CHECK(gate.refusal.headers.back() == std::pair<std::string, std::string>{"retry-after", "12"});
  CHECK(gate.call(wrong, "10.0.0.1") == 401);  // others have their own
  CHECK(gate.call({{"authorization", "Bearer " + gate.token}}) == 0);
  CHECK(gate.call(gate.session()) == 0);
  CHECK(gate.call({}) == 401);                         // who shows nothing guesses nothing
  CHECK(gate.call(wrong, "127.0.0.1", false) == 401);  // was counted when its head came
  CHECK(gate.access.wrong_code("127.0.0.1").status == 429);
  gate.now += 12s;
  CHECK(gate.call(wrong) == 401);
  CHECK(gate.call(wrong) == 429);
  CHECK(gate.access.failures() == 10);
  // A whole /64 is one peer.
  for (int i = 0; i < 5; ++i) CHECK(gate.call(wrong, "2001:db8::" + std::to_string(i + 1)) == 401);
  CHECK(gate.call(wrong, "2001:db8::ffff") == 429);
}

TEST_CASE("gateway/access: a session needs its cookie, its proof and a page of ours") {
  Gate gate;
  const auto session = gate.session();
  CHECK(gate.call(session) == 0);
  CHECK(gate.who->name == "session");
  CHECK_FALSE(gate.who->scopes.has(Scope::secrets));
  CHECK(gate.call(with(without(session, "cookie"), "cookie",
                       "a=b; credpool_session=other; " + session[0].second)) == 0);
  for (const auto* origin : {"https://evil.example", "null", "http://localhost:8484",
                             "http://127.0.0.1:8485", "https://127.0.0.1:8484", ""})
    CHECK(gate.call(with(without(session, "origin"), "origin", origin)) == 403);
  for (const auto* site : {"cross-site", "same-site", ""})
    CHECK(gate.call(with(session, "sec-fetch-site", site)) == 403);
  CHECK(gate.call(with(session, "sec-fetch-site", "same-origin")) == 0);
  // Reading sends no Origin.
  const auto reads = with(without(session, "origin"), "host", "127.0.0.1:8484");
  CHECK(gate.ask(events, "GET", reads) == 0);
  CHECK(gate.ask(events, "GET", with(reads, "origin", "https://evil.example")) == 403);
}

TEST_CASE("gateway/access: what lasts ends with what let it in") {
  Gate gate;
  REQUIRE(gate.call({{"authorization", "Bearer " + gate.token}}) == 0);
  const auto by_token = *gate.who;
  REQUIRE(gate.call(gate.session()) == 0);
  const auto by_session = *gate.who;
  CHECK(gate.access.is_still_good(by_token));
  CHECK(gate.access.is_still_good(by_session));
  REQUIRE(gate.access.tokens().rotate("ci", gate.now));
  gate.access.sessions().close(by_session.number);
  CHECK_FALSE(gate.access.is_still_good(by_token));
  CHECK_FALSE(gate.access.is_still_good(by_session));
}

TEST_CASE("gateway/access: the Host must be ours, before anything else is looked at") {
  Gate gate;
  const std::string bearer = "Bearer " + gate.token;
  for (const auto* host : {"evil.example:8484", "localhost.:8484", "0x7f.1:8484", "[::1]:8484", ""})
    for (const auto* route : {&rpc, &events, &pages, &enter})
      CHECK(gate.ask(*route, "POST", {{"host", host}, {"authorization", bearer}}) == 421);
  CHECK(gate.ask(rpc, "POST", {{"authorization", bearer}}) == 400);
  CHECK(gate.ask(health, "GET", {{"host", "evil.example"}}) == 0);
  CHECK(gate.ask(health, "POST", {}) == 405);
  CHECK_FALSE(gate.access.failures() > 0);
}

TEST_CASE("gateway/access: headers that stand twice, methods, types") {
  Gate gate;
  const Headers good{{"authorization", "Bearer " + gate.token}};
  for (const auto& [name, value] : Headers{{"Authorization", "Bearer x"},
                                           {"HOST", "127.0.0.1:8484"},
                                           {"Content-Type", "application/json"}})
    CHECK(gate.call(with(good, name, value)) == 400);
  const Headers full = with(good, "host", "127.0.0.1:8484");
  for (const auto* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post"}) {
    CHECK(gate.ask(rpc, method, full) == 405);
    CHECK(gate.refusal.headers.back() == std::pair<std::string, std::string>{"allow", "POST"});
  }
  for (const auto* type :
       {"text/plain", "application/x-www-form-urlencoded", "", "application/jsonp",
        "multipart/form-data; boundary=x", "application/json; charset=utf-16",
        "application/json, text/plain", "text/plain; application/json"})
    CHECK(gate.ask(rpc, "POST", with(full, "content-type", type)) == 415);
  for (const auto* type :
       {"application/json", "Application/JSON; charset=UTF-8", "application/json;charset=utf-8"})
    CHECK(gate.ask(rpc, "POST", with(full, "content-type", type)) == 0);
}

TEST_CASE("gateway/access: pages may be linked to, sessions begin on a page of ours") {
  Gate gate;
  const Headers host{{"host", "localhost:8484"}};
  CHECK(gate.ask(pages, "GET", host) == 0);
  CHECK(gate.ask(pages, "GET", with(host, "sec-fetch-site", "cross-site")) == 0);
  CHECK(gate.ask(pages, "GET", with(host, "origin", "https://evil.example")) == 0);
  CHECK(gate.ask(pages, "POST", host) == 405);
  const auto json = with(host, "content-type", "application/json");
  CHECK(gate.ask(enter, "POST", json) == 403);
  CHECK(gate.ask(enter, "POST", with(json, "origin", "https://evil.example")) == 403);
  CHECK(gate.ask(enter, "POST", with(json, "origin", "http://localhost:8484")) == 0);
}

TEST_CASE("gateway/access: on the gateway's own socket nothing has to be shown") {
  Gate gate;
  const auto ask = [&](const Headers& headers) {
    cp::RequestHead head;
    head.method = "POST";
    head.target = "/rpc";
    for (const auto& [name, value] : headers) head.headers.push_back({name, value});
    auto decision = gate.access.decide_on_socket(rpc, head);
    const auto* const answer = std::get_if<cp::Answer>(&decision);
    return answer != nullptr ? answer->status : 0;
  };
  const Headers json{{"content-type", "application/json"}};
  CHECK(ask(json) == 0);
  CHECK(ask({}) == 415);
  CHECK(ask(with(json, "origin", "http://localhost")) == 403);
  CHECK(ask(with(json, "sec-fetch-site", "none")) == 403);
}

TEST_CASE("gateway/access: cookies and bearers are read as their standards say") {
  using Values = std::vector<std::string_view>;
  CHECK(cp::cookie_values("", "a").empty());
  CHECK(cp::cookie_values("a=1", "a") == Values{"1"});
  CHECK(cp::cookie_values("b=2; a=1;a=3 ; aa=4; =a; a", "a") == Values{"1", "3"});
  CHECK(cp::cookie_values("a=b=c", "a") == Values{"b=c"});
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += "a=1;";
  CHECK(cp::cookie_values(many, "a").size() == 8);
  CHECK(cp::bearer_token("Bearer abc") == "abc");
  CHECK(cp::bearer_token("BEARER abc") == "abc");
  for (const auto* header : {"", "Bearer", "Bearer ", "Bearer a b", "Basic abc", "Bearerabc",
                             "Bearer\tabc", " Bearer abc", "Bearer a\x7f"})
    CHECK(cp::bearer_token(header).empty());
}

TEST_CASE("gateway/access: security headers") {
  cp::Answer page;
  cp::add_security_headers(page, true);
  const auto value = [](const cp::Answer& answer, std::string_view name) {
    for (const auto& [key, text] : answer.headers)
      if (key == name) return text;
    return std::string{};
  };
  const auto policy = value(page, "content-security-policy");
  CHECK(policy.starts_with("default-src 'none';"));
  CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
  CHECK(policy.find("require-trusted-types-for 'script'") != std::string::npos);
  CHECK(policy.find("trusted-types 'none'") != std::string::npos);
  for (const auto* weak : {"unsafe", "*", "http:", "https:"})
    CHECK(policy.find(weak) == std::string::npos);
  CHECK(value(page, "cache-control") == "no-cache");
  const auto error = cp::gateway_error(400, "BAD", "with \"quotes\"");
  CHECK(value(error, "cache-control") == "no-store");
  CHECK(value(error, "x-content-type-options") == "nosniff");
  CHECK(value(error, "x-frame-options") == "DENY");
  CHECK(error.body == R"({"error":{"code":"BAD","message":"with \"quotes\""}})");
}
