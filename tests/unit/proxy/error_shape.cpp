// SPDX-License-Identifier: MIT
#include <credpool/proxy/error_shape.hpp>

#include <credpool/proxy/usage.hpp>

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace cp = credpool;

using Json = nlohmann::json;

TEST_CASE("proxy/error_shape: OpenAI's shape") {
  CHECK(cp::error_body(cp::Dialect::openai,
                       {404, "The model `x` does not exist.", "model_not_found", "model"},
                       "req_1") ==
        R"({"error":{"message":"The model `x` does not exist.","type":"invalid_request_error",)"
        R"("param":"model","code":"model_not_found"}})");
  const auto error = [](int status, std::string_view code = {}) {
    return Json::parse(cp::error_body(cp::Dialect::openai, {status, "m", code}, ""))["error"];
  };
  const std::vector<std::pair<int, std::string>> types{
      {400, "invalid_request_error"}, {401, "authentication_error"},  {403, "permission_error"},
      {405, "invalid_request_error"}, {413, "invalid_request_error"}, {429, "rate_limit_error"},
      {500, "server_error"},          {502, "server_error"},          {503, "overloaded_error"},
      {504, "timeout_error"}};
  for (const auto& row : types) CHECK(error(row.first)["type"] == row.second);
  CHECK(error(429)["code"] == "rate_limit_exceeded");
  CHECK(error(401)["code"] == "invalid_api_key");
  CHECK(error(400)["code"].is_null());
  CHECK(error(400)["param"].is_null());
  CHECK(error(429, "insufficient_quota")["type"] == "insufficient_quota");
}

TEST_CASE("proxy/error_shape: Anthropic's shape") {
  CHECK(
      cp::error_body(cp::Dialect::anthropic, {429, "Slow down.", "ignored", "ignored"}, "req_1") ==
      R"({"type":"error","error":{"type":"rate_limit_error","message":"Slow down."},)"
      R"("request_id":"req_1"})");
  const std::vector<std::pair<int, std::string>> types{{400, "invalid_request_error"},
                                                       {401, "authentication_error"},
                                                       {402, "billing_error"},
                                                       {403, "permission_error"},
                                                       {404, "not_found_error"},
                                                       {405, "invalid_request_error"},
                                                       {413, "request_too_large"},
                                                       {500, "api_error"},
                                                       {502, "api_error"},
                                                       {503, "overloaded_error"},
                                                       {504, "timeout_error"},
                                                       {529, "overloaded_error"}};
  for (const auto& row : types)
    CHECK(cp::error_type(cp::Dialect::anthropic, row.first) == row.second);
}

TEST_CASE("proxy/error_shape: any bytes in, one line of valid JSON out") {
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  for (const auto& text : {every, std::string(5000, '"'), std::string(5000, '\xff'),
                           std::string{"a\n\ndata: {\"x\":1}\n\n\"},{\""}}) {
    for (const auto operation :
         {cp::Operation::chat_completions, cp::Operation::responses, cp::Operation::messages}) {
      const cp::ProxyError error{502, text, text, text};
      const auto event = cp::stream_error_event(operation, error, text, 7);
      cp::SseReader reader;
      int events = 0;
      reader.feed(event, [&](std::string_view, std::string_view data) {
        ++events;
        CHECK(Json::parse(data).contains("error"));
      });
      CHECK(events == 1);
      CHECK(reader.at_boundary());
      CHECK(event.size() < 6000);
    }
    for (const auto dialect : {cp::Dialect::openai, cp::Dialect::anthropic})
      CHECK(Json::parse(cp::error_body(dialect, {400, text}, text)).contains("error"));
  }
}

TEST_CASE("proxy/error_shape: the event of a broken stream is one that clients raise on") {
  const cp::ProxyError error{502, "The upstream ended too early.", "upstream_lost"};
  CHECK(cp::stream_error_event(cp::Operation::chat_completions, error, "r") ==
        "data: {\"error\":{\"message\":\"The upstream ended too early.\",\"type\":\"server_error\","
        "\"param\":null,\"code\":\"upstream_lost\"}}\n\n");
  CHECK(cp::stream_error_event(cp::Operation::messages, error, "r") ==
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":"
        "\"The upstream ended too early.\"},\"request_id\":\"r\"}\n\n");
  const auto event = cp::stream_error_event(cp::Operation::responses, error, "r", 12);
  REQUIRE(event.starts_with("event: error\ndata: "));
  const auto data = Json::parse(event.substr(19));
  CHECK(data["type"] == "error");
  CHECK(data["code"] == "upstream_lost");
  CHECK(data["message"] == "The upstream ended too early.");
  CHECK(data["param"].is_null());
  CHECK(data["sequence_number"] == 12);
  CHECK(data["error"]["message"] == data["message"]);
  // What we write, we would take for an error ourselves.
  for (const auto operation :
       {cp::Operation::chat_completions, cp::Operation::responses, cp::Operation::messages}) {
    cp::UsageTap tap{operation, true};
    tap.feed(cp::stream_error_event(operation, error, "r"));
    CHECK_FALSE(tap.stream_error().empty());
    CHECK_FALSE(tap.complete());
  }
}
