// SPDX-License-Identifier: MIT
#include "played_proxy.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace played;

TEST_CASE("proxy/proxy: an answer goes through as it came, with our three headers") {
  World world{{openai_key("one")}};
  const auto exchange = world.chat();
  auto& call = world.upstream.last();
  CHECK(call.head().starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
  CHECK(call.header("authorization") == "Bearer sk-secret-key-one");
  CHECK(call.header("host") == "api.openai.com");
  CHECK(call.body() == R"({"model":"gpt-x","messages":[{"role":"user","content":"hi"}]})");
  call.answer(
      200,
      {{"content-type", "application/json"}, {"set-cookie", "a=b"}, {"x-request-id", "theirs"}},
      R"({"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})");
  CHECK(exchange->end() == cp::FakeExchange::End::finished);
  const auto& answer = exchange->answer();
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})");
  CHECK(answer.header("x-credpool-attempts") == "1");
  CHECK(answer.header("x-credpool-credential") == world.pool.credentials()[0]->id.short_hex());
  CHECK(answer.header("x-upstream-request-id") == "theirs");
  CHECK(answer.header("set-cookie").empty());
  REQUIRE(world.log.size() == 1);
  CHECK(world.log[0].usage.output == 2);
  CHECK(answer.header("x-request-id") == world.log[0].request_id);
}

TEST_CASE(
    "proxy/proxy: who has no key, or asks for nothing that is here, is refused in its own shape") {
  World world{{openai_key("one")}};
  const auto without =
      world.server.request({.target = "/v1/messages", .headers = {{"host", "x"}}, .body = "{}"});
  CHECK(without->answer().status == 401);
  CHECK(without->answer().body.starts_with(R"({"type":"error")"));
  CHECK(world.ask("/v1/nothing", "{}")->answer().status == 404);
  CHECK(world.ask("/v1/chat/completions", "{")->answer().status == 400);
  CHECK(world.ask("/v1/chat/completions", R"({"messages":[]})")->answer().status == 400);
  CHECK(world
            .ask("/v1/chat/completions", R"({"model":"gpt-x","messages":[]})",
                 {{"content-encoding", "gzip"}})
            ->answer()
            .status == 415);
  CHECK(world.ask("/v1/messages", R"({"model":"claude-x","messages":[]})")->answer().status == 404);
  CHECK(world.upstream.calls().empty());
  for (const auto& record : world.log) CHECK(record.ending == cp::Ending::refused);
}

TEST_CASE("proxy/proxy: a rate limit moves the request; when all rest, the earliest end is told") {
  World world{{openai_key("one"), openai_key("two")}};
  const auto first = world.chat();
  world.upstream.last().answer(429, {{"content-type", "application/json"}, {"retry-after", "30"}},
                               limited);
  REQUIRE(world.upstream.calls().size() == 2);
  CHECK(world.upstream.calls()[0]->header("authorization") !=
        world.upstream.calls()[1]->header("authorization"));
  world.upstream.last().answer(429, {{"content-type", "application/json"}, {"retry-after", "90"}},
                               limited);
  CHECK(first->answer().status == 429);
  CHECK(first->answer().body == limited);
  CHECK(first->answer().header("x-credpool-attempts") == "2");
  const auto wait = std::stoi(first->answer().header("retry-after"));
  CHECK(wait > 20);
  CHECK(wait <= 30);
  // Nobody is asked while all rest.
  const auto second = world.chat();
  CHECK(second->answer().status == 429);
  CHECK(world.upstream.calls().size() == 2);
}

TEST_CASE("proxy/proxy: the request's own fault stays with it") {
  World world{{openai_key("one"), openai_key("two")}};
  const auto exchange = world.chat();
  world.upstream.last().answer(
      400, json,
      R"({"error":{"type":"invalid_request_error","message":"sk-secret-key-one sk-secret-key-two"}})");
  CHECK(exchange->answer().status == 400);
  CHECK(world.upstream.calls().size() == 1);
  CHECK(exchange->answer().body.find("***") != std::string::npos);  // the key that was lent
}

