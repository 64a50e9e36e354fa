// SPDX-License-Identifier: MIT
#include <credpool/proxy/usage.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <random>
#include <string>
#include <string_view>

namespace cp = credpool;

namespace {

using Op = cp::Operation;

/// Fed in pieces of every small size and whole; all must tell the same.
cp::UsageTap tapped(Op operation, bool stream, std::string_view body) {
  cp::UsageTap whole{operation, stream};
  whole.feed(body);
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{50}}) {
    cp::UsageTap pieces{operation, stream};
    for (std::size_t at = 0; at < body.size(); at += step) pieces.feed(body.substr(at, step));
    CHECK(pieces.usage() == whole.usage());
    CHECK(pieces.complete() == whole.complete());
    CHECK(pieces.stream_error() == whole.stream_error());
    CHECK(pieces.at_event_boundary() == whole.at_event_boundary());
  }
  return whole;
}

cp::TokenUsage counts(std::optional<std::uint64_t> input, std::optional<std::uint64_t> output,
                      std::optional<std::uint64_t> total = {}) {
  cp::TokenUsage usage;
  usage.input = input;
  usage.output = output;
  usage.total = total;
  return usage;
}

}  // namespace

TEST_CASE("proxy/usage: JSON answers") {
  auto chat = tapped(
      Op::chat_completions, false,
      R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"\"usage\":{"}}],)"
      R"("usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,)"
      R"("prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}})");
  auto expected = counts(11, 7, 18);
  expected.cached_input = 4;
  expected.reasoning = 3;
  CHECK(chat.usage() == expected);
  CHECK(chat.complete());
  CHECK_FALSE(chat.at_event_boundary());

  CHECK(tapped(Op::embeddings, false,
               R"({"data":[{"embedding":[0.1,-2e3,{"usage":{"prompt_tokens":1}}]}],"usage":)"
               R"({ "prompt_tokens" : 8, "total_tokens" : 8 } })")
            .usage() == counts(8, {}, 8));
  CHECK(
      tapped(
          Op::responses, false,
          R"({"error":null,"usage":{"input_tokens":5,"output_tokens":6,"total_tokens":11},"x":1})")
          .usage() == counts(5, 6, 11));

  const auto messages =
      tapped(Op::messages, false,
             R"({"type":"message","usage":{"input_tokens":10,"cache_creation_input_tokens":200,)"
             R"("cache_read_input_tokens":3000,"output_tokens":7}})");
  expected = counts(3210, 7);
  expected.cached_input = 3000;
  expected.cache_write_input = 200;
  CHECK(messages.usage() == expected);

  CHECK(tapped(Op::chat_completions, false,
               R"({"usage":{"prompt_tokens":1},"usage":{"completion_tokens":2}})")
            .usage() == counts({}, 2));
  CHECK(tapped(Op::chat_completions, false,
               R"({"usage":{"prompt_tokens":1}} {"usage":{"prompt_tokens":2}})")
            .usage() == counts(1, {}));

  const auto cut = tapped(Op::chat_completions, false, R"({"usage":{"prompt_tokens":1},"a":[)");
  CHECK_FALSE(cut.complete());
  CHECK(cut.usage() == counts(1, {}));
  CHECK(tapped(Op::chat_completions, false, "{}").usage() == cp::TokenUsage{});
  CHECK(tapped(Op::models, false, R"({"data":[{"usage":{"prompt_tokens":1}}]})").usage() ==
        cp::TokenUsage{});
}

TEST_CASE("proxy/usage: wherever an answer's marks fall in the blocks that are read at once") {
  for (std::size_t before = 0; before < 140; ++before) {
    for (const std::string_view text : {R"(a)", R"(\\)", R"(\")", R"(\\\")",
                                        R"(,\"usage\":{\"prompt_tokens\":1},)", R"({[}],)"}) {
      std::string body =
          R"({"id":"x",")" + std::string(before, 'k') + R"(":[{"usage":7}],"text":")";
      body.append(text).append(R"(","usage":{"prompt_tokens":11,"completion_tokens":7}})");
      const auto tap = tapped(Op::chat_completions, false, body);
      CHECK_MESSAGE(tap.usage() == counts(11, 7), body);
      CHECK(tap.complete());
    }
  }
}

