// SPDX-License-Identifier: MIT
// What the proxy itself does with each request's bytes: reading the facts of a body, watching a
// stream of 50 chunks of about 200 bytes and a JSON answer for their usage, choosing the headers
// that go on, and writing the access log's line. nlohmann/json's document of the same body stands
// beside.
#include <credpool/proxy/access_record.hpp>
#include <credpool/proxy/header_rules.hpp>
#include <credpool/proxy/request_facts.hpp>
#include <credpool/proxy/sse.hpp>
#include <credpool/proxy/usage.hpp>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

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

void document(benchmark::State& state) {
  const auto body = chat_request(static_cast<std::size_t>(state.range(0)), english);
  for (auto _ : state) benchmark::DoNotOptimize(nlohmann::json::parse(body));
}
BENCHMARK(document)->Arg(512)->Arg(16 << 10)->Arg(256 << 10);

/// Chunks as OpenAI sends them when usage was asked for: each says that there is none yet.
std::vector<std::string> chat_stream(bool usage_in_each) {
  std::vector<std::string> chunks;
  for (int i = 0; i < 49; ++i)
    chunks.push_back(
        R"(data: {"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":)"
        R"(1794998400,"model":"gpt-4.1-2025-04-14","choices":[{"index":0,"delta":{"content":" word"},)"
        R"("finish_reason":null}])" +
        std::string{usage_in_each ? R"(,"usage":null})" : "}"} + "\n\n");
  chunks.push_back(
      R"(data: {"id":"chatcmpl-0123456789abcdef","choices":[],"usage":{"prompt_tokens":11,)"
      R"("completion_tokens":49,"total_tokens":60}})"
      "\n\ndata: [DONE]\n\n");
  return chunks;
}

void stream_events(benchmark::State& state) {
  const auto chunks = chat_stream(false);
  for (auto _ : state) {
    cp::SseReader reader;
    for (const auto& chunk : chunks)
      reader.feed(chunk,
                  [](std::string_view, std::string_view data) { benchmark::DoNotOptimize(data); });
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * chunks.size()));
}
BENCHMARK(stream_events);

void stream_usage(benchmark::State& state, bool usage_in_each) {
  const auto chunks = chat_stream(usage_in_each);
  for (auto _ : state) {
    cp::UsageTap tap{cp::Operation::chat_completions, true};
    for (const auto& chunk : chunks) tap.feed(chunk);
    if (!tap.complete() || tap.usage().total != 60) state.SkipWithError("the usage is wrong");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * chunks.size()));
}
BENCHMARK_CAPTURE(stream_usage, at_the_end, false);
BENCHMARK_CAPTURE(stream_usage, null_in_each, true);

void json_usage(benchmark::State& state) {
  std::string answer = R"({"data":[{"embedding":[)";
  while (answer.size() < static_cast<std::size_t>(state.range(0))) answer += "-0.0123456789,";
  answer += R"(0]}],"usage":{"prompt_tokens":8,"total_tokens":8}})";
  for (auto _ : state) {
    cp::UsageTap tap{cp::Operation::embeddings, false};
    for (std::size_t at = 0; at < answer.size(); at += 16 << 10)
      tap.feed(std::string_view{answer}.substr(at, 16 << 10));
    if (tap.usage().total != 8) state.SkipWithError("the usage is wrong");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * answer.size()));
}
BENCHMARK(json_usage)->Arg(512)->Arg(256 << 10);

void request_headers(benchmark::State& state) {
  const std::vector<cp::HeaderView> headers{
      {"Host", "127.0.0.1:8080"},           {"Connection", "keep-alive"},
      {"Accept", "application/json"},       {"Content-Type", "application/json"},
      {"User-Agent", "OpenAI/JS 6.1.0"},    {"X-Stainless-Lang", "js"},
      {"X-Stainless-OS", "Linux"},          {"X-Stainless-Arch", "x64"},
      {"X-Stainless-Retry-Count", "0"},     {"Authorization", "Bearer key"},
      {"Accept-Encoding", "gzip, deflate"}, {"Content-Length", "512"}};
  std::vector<cp::HeaderView> out;
  for (auto _ : state) {
    if (!cp::select_upstream_headers(headers, out)) state.SkipWithError("the headers are refused");
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(request_headers);

void access_line(benchmark::State& state) {
  cp::AccessRecord record;
  record.request_id = "0123456789abcdef";
  record.peer = "127.0.0.1";
  record.method = "POST";
  record.path = "/v1/chat/completions";
  record.operation = cp::Operation::chat_completions;
  record.model = "gpt-4.1";
  record.provider = "openai";
  record.credential = "0123456789ab";
  record.usage.input = 11;
  record.usage.output = 49;
  for (auto _ : state) benchmark::DoNotOptimize(cp::access_json_line(record));
}
BENCHMARK(access_line);

}  // namespace

BENCHMARK_MAIN();
