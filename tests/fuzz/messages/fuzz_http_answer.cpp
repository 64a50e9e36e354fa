// SPDX-License-Identifier: MIT
// Answers as an upstream may send them: the same comes out whatever the splitting, and what is
// handed on splits nobody's answer.
#include <credpool/impl/server/answer_parser.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace cp = credpool;

namespace {

using Parser = cp::detail::AnswerParser;

void must(bool holds) {
  if (!holds) std::abort();
}

/// Writes down what it is told; wants no more after so many bytes of a body.
struct Sink final : cp::detail::AnswerSink {
  std::string seen;
  std::size_t body = 0;
  std::size_t most = 0;
  bool in_answer = false;

  bool on_answer_head(const cp::UpstreamAnswerHead& head) override {
    must(!in_answer && head.status >= 200 && head.status != 101);
    in_answer = true;
    body = 0;
    must(head.headers.size() <= Parser::max_headers);
    seen.append(std::to_string(head.status)).append("\n");
    for (const auto& [name, value] : head.headers) {
      must(!name.empty());
      must(name.find_first_of(std::string_view{"\r\n\0: ", 5}) == name.npos);
      must(value.find_first_of(std::string_view{"\r\n\0", 3}) == value.npos);
      seen.append(name).append("=").append(value).append("\n");
    }
    if (head.content_length) seen.append(std::to_string(*head.content_length)).append("\n");
    return true;
  }
  bool on_answer_data(std::string_view bytes) override {
    must(in_answer);
    seen.append(bytes);
    body += bytes.size();
    return body <= most;
  }
};

/// All answers of one connection, as text, and how it ended.
std::string parse(std::string_view text, std::size_t piece, std::size_t step, bool head_only,
                  std::size_t most) {
  Sink sink;
  sink.most = most;
  Parser parser;
  parser.begin(sink, head_only);
  std::string_view waiting;
  while (!text.empty() || !waiting.empty()) {
    if (waiting.empty()) {
      waiting = text.substr(0, piece);
      text.remove_prefix(waiting.size());
      piece = step == 0 ? piece : (piece * 7 + step) % 61 + 1;
    }
    switch (parser.feed(waiting)) {
      case Parser::State::in_head:
        must(!sink.in_answer);
        waiting = {};
        continue;
      case Parser::State::in_body:
        must(sink.in_answer);
        waiting = {};
        continue;
      case Parser::State::stopped:
        must(sink.body > most);
        return "stopped";
      case Parser::State::refused:
        return sink.seen + (parser.too_large() ? "too large" : "refused");
      case Parser::State::complete:
        break;
    }
    must(sink.in_answer && parser.used() <= waiting.size());
    waiting.remove_prefix(parser.used());
    sink.in_answer = false;
    sink.seen.append(parser.keep_alive() ? "\nkeep\n" : "\nclose\n");
    if (!parser.keep_alive()) return sink.seen;
    parser.begin(sink, head_only);
  }
  return sink.seen + (parser.end() == Parser::State::complete ? "ended"
                      : sink.in_answer                        ? "in body"
                                                              : "idle");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data + 2), size - 2};
  const bool head_only = (data[0] & 1U) != 0;
  const auto whole = parse(text, text.size(), 0, head_only, text.size());
  must(parse(text, 1, 0, head_only, text.size()) == whole);
  must(parse(text, data[0] % 61 + 1U, data[1], head_only, text.size()) == whole);
  // A sink that wants no more is told nothing more.
  (void)parse(text, data[0] % 61 + 1U, data[1], head_only, 8);
  return 0;
}