TEST_CASE(
    "proxy/proxy: a refused token is refreshed once and the request repeated with the new one") {
  World world{{kimi_login()}};
  *world.refreshes = 1;
  const auto exchange = world.chat("", "kimi-k2");
  world.upstream.last().answer(401, json, R"({"error":{"message":"invalid token"}})");
  CHECK(world.upstream.calls().size() == 1);
  CHECK(world.server.loop().run_offloaded() == 1);
  REQUIRE(world.upstream.calls().size() == 2);
  CHECK(world.upstream.last().header("authorization") == "Bearer fresh-token-0123456789");
  world.upstream.last().answer(401, json, R"({"error":{"message":"invalid token"}})");
  CHECK(world.server.loop().offloaded() == 0);  // not a second time
  CHECK(exchange->answer().status == 503);
}

TEST_CASE("proxy/proxy: a refresh that fails takes the login out") {
  World world{{kimi_login()}};
  const auto exchange = world.chat("", "kimi-k2");
  world.upstream.last().answer(401, json, R"({"error":{"message":"stale-token-0123456789"}})");
  CHECK(world.server.loop().run_offloaded() == 1);
  CHECK(exchange->answer().status == 503);
  CHECK(exchange->answer().body.find("stale-token") == std::string::npos);
}

TEST_CASE("proxy/proxy: an error that begins a stream moves it, one in the middle goes through") {
  World world{{openai_key("one"), openai_key("two")}};
  const auto exchange = world.chat(R"(,"stream":true)");
  world.upstream.last().answer_head(200, events);
  world.upstream.last().answer_data(
      "data: "
      "{\"error\":{\"type\":\"server_error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"}"
      "}\n\n");
  REQUIRE(world.upstream.calls().size() == 2);
  CHECK(world.upstream.calls()[0]->cancelled());
  CHECK(exchange->answer().status == 0);
  world.upstream.last().answer_head(200, events);
  world.upstream.last().answer_data("data: {\"choices\":[]}\n\n");
  CHECK(exchange->answer().body == "data: {\"choices\":[]}\n\n");
  world.upstream.last().answer_data("data: [DONE]\n\n");
  world.upstream.last().answer_end();
  CHECK(exchange->answer().body == "data: {\"choices\":[]}\n\ndata: [DONE]\n\n");
  CHECK(exchange->end() == cp::FakeExchange::End::finished);
  CHECK(exchange->answer().header("x-credpool-attempts") == "2");
}

TEST_CASE("proxy/proxy: a long first event is let go early, unless it begins as an error") {
  const std::string large(4000, 'x');
  World world{{openai_key("one"), openai_key("two")}};
  const auto exchange = world.chat(R"(,"stream":true)");
  world.upstream.last().answer_head(200, events);
  world.upstream.last().answer_data("data: {\"choices\":[{\"x\":\"");
  CHECK(exchange->answer().status == 0);
  world.upstream.last().answer_data(large);
  CHECK(exchange->answer().status == 200);
  CHECK(exchange->answer().body == "data: {\"choices\":[{\"x\":\"" + large);
  world.upstream.last().answer_data("\"}]}\n\ndata: [DONE]\n\n");
  world.upstream.last().answer_end();
  CHECK(exchange->end() == cp::FakeExchange::End::finished);

  World other{{openai_key("one"), openai_key("two")}};
  const auto refused = other.chat(R"(,"stream":true)");
  other.upstream.last().answer_head(200, events);
  other.upstream.last().answer_data("data: {\"error\":{\"code\":\"rate_limit_exceeded\",\"x\":\"");
  other.upstream.last().answer_data(large);
  CHECK(refused->answer().status == 0);
  other.upstream.last().answer_data("\"}}\n\n");
  CHECK(refused->answer().status == 0);
  REQUIRE(other.upstream.calls().size() == 2);
  CHECK(other.upstream.calls()[0]->cancelled());
  other.upstream.last().answer_head(200, events);
  other.upstream.last().answer_data("data: [DONE]\n\n");
  other.upstream.last().answer_end();
  CHECK(refused->answer().body == "data: [DONE]\n\n");
}

TEST_CASE("proxy/proxy: a stream that dies ends with an error event and is not repeated") {
  World world{{openai_key("one"), openai_key("two")}};
  const auto exchange = world.chat(R"(,"stream":true)");
  world.upstream.last().answer_head(200, events);
  world.upstream.last().answer_data("data: {\"choices\":[]}\n\n");
  world.upstream.last().fail(cp::Errc::network, true);
  CHECK(world.upstream.calls().size() == 1);
  CHECK(exchange->end() == cp::FakeExchange::End::finished);
  CHECK(exchange->answer().body.starts_with("data: {\"choices\":[]}\n\ndata: {\"error\":"));
  CHECK(world.log.back().ending == cp::Ending::upstream_lost);
}

