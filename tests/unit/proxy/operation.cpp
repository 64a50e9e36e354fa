// SPDX-License-Identifier: MIT
#include <credpool/proxy/operation.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace cp = credpool;

TEST_CASE("proxy/operation: every path, with /v1 and without, leads to its operation") {
  const std::pair<cp::Operation, std::string> posts[] = {
      {cp::Operation::chat_completions, "/chat/completions"},
      {cp::Operation::responses, "/responses"},
      {cp::Operation::embeddings, "/embeddings"},
      {cp::Operation::completions, "/completions"},
      {cp::Operation::messages, "/messages"},
      {cp::Operation::count_tokens, "/messages/count_tokens"}};
  for (const auto& [operation, text] : posts) {
    const auto& path = text;
    CAPTURE(path);
    CHECK(cp::path_of(operation) == path);
    for (const auto& whole : {path, "/v1" + path}) {
      const auto found = cp::find_route("POST", whole);
      REQUIRE(found.route);
      CHECK(found.route->operation == operation);
      CHECK(found.route->model.empty());
      CHECK_FALSE(cp::find_route("GET", whole).route);
      CHECK(cp::find_route("GET", whole).allowed == "POST");
      CHECK(cp::find_route("post", whole).allowed == "POST");
      CHECK_FALSE(cp::find_route("post", whole).route);
    }
    CHECK(cp::find_route("POST", path + "/").allowed.empty());
    CHECK(cp::find_route("POST", "/v1/v1" + path).allowed.empty());
    CHECK(cp::find_route("POST", "/v2" + path).allowed.empty());
  }
  REQUIRE(cp::find_route("GET", "/v1/models").route);
  CHECK(cp::find_route("GET", "/models").route->operation == cp::Operation::models);
  CHECK(cp::find_route("DELETE", "/v1/models").allowed == "GET");
  for (const auto* path : {"", "/", "/v1", "/v1/", "*", "/v1/chat", "/V1/models", "/v1//models"}) {
    CAPTURE(path);
    CHECK(cp::find_route("GET", path).allowed.empty());
    CHECK_FALSE(cp::find_route("GET", path).route);
  }
}

TEST_CASE("proxy/operation: the id of one model is decoded, within bounds") {
  const auto id = [](const std::string& text) {
    const auto found = cp::find_route("GET", "/v1/models/" + text);
    return found.route ? found.route->model : "none";
  };
  CHECK(id("gpt-4.1") == "gpt-4.1");
  CHECK(id("moonshotai/kimi-k2") == "moonshotai/kimi-k2");
  CHECK(id("moonshotai%2fkimi%2Dk2") == "moonshotai/kimi-k2");
  CHECK(id("ft:a%3Ab%25") == "ft:a:b%");
  CHECK(id("%e9%99%90") == "\xe9\x99\x90");
  CHECK(id(std::string(256, 'm')).size() == 256);
  for (const auto& bad : {std::string{}, std::string{"a%"}, std::string{"a%2"}, std::string{"a%zz"},
                          std::string{"%00"}, std::string{"a%0d%0ab"}, std::string{"%7f"},
                          std::string{"%ff"}, std::string(257, 'm'), std::string(9000, 'm')}) {
    CAPTURE(bad);
    CHECK(id(bad) == "none");
    CHECK(cp::find_route("GET", "/v1/models/" + bad).allowed.empty());
  }
  CHECK(cp::find_route("POST", "/v1/models/gpt-4.1").allowed == "GET");
}

TEST_CASE("proxy/operation: whose errors a caller expects") {
  for (const bool version : {false, true}) {
    CHECK(cp::dialect_of(cp::Operation::messages, version) == cp::Dialect::anthropic);
    CHECK(cp::dialect_of(cp::Operation::count_tokens, version) == cp::Dialect::anthropic);
    CHECK(cp::dialect_of(cp::Operation::chat_completions, version) == cp::Dialect::openai);
    CHECK(cp::dialect_of(cp::Operation::responses, version) == cp::Dialect::openai);
  }
  CHECK(cp::dialect_of(cp::Operation::models, true) == cp::Dialect::anthropic);
  CHECK(cp::dialect_of(cp::Operation::models, false) == cp::Dialect::openai);
  CHECK(cp::to_string(cp::Operation::count_tokens) == "count_tokens");
  CHECK(cp::to_string(cp::Operation::models) == "models");
  CHECK(cp::to_string(cp::Dialect::anthropic) == "anthropic");
}