TEST_CASE("proxy/usage: an answer that is there whole says the same as in pieces") {
  using Json = nlohmann::ordered_json;
  std::mt19937 random{7};
  const auto one_of = [&](std::size_t count) { return random() % count; };
  const auto text = [&] {
    constexpr std::array<std::string_view, 8> texts{
        "usage", "a", "\"usage\":{\"prompt_tokens\":3}", "\\", "\\\"usage", "}", "", "x\"usage"};
    return std::string{texts[one_of(texts.size())]};
  };
  const auto value = [&](const auto& self, int depth) -> Json {
    switch (depth > 3 ? one_of(3) : one_of(6)) {
      case 0:
        return text();
      case 1:
        return one_of(100);
      case 2:
        return nullptr;
      case 3:
        return Json{{"prompt_tokens", one_of(100)}, {"completion_tokens", one_of(100)}};
      case 4: {
        auto list = Json::array();
        for (auto left = one_of(4); left > 0; --left) list.push_back(self(self, depth + 1));
        return list;
      }
      default: {
        auto object = Json::object();
        for (auto left = one_of(5); left > 0; --left)
          object[one_of(2) == 0 ? "usage" : text() + (one_of(2) == 0 ? "" : "1")] =
              self(self, depth + 1);
        return object;
      }
    }
  };
  int with_usage = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto answer = value(value, 0);
    if (answer.is_object() && one_of(2) == 0)
      answer["usage"] = {{"prompt_tokens", one_of(100)}, {"total_tokens", one_of(100)}};
    const auto body = answer.dump(one_of(2) == 0 ? -1 : 2) + (one_of(2) == 0 ? "" : " \r\n");
    const auto operation = one_of(4) == 0 ? Op::responses : Op::chat_completions;
    cp::UsageTap pieces{operation, false};
    pieces.feed(std::string_view{body}.substr(0, body.size() / 2));
    pieces.feed(std::string_view{body}.substr(body.size() / 2));
    cp::UsageTap whole{operation, false};
    whole.read_whole(body);
    const bool same = whole.usage() == pieces.usage() && whole.complete() == pieces.complete() &&
                      whole.response_id() == pieces.response_id();
    CHECK_MESSAGE(same, body);
    if (whole.usage() != cp::TokenUsage{}) ++with_usage;
  }
  CHECK(with_usage > 3000);
}

TEST_CASE("proxy/usage: wherever the usage of a whole answer stands") {
  const std::string usage{R"("usage":{"prompt_tokens":3})"};
  for (std::size_t before = 0; before < 70; ++before) {
    for (std::size_t behind = 0; behind < 70; ++behind) {
      // Quotes behind an "e", and a name that only ends like it, stand on both sides.
      const auto body = R"({"abusage":1,"e)" + std::string(before, 'e') + R"(":"e",)" + usage +
                        R"(,"note":"e)" + std::string(behind, 'e') + R"(","see":"age"})";
      cp::UsageTap tap{Op::chat_completions, false};
      tap.read_whole(body);
      CHECK(tap.usage() == counts(3, {}));
    }
  }
}

TEST_CASE("proxy/usage: a large answer, with memory for the usage only") {
  cp::UsageTap tap{Op::embeddings, false};
  tap.feed(R"({"data":[{"embedding":[)");
  for (int i = 0; i < 100'000; ++i) tap.feed("0.0123456789,");
  tap.feed(R"(0]}],"usage":{"prompt_tokens":8},"note":")" + std::string(1'000'000, 'x') + "\"}");
  CHECK(tap.complete());
  CHECK(tap.usage() == counts(8, {}));
  cp::UsageTap absurd{Op::embeddings, false};
  absurd.feed(R"({"usage":{"x":")" + std::string(20'000, 'x') + R"(","prompt_tokens":8}})");
  CHECK(absurd.complete());
  CHECK(absurd.usage() == cp::TokenUsage{});
  cp::UsageTap whole{Op::embeddings, false};
  whole.read_whole(R"({"usage":{"x":")" + std::string(20'000, 'x') + R"(","prompt_tokens":8}})");
  CHECK(whole.complete());
  CHECK(whole.usage() == cp::TokenUsage{});
}

