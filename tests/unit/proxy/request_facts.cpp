// SPDX-License-Identifier: MIT
#include <credpool/proxy/request_facts.hpp>

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace cp = credpool;

using Json = nlohmann::json;

namespace {

cp::RequestFacts facts(std::string_view body) {
  auto read = cp::read_request_facts(body);
  INFO(body);
  if (!read) FAIL(read.error().message());
  return *read;
}

std::uint64_t conversation(std::string_view body) {
  const auto read = facts(body);
  REQUIRE(read.conversation);
  return *read.conversation;
}

struct Refused {
  cp::Errc code;
  std::string place;
  std::string hint;
};

Refused refused(std::string_view body) {
  const auto read = cp::read_request_facts(body);
  INFO(body);
  REQUIRE_FALSE(read);
  return {read.error().errc(), read.error().place, read.error().hint};
}

/// Text as it may stand in a body: plain, escaped, in other alphabets.
std::string random_text(std::mt19937& random) {
  static const std::vector<std::string> pieces{"a",
                                               "model",
                                               "stream",
                                               "\"",
                                               "\\",
                                               "\n",
                                               "\x01",
                                               "\x7f",
                                               "{",
                                               "}",
                                               "[",
                                               "]",
                                               ",",
                                               ":",
                                               "\xc3\xa9",
                                               "\xe9\x99\x90",
                                               "\xf0\x9f\x98\x80",
                                               " ",
                                               "0",
                                               "a longer piece of plain text"};
  std::string text;
  for (auto left = random() % 6; left > 0; --left) text += pieces[random() % pieces.size()];
  return text;
}

Json random_value(std::mt19937& random, int depth) {
  switch (random() % (depth > 0 ? 8 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return random() % 2 == 0;
    case 2:
      return static_cast<std::int64_t>(random()) - 2'000'000'000;
    case 3:
      return static_cast<double>(random()) / 1e7 - 100;
    case 4:
    case 5:
      return random_text(random);
    case 6: {
      auto array = Json::array();
      for (auto left = random() % 4; left > 0; --left)
        array.push_back(random_value(random, depth - 1));
      return array;
    }
    default: {
      auto object = Json::object();
      for (auto left = random() % 4; left > 0; --left)
        object[random_text(random)] = random_value(random, depth - 1);
      return object;
    }
  }
}

Json random_body(std::mt19937& random) {
  auto body = Json::object();
  const auto some = [&random] { return random() % 2 == 0; };
  if (some()) body["model"] = random_text(random);
  if (some()) body["stream"] = some();
  if (some()) body["max_tokens"] = random() % 100'000;
  if (some()) body["max_output_tokens"] = random() % 100'000;
  if (some()) body["n"] = random() % 9;
  if (some()) body["user"] = random_text(random);
  if (some()) body["prompt_cache_key"] = random_value(random, 1);
  if (some()) body["metadata"] = {{"user_id", random_text(random)}, {"x", random_value(random, 2)}};
  if (some()) body["metadata"] = random_value(random, 2);
  if (some()) body["stream_options"] = {{"include_usage", some()}};
  if (some()) body["temperature"] = random_value(random, 0);
  if (some()) body["tools"] = random_value(random, 5);
  if (some()) body["messages"] = random_value(random, 5);
  if (some())
    body["messages"] = {{{"role", "system"}, {"content", random_text(random)}},
                        {{"content", random_value(random, 3)}, {"role", "user"}}};
  return body;
}

/// A member's text, as the facts keep it.
std::string text_of(const Json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() && found->is_string()
             ? found->get<std::string>()
             : "";
}

void same_facts(const cp::RequestFacts& read, const Json& body) {
  CHECK(read.model == text_of(body, "model"));
  CHECK(read.user == text_of(body, "user"));
  CHECK(read.prompt_cache_key == text_of(body, "prompt_cache_key"));
  CHECK(read.metadata_user_id == text_of(body.value("metadata", Json{}), "user_id"));
  CHECK(read.stream == body.value("stream", false));
  CHECK(read.n.has_value() == body.contains("n"));
  if (read.n) CHECK(*read.n == body["n"]);
  const auto most = std::max(body.value("max_tokens", std::int64_t{-1}),
                             body.value("max_output_tokens", std::int64_t{-1}));
  CHECK(read.max_output_tokens.has_value() == (most >= 0));
  if (read.max_output_tokens) CHECK(*read.max_output_tokens == static_cast<std::uint64_t>(most));
  CHECK(read.conversation.has_value() == body.contains("messages"));
}

}  // namespace

TEST_CASE("proxy/request_facts: everything that is looked for") {
  const std::string body =
      R"({"model":"gpt-4.1","stream":true,"max_tokens":7,"max_completion_tokens":9,"n":2,)"
      R"("max_output_tokens":8,"prompt_cache_key":"k1","user":"u1","metadata":{"user_id":"s1"},)"
      R"("stream_options":{"include_usage":true},"previous_response_id":"resp_1","prompt":"hi"})";
  const auto read = facts(body);
  CHECK(read.model == "gpt-4.1");
  CHECK(body.substr(read.model_at, read.model_bytes) == "\"gpt-4.1\"");
  CHECK(read.stream);
  CHECK(read.max_output_tokens == 9);
  CHECK(read.n == 2);
  CHECK(read.prompt_cache_key == "k1");
  CHECK(read.user == "u1");
  CHECK(read.metadata_user_id == "s1");
  CHECK(read.include_usage == true);
  CHECK(read.previous_response_id == "resp_1");
  CHECK(read.prompt_bytes == 4);
  CHECK_FALSE(read.conversation);

  const auto nothing = facts(" \t\r\n{ } \n");
  CHECK(nothing.model.empty());
  CHECK(nothing.model_bytes == 0);
  CHECK_FALSE(nothing.stream);
  CHECK_FALSE(nothing.include_usage);
  CHECK_FALSE(nothing.max_output_tokens);
}

TEST_CASE("proxy/request_facts: only the top level counts, whatever stands deeper") {
  const auto read = facts(
      R"({"messages":[{"role":"user","content":"{\"model\":\"x\"}","model":"y"}],"tools":[)"
      R"({"model":"z","stream":true,"max_tokens":1}],"a":{"model":"z"},"model":"m","metadata":{)"
      R"("x":{"user_id":"no"}},"stream_options":{"x":{"include_usage":true}}})");
  CHECK(read.model == "m");
  CHECK_FALSE(read.stream);
  CHECK_FALSE(read.max_output_tokens);
  CHECK(read.metadata_user_id.empty());
  CHECK_FALSE(read.include_usage);
}

