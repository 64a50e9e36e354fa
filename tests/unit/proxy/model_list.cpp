// SPDX-License-Identifier: MIT
#include <credpool/proxy/model_list.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
using cp::Dialect;

namespace {

constexpr std::string_view openai = R"({"object":"list","data":[
  {"id":"gpt-5","object":"model","created":1754425777,"owned_by":"system"},
  {"id":"fast","object":"model","created":1,"owned_by":"x"}]})";
constexpr std::string_view anthropic = R"({"data":[{"type":"model","id":"claude-opus-4-1",
  "display_name":"Claude Opus 4.1","created_at":"2025-08-05T00:00:00Z"}],
  "has_more":false,"first_id":"claude-opus-4-1","last_id":"claude-opus-4-1"})";
constexpr std::string_view gemini =
    R"({"object":"list","data":[{"id":"models/gemini-2.5-pro","object":"model",
        "owned_by":"google","display_name":"Gemini 2.5 Pro"},{"id":"gpt-5"}]})";

}  // namespace

TEST_CASE("proxy/model_list: one list of several providers, the user's names first, each id once") {
  cp::ModelList list;
  list.add_named({{"groq", "fast"}});
  CHECK(list.add_answer("openai", openai) == 1);  // "fast" is the user's
  CHECK(list.add_answer("anthropic", anthropic) == 1);
  CHECK(list.add_answer("gemini", gemini) == 1);
  CHECK(list.add_answer("acme", R"([{"id":"bare"}])") == 1);
  CHECK(list.has("gemini-2.5-pro"));
  CHECK(list.write(Dialect::openai) ==
        R"({"object":"list","data":[)"
        R"({"id":"fast","object":"model","created":0,"owned_by":"groq"},)"
        R"({"id":"gpt-5","object":"model","created":1754425777,"owned_by":"openai"},)"
        R"({"id":"claude-opus-4-1","object":"model","created":1754352000,"owned_by":"anthropic"},)"
        R"({"id":"gemini-2.5-pro","object":"model","created":0,"owned_by":"gemini"},)"
        R"({"id":"bare","object":"model","created":0,"owned_by":"acme"}]})");
}

TEST_CASE("proxy/model_list: Anthropic's shape, a single model, and an empty list") {
  cp::ModelList list;
  CHECK(list.write(Dialect::openai) == R"({"object":"list","data":[]})");
  CHECK(list.write(Dialect::anthropic) ==
        R"({"data":[],"has_more":false,"first_id":null,"last_id":null})");
  list.add_answer("anthropic", anthropic);
  list.add_answer("gemini", gemini);
  CHECK(
      list.write(Dialect::anthropic)
          .starts_with(
              R"({"data":[{"type":"model","id":"claude-opus-4-1","display_name":"Claude Opus 4.1",)"
              R"("created_at":"2025-08-05T00:00:00)"));
  CHECK(list.write(Dialect::anthropic)
            .ends_with(R"("first_id":"claude-opus-4-1","last_id":"gpt-5"})"));
  CHECK(list.write_one("gpt-5", Dialect::openai) ==
        R"({"id":"gpt-5","object":"model","created":0,"owned_by":"gemini"})");
  CHECK(list.write_one("nothing", Dialect::openai).empty());
}

TEST_CASE("proxy/model_list: junk is passed over, and nothing of it is repeated") {
  cp::ModelList list;
  for (const std::string_view junk :
       {"", "null", "[]", "{}", "<html>", R"({"data":{}})", R"({"data":[1,null,"x",[]]})",
        R"({"data":[{"id":7},{"id":""},{"id":"a b"},{"id":"a\u001b[31m"},{"id":"models/"}]})",
        R"({"error":{"message":"no"}})", R"({"data":[{"id":"cut")"}) {
    CAPTURE(junk);
    CHECK(list.add_answer("x", junk) == 0);
  }
  CHECK(list.size() == 0);
  const std::string deep = R"({"data":)" + std::string(200, '[') + std::string(200, ']') + "}";
  CHECK(list.add_answer("x", deep) == 0);
  // A wrong time or name does not cost the model.
  CHECK(list.add_answer("x", R"({"data":[{"id":"m","created":-5,"created_at":"soon",
        "display_name":"a\u0007b"},{"id":"n","created":1e300}]})") == 2);
  CHECK(list.write_one("m", Dialect::anthropic) ==
        R"({"type":"model","id":"m","display_name":"m","created_at":"1970-01-01T00:00:00Z"})");
}

TEST_CASE("proxy/model_list: everything is bounded") {
  cp::ModelList list{{.max_answer_bytes = 200, .max_models = 2, .max_id_bytes = 4}};
  CHECK(list.add_answer("x", R"([{"id":"a"},{"id":"12345"},{"id":"1234"},{"id":"b"}])") == 2);
  CHECK(list.size() == 2);
  CHECK(list.add_answer("x", "[]" + std::string(200, ' ')) == 0);
  CHECK_FALSE(list.has("12345"));
}
