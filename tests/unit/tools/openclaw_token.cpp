// SPDX-License-Identifier: MIT
#include "../../../tools/openclaw-token/openclaw_config.hpp"

#include "../../../tools/openclaw-token/csv.hpp"
#include "../../../tools/openclaw-token/redaction.hpp"

#include <credpool/config/json5.hpp>

#include <doctest/doctest.h>

namespace cp = credpool;
namespace ot = openclaw_token;

namespace {

cp::Json5Value provider() {
  return ot::openclaw_provider("https://x.example/v1", "sk-fake", {"m1", "m2"});
}

}  // namespace

TEST_CASE(
    "openclaw_token/openclaw_config: what was added is taken out again, byte for byte of the "
    "rest") {
  for (const std::string before : {
           "{}",
           "{agents: {defaults: {model: 'a/b'}}}",
           "{agents: {defaults: {model: {primary: 'a/b'}}}, models: {}}",
           "{agents: {defaults: {model: {fallbacks: []}}}}",
           "{agents: {defaults: {model: {fallbacks: [ // none\n ]}}}}",
           "{agents: {defaults: {model: {fallbacks: ['a/b', /* two */ 'c/d', // last\n]}}}}",
           "{\n  // first\n  agents: {\n    defaults: {\n      model: {\n        fallbacks: [\n    "
           "      'a/b',\n"
           "        ],\n      },\n    },\n  },\n}\n",
           "{\"models\": {\"providers\": {\"mine\": {\"api\": \"x\"}}}}",
       }) {
    CAPTURE(before);
    const auto added = ot::add_integration(before, provider(), "m1");
    REQUIRE(added);
    const auto url = ot::integrated_base_url(added->text);
    REQUIRE(url);
    CHECK(*url == "https://x.example/v1");
    // Once more: the same fallback once.
    const auto again = ot::add_integration(added->text, provider(), "m2");
    REQUIRE(again);
    CHECK(again->text.find("openclaw-token-fallback/m1") == std::string::npos);
    CHECK(again->text.find("openclaw-token-fallback/m2") != std::string::npos);
    for (const auto& text : {added->text, again->text}) {
      const auto removed = ot::remove_integration(text, added->trace);
      REQUIRE(removed);
      CHECK(*cp::parse_json5(*removed) == *cp::parse_json5(before));
      for (const auto* comment : {"// none", "/* two */", "// last", "// first"})
        CHECK((removed->find(comment) != std::string::npos) ==
              (before.find(comment) != std::string::npos));
    }
  }
}

TEST_CASE("openclaw_token/openclaw_config: a person may have written it anew meanwhile") {
  const auto removed = ot::remove_integration(
      "{models: {providers: {'openclaw-token-fallback': {}, },}, agents: {defaults: {model: "
      "{fallbacks: ['openclaw-token-fallback/m1' , ]}}}}",
      {});
  REQUIRE(removed);
  CHECK(
      *cp::parse_json5(*removed) ==
      *cp::parse_json5("{models: {providers: {}}, agents: {defaults: {model: {fallbacks: []}}}}"));
}

TEST_CASE("openclaw_token/openclaw_config: what has another shape is left alone") {
  for (const auto* text :
       {"[]", "{models: 5}", "{models: {providers: []}}", "{agents: []}",
        "{agents: {defaults: {model: {fallbacks: 'x'}}}}", "{", "{a: 1, a: 2}"}) {
    CAPTURE(text);
    CHECK_FALSE(ot::add_integration(text, provider(), "m1"));
  }
}

TEST_CASE("openclaw_token/csv: what is written is read again") {
  const std::vector<std::string> cells{"a,b", "say \"x\"", "two\nlines", "", " blank ", "\r"};
  const auto read = ot::read_csv(ot::csv_line(cells) + "\r\n" + ot::csv_line({"last"}));
  REQUIRE(read);
  REQUIRE(read->size() == 2);
  CHECK(read->front() == cells);
  CHECK(read->back() == std::vector<std::string>{"last"});
  CHECK(ot::read_csv("a,\"\"\n")->front() == std::vector<std::string>{"a", ""});
  CHECK(ot::read_csv("")->empty());
  for (const auto* wrong : {"\"open", "a\"b", "\"a\"b", "\"a\" ,b"})
    CHECK_FALSE(ot::read_csv(wrong));
}

TEST_CASE("openclaw_token/redaction: keys are cut wherever they stand") {
  CHECK(ot::without_keys("sk-mgmt-0123456789") == "sk-mgmt-****");
  CHECK(ot::without_keys("(sk-prov-abcdef0123, gho_0123456789)") == "(sk-prov-****, gho_****)");
  CHECK(ot::without_keys("key=sk-live_abcdefgh!") == "key=sk-****!");
  CHECK(ot::without_keys("must start with \"sk-mgmt-\"") == "must start with \"sk-mgmt-\"");
  CHECK(ot::without_keys("task-mgmt-0123456789") == "task-mgmt-0123456789");
}
