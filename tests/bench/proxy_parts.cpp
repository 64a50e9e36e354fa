// SPDX-License-Identifier: MIT
// What the proxy itself does with each request's bytes: reading the facts of a body.
#include <credpool/proxy/request_facts.hpp>

#include <benchmark/benchmark.h>

#include <string>

namespace cp = credpool;

namespace {

/// A chat request of about that many bytes, whose text has the line breaks and quotes of real ones.
std::string chat_request(std::size_t bytes, const std::string& sentence) {
  std::string body =
      R"({"model":"gpt-4.1","temperature":0.7,"stream":true,"max_tokens":1024,"messages":[)"
      R"({"role":"system","content":"You are a careful programmer."})";
  while (body.size() + 200 < bytes) {
    body += R"(,{"role":"user","content":")";
    for (int i = 0; i < 20 && body.size() + 200 < bytes; ++i) body += sentence;
    body += "\"}";
  }
  return body + R"(],"tools":[{"type":"function","function":{"name":"read_file"}}],"user":"u-1"})";
}

const std::string english =
    R"(The build fails in \"parser.cpp\", line 214, since the last merge; look at it, please.\n)";
const std::string plain =
    "one long line of plain text without anything that would need an escape in JSON, ";
const std::string chinese =
    "\xe8\xaf\xb7\xe7\x9c\x8b\xe4\xb8\x80\xe4\xb8\x8b\xe8\xbf\x99\xe4\xb8\xaa\xe6\x96\x87\xe4\xbb"
    "\xb6\xef\xbc\x8c\xe6\x9e\x84\xe5\xbb\xba\xe5\xa4\xb1\xe8\xb4\xa5\xe4\xba\x86\xe3\x80\x82";

void facts(benchmark::State& state, const std::string& sentence) {
  const auto body = chat_request(static_cast<std::size_t>(state.range(0)), sentence);
  for (auto _ : state) {
    auto read = cp::read_request_facts(body);
    if (!read) state.SkipWithError("the body is refused");
    benchmark::DoNotOptimize(read);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK_CAPTURE(facts, english, english)->Arg(512)->Arg(16 << 10)->Arg(256 << 10);
BENCHMARK_CAPTURE(facts, plain, plain)->Arg(256 << 10);
BENCHMARK_CAPTURE(facts, chinese, chinese)->Arg(16 << 10)->Arg(256 << 10);

}  // namespace

BENCHMARK_MAIN();