TEST_CASE("proxy/request_facts: escapes in keys and values are decoded first") {
  CHECK(facts(R"({"mod\u0065l":"a\/b\u00e9\ud83d\ude00\"\\"})").model ==
        "a/b\xc3\xa9\xf0\x9f\x98\x80\"\\");
  CHECK(facts(R"({"\u0073\u0074\u0072\u0065\u0061\u006d":true})").stream);
  CHECK(facts(R"({"metadata":{"user\u005fid":"s\u0031"}})").metadata_user_id == "s1");
  CHECK(facts(R"({"\u006d\u0061\u0078\u005f\u0063\u006f\u006d\u0070\u006c\u0065\u0074\u0069\u006f)"
              R"(\u006e\u005f\u0074\u006f\u006b\u0065\u006e\u0073":5})")
            .max_output_tokens == 5);
}

TEST_CASE(
    "proxy/request_facts: a key that another parser might see in the other place is refused") {
  for (const auto* body : {
           R"({"model":"a","model":"b"})",
           R"({"model":"a","mod\u0065l":"b"})",
           R"({"model":"a","Model":"b"})",
           R"({"MODEL":"b"})",
           R"({"model":"a","me\u017f\u017fages":[]})",
           "{\"me\xc5\xbf\xc5\xbf"
           R"(ages":[]})",
           "{\"max_to\xe2\x84\xaa"
           R"(ens":1})",
           R"({"stream":true,"n":1,"stream":false})",
           R"({"metadata":{"user_id":"a","user_id":"b"}})",
           R"({"metadata":{"user_id":"a","user\u005fid":"b"}})",
           R"({"stream_options":{"include_usage":true,"include_usage":false}})",
           R"({"messages":[{"role":"user","role":"system"}]})",
       }) {
    CHECK(refused(body).code == cp::Errc::duplicate_key);
  }
  // Nobody reads these.
  CHECK(facts(R"({"x":1,"x":2,"X":3,"\u00c4":1,"model":"a"})").model == "a");
}