TEST_CASE(
    "proxy/proxy: a JSON answer that breaks off is cut, so that it is not taken for complete") {
  World world{{openai_key("one"), openai_key("two")}};
  const auto exchange = world.chat();
  world.upstream.last().answer_head(200, json, 100);
  world.upstream.last().answer_data("{");
  world.upstream.last().fail(cp::Errc::network, true);
  CHECK(exchange->end() == cp::FakeExchange::End::cut);
  CHECK(world.log.back().ending == cp::Ending::upstream_lost);
}

TEST_CASE("proxy/proxy: what was sent is not sent again, what was not goes elsewhere") {
  World world{{openai_key("one"), openai_key("two")}};
  const auto sent = world.chat();
  world.upstream.last().fail(cp::Errc::network, true);
  CHECK(sent->answer().status == 502);
  CHECK(world.upstream.calls().size() == 1);
  // Another key of the same host would not help: another provider's does.
  cp::Settings settings;
  settings.proxy.models["any"] = {{"openai", "gpt-x"}, {"kimi-code", "kimi-k2"}};
  World other{{openai_key("one"), openai_key("two"), kimi_login()}, settings};
  const auto unsent = other.chat("", "any");
  other.upstream.last().fail(cp::Errc::network, false);
  CHECK(unsent->answer().status == 0);
  REQUIRE(other.upstream.calls().size() == 2);
  CHECK(other.upstream.last().origin().host == "api.kimi.com");
  other.upstream.last().answer(200, json, "{}");
  CHECK(unsent->answer().status == 200);
  World stopping{{openai_key("one"), openai_key("two")}};
  const auto cancelled = stopping.chat();
  stopping.upstream.last().fail(cp::Errc::cancelled, false);
  CHECK(stopping.upstream.calls().size() == 1);
  CHECK(cancelled->answer().status == 502);
}

TEST_CASE("proxy/proxy: providers that cannot be reached are 503, a caller's used up limits 429") {
  World down{{openai_key("one")}};
  const auto first = down.chat();
  down.upstream.last().fail(cp::Errc::network, false);
  CHECK(first->answer().status == 502);
  const auto second = down.chat();  // its host rests by now
  CHECK(down.upstream.calls().size() == 1);
  CHECK(second->answer().status == 503);
  CHECK(second->answer().header("retry-after") != "");
  CHECK(second->answer().body.find("providers_unavailable") != std::string::npos);

  World spent{{openai_key("one")}};
  const auto refused = spent.chat();
  spent.upstream.last().answer(429, json, limited);
  CHECK(refused->answer().status == 429);
  const auto resting = spent.chat();
  CHECK(spent.upstream.calls().size() == 1);
  CHECK(resting->answer().status == 429);
  CHECK(resting->answer().header("retry-after") != "");
}