TEST_CASE("proxy/usage: numbers that cannot be counts are left out, and that is told") {
  for (const auto* number : {"-1", "1.5", "1e3", "\"5\"", "true", "[1]", "9007199254740993",
                             "99999999999999999999", "{}"}) {
    const auto body =
        std::string{R"({"usage":{"prompt_tokens":)"} + number + R"(,"completion_tokens":7}})";
    auto expected = counts({}, 7);
    expected.malformed = true;
    CHECK(tapped(Op::chat_completions, false, body).usage() == expected);
  }
  CHECK(tapped(Op::chat_completions, false,
               R"({"usage":{"prompt_tokens":9007199254740992,"completion_tokens":null}})")
            .usage() == counts(9007199254740992, {}));
  CHECK(tapped(Op::chat_completions, false, R"({"usage":"none"})").usage().malformed);
  CHECK(tapped(Op::chat_completions, false, R"({"usage":{"prompt_tokens":1,"prompt_tokens":2}})")
            .usage()
            .malformed);
  CHECK_FALSE(tapped(Op::chat_completions, false, R"({"usage":null})").usage().malformed);
  for (
      const auto* usage : {
          R"({"prompt_tokens_details":{"cached_tokens":1,"cached_tokens":2}})",
          R"({"prompt_tokens_details":{"cached_tokens":1},"prompt_tokens_details":{"cached_tokens":1}})",
          R"({"prompt\u005ftokens":1})",
          R"({"prompt_tokens":01})",
      }) {
    CAPTURE(usage);
    const auto body = R"({"usage":)" + std::string{usage} + "}";
    CHECK(tapped(Op::chat_completions, false, body).usage().malformed);
  }
}

TEST_CASE("proxy/usage: OpenAI's streams") {
  const std::string chunks =
      "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\" and "
      "\\\"error\\\"\"}}],\"usage\":null}\n\n"
      ": keep-alive\n\n"
      "data: "
      "{\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\"total_tokens\":18}"
      "}\n\n";
  auto tap = tapped(Op::chat_completions, true, chunks);
  CHECK(tap.usage() == counts(11, 7, 18));
  CHECK_FALSE(tap.complete());
  CHECK(tap.at_event_boundary());
  CHECK(tapped(Op::chat_completions, true, chunks + "data: [DONE]\n\n").complete());
  CHECK_FALSE(tapped(Op::chat_completions, true, chunks + "data: [DONE]\n").at_event_boundary());

  // Moonshot's place for it, and Moonshot's and DeepSeek's names.
  auto expected = counts(9, 2);
  expected.cached_input = 5;
  CHECK(tapped(Op::chat_completions, true,
               "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"usage\":"
               "{\"prompt_tokens\":9,\"completion_tokens\":2,\"cached_tokens\":5}}]}\r\n\r\n")
            .usage() == expected);
  CHECK(tapped(Op::chat_completions, true,
               "data: {\"choices\":[{\"x\":1},{\"usage\":{\"prompt_tokens\":9}}]}\n\n")
            .usage() == cp::TokenUsage{});
  CHECK(tapped(Op::completions, true,
               "data: {\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,"
               "\"prompt_cache_hit_tokens\":5}}\n\n")
            .usage() == expected);
}