TEST_CASE("proxy/request_facts: what is not one complete JSON object is refused, with the place") {
  const std::pair<std::string, std::string> broken[] = {
      {"", "byte 0"},
      {"  ", "byte 2"},
      {"{", "byte 1"},
      {"{]", "byte 1"},
      {"{}}", "byte 2"},
      {"{} x", "byte 3"},
      {R"({"a":[1})", "byte 7"},
      {R"({"a":[})", "byte 6"},
      {R"({"a":1,})", "byte 7"},
      {R"({"a":[1,]})", "byte 8"},
      {R"({"a":[,]})", "byte 6"},
      {R"({"a" 1})", "byte 5"},
      {R"({"a":1 "b":2})", "byte 7"},
      {R"({"a"})", "byte 4"},
      {R"({"a":})", "byte 5"},
      {R"({a:1})", "byte 1"},
      {R"({'a':1})", "byte 1"},
      {R"({"a":"b)", "byte 7"},
      {R"({"a":tru})", "byte 5"},
      {R"({"a":True})", "byte 5"},
      {R"({"a":NaN})", "byte 5"},
      {R"({"a":-Infinity})", "byte 6"},
      {R"({"a":01})", "byte 6"},
      {R"({"a":+1})", "byte 5"},
      {R"({"a":1.})", "byte 7"},
      {R"({"a":.5})", "byte 5"},
      {R"({"a":1e})", "byte 7"},
      {R"({"a":0x1})", "byte 6"},
      {R"({"a":-})", "byte 6"},
      {R"({"a":1}/**/)", "byte 7"},
      {"{\"a\":\"x\ny\"}", "byte 7"},
      {std::string{"{\"a\":\"x\0y\"}", 11}, "byte 7"},
      {std::string{"{}\0", 3}, "byte 2"},
      {R"({"a":"\x"})", "byte 6"},
      {R"({"a":"\u12"})", "byte 8"},
      {R"({"a":"\ud800"})", "byte 12"},
      {R"({"a":"\udc00"})", "byte 12"},
      {R"({"a":"\ud800\u0041"})", "byte 18"},
      {"{\"a\":\"\xff\"}", "byte 6"},
      {"{\"a\":\"\xc0\x80\"}", "byte 6"},
      {"{\"a\":\"\xed\xa0\x80\"}", "byte 6"},
      {"{\"a\":\"\xf4\x90\x80\x80\"}", "byte 6"},
      {"{\"a\":\"\xe9\x99\"}", "byte 6"},
      {"{\"\xff\":1}", "byte 2"},
  };
  for (const auto& [text, place] : broken) {
    const auto& body = text;
    const auto why = refused(body);
    CAPTURE(body);
    CHECK(why.code == cp::Errc::malformed);
    CHECK(why.place == place);
    CHECK_FALSE(why.hint.empty());
  }
  CHECK(refused("{\"a\":\"secret-text\x01\"}").hint.find("secret") == std::string::npos);
}

TEST_CASE("proxy/request_facts: JSON that is not a request is refused by another name") {
  for (const auto* body :
       {"[]", "\"x\"", "1", "null", "\xef\xbb\xbf{}", R"({"model":1})", R"({"model":null})",
        R"({"model":["a"]})", R"({"stream":"true"})", R"({"stream":1})", R"({"max_tokens":1.5})",
        R"({"max_tokens":-1})", R"({"max_tokens":"5"})", R"({"max_tokens":1e2})",
        R"({"max_tokens":99999999999999999999})", R"({"n":{}})", R"({"a":1e999})",
        R"({"a":-1e-999})"})
    CHECK(refused(body).code == cp::Errc::invalid_argument);
  CHECK(refused("{\"a\":" + std::string(400, '9') + "}").code == cp::Errc::invalid_argument);
  CHECK(refused(R"({"model":")" + std::string(300, 'm') + "\"}").code ==
        cp::Errc::invalid_argument);
  const auto nulls =
      facts(R"({"stream":null,"max_tokens":null,"n":null,"user":null,"metadata":null})");
  CHECK_FALSE(nulls.stream);
  CHECK_FALSE(nulls.max_output_tokens);
  CHECK(facts(R"({"user":")" + std::string(600, 'u') + R"(","prompt_cache_key":5})").user.empty());
}

