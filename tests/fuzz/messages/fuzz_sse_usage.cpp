// SPDX-License-Identifier: MIT
// An answer in pieces tells the same as the answer whole, wherever it is cut.
// Input: one byte for the operation and the kind of answer, one that seeds the cuts, then the body.
#include <credpool/proxy/sse.hpp>
#include <credpool/proxy/usage.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cp = credpool;

namespace {

using Events = std::vector<std::pair<std::string, std::string>>;

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto operation = static_cast<cp::Operation>(data[0] % 7);
  const bool stream = (data[0] & 0x80) == 0;
  const std::string_view body{reinterpret_cast<const char*>(data) + 2, size - 2};

  cp::UsageTap whole{operation, stream}, cut{operation, stream};
  cp::SseReader one{256}, many{256};
  Events expected, events;
  const auto note = [](Events& into) {
    return
        [&into](std::string_view event, std::string_view text) { into.emplace_back(event, text); };
  };
  whole.feed(body);
  one.feed(body, note(expected));

  std::uint32_t random = data[1];
  for (std::size_t at = 0; at < body.size();) {
    random = random * 1664525 + 1013904223;
    // A piece of its own, so that a view that outlives it is found.
    const std::string piece{body.substr(at, (random >> 16) % 40)};
    cut.feed(piece);
    many.feed(piece, note(events));
    at += piece.size();
  }
  // What is there whole is read from its end, which tells the same of sound JSON only.
  cp::UsageTap at_once{operation, stream};
  at_once.read_whole(body);
  if (stream || nlohmann::json::accept(body)) {
    must(at_once.usage() == whole.usage());
    must(at_once.complete() == whole.complete());
    must(at_once.response_id() == whole.response_id());
  }
  // A long event is not kept but scanned as it comes, which tells the same of sound JSON only.
  constexpr std::size_t longest_kept = 512;
  if (!stream || body.size() <= longest_kept) {
    must(whole.usage() == cut.usage());
    must(whole.complete() == cut.complete());
    must(whole.stream_error() == cut.stream_error());
  }
  must(whole.at_event_boundary() == cut.at_event_boundary());
  must(events == expected);
  must(one.at_boundary() == many.at_boundary() && one.passed_over() == many.passed_over());
  return 0;
}
