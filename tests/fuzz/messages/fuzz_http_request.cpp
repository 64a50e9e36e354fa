// SPDX-License-Identifier: MIT
// Requests as a peer may send them: the same comes out whatever the splitting, and the limits hold.
#include <credpool/impl/server/request_parser.hpp>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace cp = credpool;

namespace {

using Parser = cp::detail::RequestParser;

void must(bool holds) {
  if (!holds) std::abort();
}

/// The requests that were taken, as text, and what became of the last one.
/// @param in_place bodies are written to where they stay
std::string parse(std::string_view text, std::size_t piece, std::size_t step,
                  const cp::ServerLimits& limits, bool in_place = false) {
  Parser parser{limits, [](const cp::RequestHead&) { return std::nullopt; }};
  std::string seen;
  std::string waiting;
  while (!text.empty() || !waiting.empty()) {
    if (waiting.empty()) {
      waiting = text.substr(0, piece);
      text.remove_prefix(waiting.size());
      piece = step == 0 ? piece : (piece * 7 + step) % 61 + 1;
    }
    std::string_view now = waiting;
    if (const auto room = in_place ? parser.body_room() : std::span<char>{}; !room.empty()) {
      const auto taken = waiting.copy(room.data(), room.size());
      now = {room.data(), taken};
    }
    const auto state = parser.feed(now);
    waiting.erase(0, now.size());
    switch (state) {
      case Parser::State::wants_more:
        must(parser.body().size() <= limits.max_body_bytes);
        continue;
      case Parser::State::refused:
        must(parser.refusal().status >= 400 && !parser.refusal().why.empty());
        return seen + "refused";
      case Parser::State::complete:
        break;
    }
    const auto& head = parser.head();
    must(parser.body().size() <= limits.max_body_bytes);
    must(head.headers.size() <= limits.max_headers);
    must(head.target.size() <= limits.max_target_bytes);
    must(head.target.starts_with('/') || head.target == "*");
    seen.append(head.method).append(" ").append(head.target).append("\n");
    for (const auto& [name, value] : head.headers) {
      must(!name.empty() && value.find_first_of(std::string_view{"\r\n\0", 3}) == value.npos);
      seen.append(name).append("=").append(value).append("\n");
    }
    seen.append(parser.body()).append(parser.keep_alive() ? "\nkeep\n" : "\nclose\n");
    if (!parser.keep_alive()) return seen;
    waiting.insert(0, parser.take_rest());
    parser.restart();
  }
  return seen + (parser.in_head() ? "in head" : parser.in_body() ? "in body" : "idle");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data + 2), size - 2};
  cp::ServerLimits limits;
  // Sizes above what an input has: the moment at which a limit is seen depends on the splitting.
  const auto whole = parse(text, text.size(), 0, limits);
  must(parse(text, 1, 0, limits) == whole);
  must(parse(text, data[0] % 61 + 1U, data[1], limits) == whole);
  must(parse(text, data[0] % 61 + 1U, data[1], limits, true) == whole);
  // With small limits they may differ in what is refused, never in what is kept.
  limits.max_head_bytes = 128;
  limits.max_headers = 4;
  limits.max_target_bytes = 16;
  limits.max_body_bytes = 64;
  (void)parse(text, text.size(), 0, limits);
  (void)parse(text, data[0] % 61 + 1U, data[1], limits);
  return 0;
}