TEST_CASE("proxy/request_facts: 64 levels and no more, in every place") {
  const auto nested = [](const std::string& before, int levels, const std::string& after) {
    return before + std::string(static_cast<std::size_t>(levels), '[') +
           std::string(static_cast<std::size_t>(levels), ']') + after;
  };
  for (const std::pair<std::string, int>& place :
       std::initializer_list<std::pair<std::string, int>>{{"\"a\":", 63},
                                                          {"\"messages\":", 63},
                                                          {"\"metadata\":{\"x\":", 62},
                                                          {"\"messages\":[{\"x\":", 61}}) {
    const auto opened = '{' + place.first;
    std::string closed = "}";
    if (place.first.find("metadata") != std::string::npos) closed = "}}";
    if (place.first.find("[{") != std::string::npos) closed = "}]}";
    CHECK(cp::read_request_facts(nested(opened, place.second, closed)).has_value());
    CHECK(refused(nested(opened, place.second + 1, closed)).code == cp::Errc::too_deep);
  }
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  CHECK(refused(objects).code == cp::Errc::too_deep);
}

TEST_CASE("proxy/request_facts: a conversation is known by how it begins") {
  const auto first = conversation(
      R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"q"}]})");
  CHECK(first ==
        conversation(
            R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"q"},{"role":)"
            R"("assistant","content":"a"},{"role":"user","content":"q2"}],"model":"other"})"));
  CHECK(first !=
        conversation(
            R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"r"}]})"));
  CHECK(first !=
        conversation(
            R"({"messages":[{"role":"system","content":"t"},{"role":"user","content":"q"}]})"));

  // The same wherever the instructions stand.
  const auto with = conversation(R"({"system":"s","messages":[{"role":"user","content":"q"}]})");
  CHECK(with == conversation(R"({"messages":[{"role":"user","content":"q"}],"system":"s"})"));
  CHECK(with != conversation(R"({"system":"t","messages":[{"role":"user","content":"q"}]})"));
  CHECK(with != conversation(R"({"messages":[{"role":"user","content":"q"}]})"));
  CHECK(conversation(R"({"instructions":"i","input":"q"})") != conversation(R"({"input":"q"})"));
  CHECK(conversation(R"({"input":[{"role":"us\u0065r","content":"q"},1]})") ==
        conversation(R"({"input":[{"role":"us\u0065r","content":"q"},2]})"));
  // Nobody has spoken yet: all of it counts.
  CHECK(conversation(R"({"messages":[{"role":"system"}]})") !=
        conversation(R"({"messages":[{"role":"system"},{"role":"assistant"}]})"));
  // Long ones: every byte counts.
  std::string text(1000, 'x');
  const auto body = [&text] {
    return R"({"messages":[{"role":"user","content":")" + text + "\"}]}";
  };
  const auto plain = conversation(body());
  for (std::size_t at = 0; at < text.size(); at += 7) {
    text[at] = 'y';
    CHECK(conversation(body()) != plain);
    text[at] = 'x';
  }
}

TEST_CASE("proxy/request_facts: the prompt's size is that of all the model has to read") {
  const auto read = facts(
      R"({"system":"12","messages":[ {"role":"user"} ],"tools":[1],"model":"none of it","stop":"x"})");
  CHECK(read.prompt_bytes == 4 + std::string_view{R"([ {"role":"user"} ])"}.size() + 3);
  CHECK(facts(R"({"instructions":"1","input":"12"})").prompt_bytes == 7);
}

TEST_CASE("proxy/request_facts: another model in its place, nothing else changed") {
  const std::string body = R"({ "stream":true, "model" : "a\u0062" ,"x":"model"})";
  const auto read = facts(body);
  CHECK(read.model == "ab");
  CHECK(cp::with_model(body, read, "kimi-k2") ==
        R"({ "stream":true, "model" : "kimi-k2" ,"x":"model"})");
  CHECK(facts(cp::with_model(body, read, "q\"\\\n\x01\xe9\x99\x90")).model ==
        "q\"\\\n\x01\xe9\x99\x90");
  CHECK(facts(cp::with_model(body, read, "bad\xff")).model == "bad\xef\xbf\xbd");
}