TEST_CASE("proxy/usage: the Responses API's streams") {
  const std::string start =
      "event: response.created\ndata: "
      "{\"type\":\"response.created\",\"response\":{\"error\":null,\"usage\":null}}\n\n";
  const std::string usage =
      "\"usage\":{\"input_tokens\":5,\"input_tokens_details\":{\"cached_tokens\":1},"
      "\"output_tokens\":6,\"output_tokens_details\":{\"reasoning_tokens\":2},\"total_tokens\":11}";
  auto expected = counts(5, 6, 11);
  expected.cached_input = 1;
  expected.reasoning = 2;
  for (const std::string end : {"completed", "incomplete", "failed"}) {
    const auto data = "data: {\"type\":\"response." + end +
                      "\",\"response\":{\"output\":[{\"text\":\"" + std::string(300, 'x') +
                      "\"}]," + usage + "}}\n\n";
    for (const auto& last : {"event: response." + end + '\n' + data, data}) {
      const auto tap = tapped(Op::responses, true, start + last);
      CHECK(tap.complete());
      CHECK(tap.usage() == expected);
      CHECK(tap.stream_error().empty());
    }
  }
  CHECK_FALSE(tapped(Op::responses, true, start).complete());
  CHECK(tapped(Op::responses, true, "data: {\"type\":\"response.completed\"}\n\n").complete());

  const auto failed =
      tapped(Op::responses, true,
             "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"error\":"
             "{\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\"},\"instructions\":\"" +
                 std::string(30'000, 'x') + "\"}}\n\n");
  CHECK(failed.complete());
  CHECK(failed.stream_error() ==
        R"({"error":{"code":"rate_limit_exceeded","message":"slow down"}})");
  const auto error =
      tapped(Op::responses, true,
             "event: error\ndata: {\"type\":\"error\",\"code\":\"x\",\"message\":\"m\"}\n\n");
  CHECK_FALSE(error.complete());
  CHECK(error.stream_error() == R"({"type":"error","code":"x","message":"m"})");
}

TEST_CASE("proxy/usage: Anthropic's streams add up what start and end report") {
  const std::string start =
      "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":"
      "{\"input_tokens\":10,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":90,"
      "\"output_tokens\":1}}}\n\n"
      "event: ping\ndata: {\"type\":\"ping\"}\n\n";
  const std::string delta =
      "event: message_delta\ndata: "
      "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
      "\"usage\":{\"output_tokens\":15}}\n\n";
  auto expected = counts(100, 15);
  expected.cached_input = 90;
  expected.cache_write_input = 0;
  const auto tap = tapped(Op::messages, true, start + delta);
  CHECK(tap.usage() == expected);
  CHECK_FALSE(tap.complete());
  CHECK(tapped(Op::messages, true,
               start + delta + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
            .complete());
  CHECK(tapped(Op::messages, true, start + "data: {\"type\":\"message_stop\"}\n\n").complete());

  // Others report the prompt at the end, or zero there.
  CHECK(
      tapped(Op::messages, true,
             "data: "
             "{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":0,\"output_"
             "tokens\":0}}}\n\n"
             "data: "
             "{\"type\":\"message_delta\",\"usage\":{\"input_tokens\":25,\"output_tokens\":3}}\n\n"
             "data: "
             "{\"type\":\"message_delta\",\"usage\":{\"input_tokens\":0,\"output_tokens\":4}}\n\n")
          .usage() == counts(25, 4));

  const auto error = tapped(Op::messages, true,
                            start +
                                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                                "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n");
  CHECK_FALSE(error.complete());
  CHECK(error.stream_error() ==
        R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})");
}

TEST_CASE("proxy/usage: an error inside a stream is kept, the first one, within bounds") {
  const auto two = tapped(Op::chat_completions, true,
                          "data: {\"error\":{\"message\":\"one\",\"code\":429}}\n\n"
                          "data: {\"error\":{\"message\":\"two\"}}\n\ndata: [DONE]\n\n");
  CHECK(two.stream_error() == R"({"error":{"message":"one","code":429}})");
  CHECK(two.complete());
  CHECK(tapped(Op::chat_completions, true, "data: {\"error\":\"plain\"}\n\n").stream_error() ==
        R"({"error":"plain"})");
  CHECK(tapped(Op::chat_completions, true, "data: {\"error\":null,\"x\":{\"error\":{}}}\n\n")
            .stream_error()
            .empty());
  CHECK(
      tapped(Op::chat_completions, true, "event: error\ndata: " + std::string(40'000, 'x') + "\n\n")
          .stream_error()
          .size() == 16 << 10);
}

TEST_CASE("proxy/usage: an event that is too long to be kept is read all the same") {
  const std::string large(3'000'000, 'x');
  const auto fed = [](Op operation, const std::string& stream) {
    cp::UsageTap tap{operation, true};
    for (std::size_t at = 0; at < stream.size(); at += 1000)
      tap.feed(std::string{stream.substr(at, 1000)});
    return tap;
  };
  const auto completed =
      fed(Op::responses,
          "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":"
          "\"resp_9\",\"error\":null,\"output\":\"" +
              large + "\",\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}}\n\n");
  CHECK(completed.usage() == counts(5, 6));
  CHECK(completed.complete());
  CHECK(completed.response_id() == "resp_9");
  CHECK(completed.events() == 1);
  CHECK(completed.stream_error().empty());

  const auto last = fed(Op::chat_completions, "data: {\"choices\":[{\"x\":\"" + large +
                                                  "\"}],\"usage\":{\"prompt_tokens\":3}}\n\n"
                                                  "data: [DONE]\n\n");
  CHECK(last.usage() == counts(3, {}));
  CHECK(last.complete());
  CHECK(last.events() == 1);

  const auto named =
      fed(Op::responses, "event: error\ndata: {\"code\":\"x\",\"message\":\"" + large + "\"}\n\n");
  CHECK(named.stream_error().size() == 16 << 10);
  CHECK(named.stream_error().starts_with(R"({"code":"x","message":"xxx)"));
  const auto typed =
      fed(Op::messages, "data: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"},\"x\":\"" +
                            std::string(5000, 'x') + "\"}\n\n");
  CHECK(typed.stream_error().starts_with(R"({"type":"error","error":{"type":"api_error"})"));
  const auto plain =
      fed(Op::chat_completions, "data: {\"x\":\"" + large + "\",\"error\":{\"code\":429}}\n\n");
  CHECK(plain.stream_error() == R"({"error":{"code":429}})");
}

TEST_CASE("proxy/usage: whether the event that has begun may be an error") {
  const auto may = [](std::string_view stream) {
    cp::UsageTap tap{Op::messages, true};
    for (std::size_t at = 0; at < stream.size(); at += 100) tap.feed(stream.substr(at, 100));
    return tap.may_be_in_error();
  };
  const std::string large(1000, 'x');
  CHECK(may("data: {"));
  CHECK_FALSE(may("data: {\"type\":\"message_start\",\"x\":\"" + large));
  CHECK(may("event: error\ndata: {\"x\":\"" + large));
  CHECK(may("data: {\"type\":\"error\",\"x\":\"" + large));
  CHECK(may("data: {\"error\":{\"message\":\"" + large));
  CHECK(may("data: {\"error\":{\"message\":\"m\"},\"x\":\"" + large));
}

TEST_CASE("proxy/usage: an event whose data is a field without a value") {
  const auto tap = tapped(Op::chat_completions, true,
                          "data\n\nevent: error\ndata\n\n"
                          "data: {\"usage\":{\"prompt_tokens\":2}}\n\ndata: [DONE]\n\n");
  CHECK(tap.usage() == counts(2, {}));
  CHECK(tap.complete());
}

TEST_CASE("proxy/usage: an answer of the Responses API is known by its id") {
  CHECK(tapped(Op::responses, false, R"({"object":"response","id":"resp_1","output":[{"id":"m"}]})")
            .response_id() == "resp_1");
  CHECK(tapped(Op::responses, true,
               "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_2\","
               "\"output\":[{\"id\":\"m\"}]}}\n\n")
            .response_id() == "resp_2");
  CHECK(tapped(Op::responses, false, R"({"id":")" + std::string(300, 'a') + R"("})")
            .response_id()
            .empty());
  CHECK(tapped(Op::chat_completions, false, R"({"id":"chatcmpl-1"})").response_id().empty());
}