TEST_CASE("proxy/proxy: what continues an answer goes to the account that gave it") {
  World world{{openai_key("one"), openai_key("two"), openai_key("three")}};
  const auto ask = [&](const std::string& more) {
    return world.ask("/v1/responses", R"({"model":"gpt-x","input":"hi")" + more + "}");
  };
  const auto first = ask(R"(,"prompt_cache_key":"a")");
  world.upstream.last().answer(200, json, R"({"id":"resp_1","object":"response","output":[]})");
  const auto stream = ask(R"(,"stream":true,"prompt_cache_key":"b")");
  world.upstream.last().answer_head(200, events);
  world.upstream.last().answer_data(
      "event: response.created\ndata: {\"type\":\"response.created\","
      "\"response\":{\"id\":\"resp_2\"}}\n\n");
  world.upstream.last().answer_end();
  const auto owner = [](const auto& exchange) {
    return exchange->answer().header("x-credpool-credential");
  };
  REQUIRE(owner(first) != owner(stream));
  for (int round = 0; round < 3; ++round) {
    for (const auto& [id, given] : {std::pair{"resp_1", first}, std::pair{"resp_2", stream}}) {
      const auto next = ask(std::string{R"(,"previous_response_id":")"} + id + '"');
      world.upstream.last().answer(200, json, R"({"id":"resp_x"})");
      CHECK(owner(next) == owner(given));
    }
  }
  // Nobody else can continue it: while its account rests, no other one is asked.
  const auto refused = ask(R"(,"previous_response_id":"resp_1")");
  world.upstream.last().answer(429, json, limited);
  const auto calls = world.upstream.calls().size();
  CHECK(refused->answer().status == 429);
  CHECK(ask(R"(,"previous_response_id":"resp_1")")->answer().status == 429);
  CHECK(world.upstream.calls().size() == calls);
  // An answer of another time or process: the provider says what it thinks of it.
  (void)ask(R"(,"previous_response_id":"resp_unknown")");
  CHECK(world.upstream.calls().size() == calls + 1);
  world.upstream.last().answer(404, json, "{}");
}

TEST_CASE("proxy/proxy: a peer that leaves cancels the upstream; one that reads slowly pauses it") {
  World world{{openai_key("one")}};
  auto exchange = world.chat(R"(,"stream":true)");
  world.upstream.last().answer_head(200, events);
  exchange->stop_reading();
  world.upstream.last().answer_data("data: 1\n\n");
  CHECK(world.upstream.last().paused());
  exchange->read_on();
  CHECK_FALSE(world.upstream.last().paused());
  exchange->leave();
  CHECK(world.upstream.last().cancelled());
  CHECK(world.log.back().ending == cp::Ending::client_gone);
}

TEST_CASE("proxy/proxy: a request waits for a credential as long as the configuration says") {
  cp::Settings settings;
  settings.proxy.hold = std::chrono::seconds{120};
  World world{{openai_key("one")}, settings};
  const auto exchange = world.chat();
  world.upstream.last().answer(429, {{"content-type", "application/json"}, {"retry-after", "60"}},
                               limited);
  CHECK(exchange->answer().status == 0);
  REQUIRE(world.server.loop().waiting() == 1);
  REQUIRE(world.pool.clear_cooldowns());
  world.server.loop().advance(std::chrono::seconds{61});
  REQUIRE(world.upstream.calls().size() == 2);
  world.upstream.last().answer(200, json, "{}");
  CHECK(exchange->answer().status == 200);
}

TEST_CASE("proxy/proxy: names of the user's own become the provider's; models are listed") {
  cp::Settings settings;
  settings.proxy.models["fast"] = {{"openai", "gpt-y"}};
  World world{{openai_key("one")}, settings};
  const auto exchange = world.chat("", "fast");
  CHECK(world.upstream.last().body() ==
        R"({"model":"gpt-y","messages":[{"role":"user","content":"hi"}]})");
  world.upstream.last().answer(200, json, "{}");
  CHECK(exchange->answer().status == 200);
  const auto models =
      world.server.request({.method = "GET",
                            .target = "/v1/models",
                            .headers = {{"host", "x"}, {"x-api-key", std::string{key}}}});
  CHECK(world.server.loop().run_offloaded() == 1);
  CHECK(models->answer().body.find("\"gpt-one\"") != std::string::npos);
  CHECK(models->answer().body.find("\"fast\"") != std::string::npos);
}

TEST_CASE("proxy/proxy: a login whose terms leave it to the user is not lent, and says how") {
  World world{{kimi_login()}};
  world.settings.policy.clear();
  world.proxy->use(
      std::make_shared<const cp::ProxyCatalog>(world.settings, world.pool.credentials()));
  const auto exchange = world.chat("", "kimi-k2");
  CHECK(exchange->answer().status == 404);
  CHECK(exchange->answer().body.find("kimi-code") != std::string::npos);
  CHECK(world.upstream.calls().empty());
}

TEST_CASE("proxy/proxy: a pin is that credential or an error") {
  World world{{openai_key("one"), openai_key("two")}};
  const std::string body = R"({"model":"gpt-x","messages":[{"role":"user","content":"hi"}]})";
  for (int i = 0; i < 3; ++i) {
    const auto exchange =
        world.ask("/v1/chat/completions", body, {{"x-credpool-pin", "openai:two"}});
    CHECK(world.upstream.last().header("authorization") == "Bearer sk-secret-key-two");
    CHECK(world.upstream.last().header("x-credpool-pin").empty());
    world.upstream.last().answer(200, json, "{}");
    CHECK(exchange->answer().status == 200);
  }
  const auto unknown =
      world.ask("/v1/chat/completions", body, {{"x-credpool-pin", "openai:nobody"}});
  CHECK(unknown->answer().status == 400);
  CHECK(world.upstream.calls().size() == 3);
}