TEST_CASE("proxy/request_facts: agrees with a real parser on documents of every kind") {
  std::mt19937 random{20261121};
  for (int round = 0; round < 3000; ++round) {
    const auto body = random_body(random);
    const auto indent = static_cast<int>(random() % 4) - 1;
    const auto text = body.dump(indent, ' ', random() % 2 == 0);
    CAPTURE(text);
    const auto read = cp::read_request_facts(text);
    REQUIRE(read);
    same_facts(*read, body);
    if (read->model_bytes != 0) {
      auto changed = body;
      changed["model"] = "other \"one\"";
      CHECK(Json::parse(cp::with_model(text, *read, "other \"one\"")) == changed);
    }
  }
}

TEST_CASE("proxy/request_facts: agrees with a real parser on what is broken") {
  std::mt19937 random{4711};
  const std::string_view bytes = "{}[]\",:\\u0123456789eE+-.tfn \n\x01\xc3\xa9\xff/'x";
  int accepted = 0, rejected = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto text = random_body(random).dump(-1, ' ', random() % 2 == 0);
    for (auto left = random() % 3 + 1; left > 0 && !text.empty(); --left) {
      const auto at = random() % text.size();
      const auto byte = bytes[random() % bytes.size()];
      if (random() % 3 == 0)
        text.erase(at, random() % 4 + 1);
      else if (random() % 2 == 0)
        text[at] = byte;
      else
        text.insert(at, 1, byte);
    }
    CAPTURE(text);
    const auto theirs = Json::parse(text, nullptr, false);
    const auto ours = cp::read_request_facts(text);
    if (ours) {
      ++accepted;
      REQUIRE_FALSE(theirs.is_discarded());
      CHECK(ours->model == text_of(theirs, "model"));
      CHECK(ours->stream == (theirs.contains("stream") && theirs["stream"] == true));
    } else {
      ++rejected;
      // What is JSON is refused for other reasons only.
      if (!theirs.is_discarded()) CHECK(ours.error().errc() != cp::Errc::malformed);
    }
  }
  CHECK(accepted > 1000);
  CHECK(rejected > 1000);
}

TEST_CASE("proxy/request_facts: a stream's usage can be asked for, all else stays") {
  const std::string_view body =
      R"(  {"model":"m","stream":true,"messages":[{"content":"\u00e9"}]} )";
  const auto facts = cp::read_request_facts(body);
  REQUIRE(facts);
  CHECK_FALSE(facts->has_stream_options);
  const auto asked = cp::with_usage_asked_for(body);
  CHECK(asked == R"(  {"stream_options":{"include_usage":true},)" + std::string{body.substr(3)});
  const auto again = cp::read_request_facts(asked);
  REQUIRE(again);
  CHECK(again->has_stream_options);
  CHECK(again->include_usage == true);
  CHECK(again->conversation == facts->conversation);
  const auto other = cp::read_request_facts(R"({"model":"m","stream_options":{"x":1}})");
  REQUIRE(other);
  CHECK(other->has_stream_options);
  CHECK_FALSE(other->include_usage.has_value());
}

TEST_CASE("proxy/request_facts: what a model reads beside the body is noticed") {
  const auto more = [](std::string_view body) {
    const auto facts = cp::read_request_facts(body);
    REQUIRE(facts);
    return cp::may_read_more_than_body(body, *facts);
  };
  CHECK_FALSE(more(R"({"model":"m","messages":[{"role":"user","content":"an image of a file"}]})"));
  CHECK_FALSE(more(R"({"model":"m","messages":[{"content":"\u003cb\u003e \u00e9"}]})"));
  for (const auto* part : {R"({"type":"image_url","image_url":{"url":"https://x/y.png"}})",
                           R"({"type":"image","source":{"type":"url","url":"https://x/y.png"}})",
                           R"({"type":"input_image","file_id":"f"})", R"({"type":"input_audio"})",
                           R"({"type":"document"})", R"({"type" : "video_url"})",
                           R"({"type":"\u0069mage_url"})", R"({"\u0066ile":{}})"}) {
    CAPTURE(part);
    CHECK(more(R"({"model":"m","messages":[{"role":"user","content":[)" + std::string{part} +
               "]}]}"));
  }
  CHECK(more(R"({"model":"m","input":"go on","previous_response_id":"resp_1"})"));
  CHECK(more(R"({"model":"m","input":"go on","conversation":"conv_1"})"));
  CHECK(more(R"({"model":"m","prompt" : {"id":"pmpt_1"}})"));
  CHECK_FALSE(more(R"({"model":"m","prompt":"once upon a time"})"));
}
