// SPDX-License-Identifier: MIT
#include <credpool/proxy/access_record.hpp>

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace cp = credpool;

using Json = nlohmann::json;

namespace {

cp::AccessRecord record() {
  cp::AccessRecord made;
  made.time = cp::TimePoint{cp::Duration{1'794'998'400'123}};
  made.request_id = "req-1";
  made.peer = "127.0.0.1";
  made.key_name = "laptop";
  made.method = "POST";
  made.path = "/v1/chat/completions";
  made.operation = cp::Operation::chat_completions;
  made.model = "moonshotai/kimi-k2";
  made.provider = "kimi-code";
  made.credential = "0123456789ab";
  made.attempts = 2;
  made.status = 200;
  made.bytes_in = 512;
  made.bytes_out = 2048;
  made.usage.input = 11;
  made.usage.output = 7;
  made.first_byte = std::chrono::microseconds{12'345};
  made.total = std::chrono::microseconds{1'000'007};
  return made;
}

}  // namespace

TEST_CASE("proxy/access_record: one JSON object a line") {
  CHECK(
      cp::access_json_line(record()) ==
      R"({"time":"2026-11-18T10:40:00.123Z","requestId":"req-1","peer":"127.0.0.1","key":"laptop",)"
      R"("method":"POST","path":"/v1/chat/completions","operation":"chat_completions",)"
      R"("model":"moonshotai/kimi-k2","provider":"kimi-code","credential":"0123456789ab",)"
      R"("attempts":2,"status":200,"bytesIn":512,"bytesOut":2048,"inputTokens":11,"outputTokens":7,)"
      R"("firstByteMs":12.345,"totalMs":1000.007,"ended":"ok"})"
      "\n");
  auto full = record();
  full.usage.cached_input = 1;
  full.usage.cache_write_input = 2;
  full.usage.reasoning = 3;
  full.usage.total = 18;
  full.usage.malformed = true;
  full.ending = cp::Ending::upstream_lost;
  const auto json = Json::parse(cp::access_json_line(full));
  CHECK(json["cachedInputTokens"] == 1);
  CHECK(json["cacheWriteInputTokens"] == 2);
  CHECK(json["reasoningTokens"] == 3);
  CHECK(json["totalTokens"] == 18);
  CHECK(json["usageMalformed"] == true);
  CHECK(json["ended"] == "upstream_lost");
}

TEST_CASE("proxy/access_record: one line for a person") {
  CHECK(cp::access_text_line(record()) ==
        "2026-11-18T10:40:00.123Z req-1 127.0.0.1 laptop POST /v1/chat/completions 200 ok "
        "model=moonshotai/kimi-k2 provider=kimi-code credential=0123456789ab attempts=2 in=512 "
        "out=2048 tokens=11/7 first=12.345ms total=1000.007ms\n");
  cp::AccessRecord nothing;
  nothing.ending = cp::Ending::refused;
  CHECK(cp::access_text_line(nothing) ==
        "1970-01-01T00:00:00Z - - - - - 0 refused model=- provider=- credential=- attempts=0 in=0 "
        "out=0 tokens=-/- first=- total=0.000ms\n");
}

TEST_CASE("proxy/access_record: a request to the gateway") {
  cp::AccessRecord call;
  call.request_id = "r-1";
  call.peer = "unix";
  call.who = "token:main";
  call.method = "POST";
  call.path = "/rpc";
  call.rpc = "tokenDiscovery.status +2";
  call.status = 200;
  CHECK(
      cp::access_json_line(call) ==
      R"({"time":"1970-01-01T00:00:00Z","requestId":"r-1","peer":"unix","who":"token:main",)"
      R"("method":"POST","path":"/rpc","rpc":"tokenDiscovery.status +2","attempts":0,"status":200,)"
      R"("bytesIn":0,"bytesOut":0,"totalMs":0.000,"ended":"ok"})"
      "\n");
  CHECK(cp::access_text_line(call).find(" token:main POST /rpc 200 ok rpc=tokenDiscovery.status_+2 "
                                        "model=-") != std::string::npos);
}

TEST_CASE("proxy/access_record: no query and nothing that might be a token") {
  const std::string token = "sk-FAKE-0123456789";
  const std::string other(60, 'T');
  auto leaky = record();
  leaky.path = "/v1/models/" + token + '/' + other + "?key=" + token + "#" + token;
  leaky.model = "x/" + token;
  leaky.method = other;
  leaky.request_id = token;
  for (const auto& line : {cp::access_json_line(leaky), cp::access_text_line(leaky)}) {
    CAPTURE(line);
    CHECK(line.find("FAKE") == std::string::npos);
    CHECK(line.find("TTT") == std::string::npos);
    CHECK(line.find("key=") == std::string::npos);
    CHECK(line.find("/v1/models/***/***") != std::string::npos);
    CHECK(line.find("x/***") != std::string::npos);
  }
  CHECK(cp::access_text("a//b/", 100) == "a//b/");
  CHECK(cp::access_text("/v1/cp-key/cpg-token/cpu", 100) == "/v1/***/***/cpu");
  CHECK(cp::access_text("accounts/fireworks/models/llama-v3p1-405b-instruct", 100) ==
        "accounts/fireworks/models/llama-v3p1-405b-instruct");
}

TEST_CASE("proxy/access_record: no text can forge a line, a field or the terminal") {
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  for (const auto& text :
       {every, std::string{"a\n{\"x\":1}\r\n"}, std::string{"a 200 ok \"b\\ \x1b[31m"},
        std::string(5000, '/'), std::string(5000, '\xff')}) {
    auto forged = record();
    for (auto* field : {&forged.request_id, &forged.peer, &forged.key_name, &forged.method,
                        &forged.path, &forged.model, &forged.provider, &forged.credential})
      *field = text;
    const auto json = cp::access_json_line(forged);
    const auto line = cp::access_text_line(forged);
    CHECK(Json::parse(json)["status"] == 200);
    for (const auto& written : {json, line}) {
      CHECK(std::count(written.begin(), written.end(), '\n') == 1);
      CHECK(written.find('\x1b') == std::string::npos);
      CHECK(written.size() < 2500);
    }
    CHECK(std::count(line.begin(), line.end(), ' ') == 16);
  }
}
