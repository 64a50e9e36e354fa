#pragma once
// SPDX-License-Identifier: MIT

// What llhttp does not check of a message's head. Internal.

#include <credpool/server/request_head.hpp>

#include <credpool/impl/core/byte_scan.hpp>

#include <llhttp.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// What is wrong with the bytes of a head.
enum class HeadFault { none, lines, control };

/// Whether every line of a head ends with CR LF, none is folded and none lacks a name: what peers
/// disagree about is how requests are smuggled (RFC 9112, sections 2.2 and 5.2). And whether it
/// holds no other control character but tabs.
/// @param text the head and what follows it
/// @param size how much of it is judged; of what follows only whether it folds the last line
inline HeadFault head_fault(std::string_view text, std::size_t size) noexcept {
  auto fault = HeadFault::none;
  const char* line_feed = nullptr;  // of a line's end, that was looked at with its CR
  const auto at_line_end = [&](std::size_t at) {
    // Folded, or without a name. A folded value seems shorter than it is: what tells may lie
    // behind.
    return at + 1 < size && text[at] == '\r' && text[at + 1] == '\n' &&
           (at + 2 == text.size() ||
            (text[at + 2] != ' ' && text[at + 2] != '\t' && text[at + 2] != ':'));
  };
  scan_each<ScanControl>(text.data(), text.data() + size, [&](const char* found) {
    if (found == line_feed) return true;
    line_feed = found + 1;
    if (at_line_end(static_cast<std::size_t>(found - text.data()))) return true;
    fault =
        *found == '\r' || *found == '\n' || *found == '\0' ? HeadFault::lines : HeadFault::control;
    return false;
  });
  return fault;
}

/// A piece of a buffer that may move.
struct HttpSpan {
  std::size_t begin = 0;
  std::size_t size = 0;

  std::string_view in(std::string_view buffer) const noexcept { return buffer.substr(begin, size); }
};

/// The headers of one message as llhttp hands them over, piece by piece.
struct HttpHeaderSpans {
  struct Pair {
    HttpSpan name;
    HttpSpan value;
  };
  std::vector<Pair> pairs;
  bool in_value = true;  ///< the next name begins a new pair

  void clear() noexcept {
    pairs.clear();
    in_value = true;
  }
  void name(std::size_t at, std::size_t size) {
    if (in_value) pairs.push_back({{at, 0}, {0, 0}});
    in_value = false;
    pairs.back().name.size += size;
  }
  /// @return false when it is folded: its parts stand apart
  bool value(std::size_t at, std::size_t size) {
    if (size == 0) return true;  // where nothing stands is not told
    auto& value = pairs.back().value;
    if (!in_value) value.begin = at;
    in_value = true;
    const bool together = at == value.begin + value.size;
    value.size += size;
    return together;
  }
  /// Where the last of them ends; an empty value stands nowhere.
  std::size_t end() const noexcept {
    if (pairs.empty()) return 0;
    const auto& [name, value] = pairs.back();
    return value.size > 0 ? value.begin + value.size : name.begin + name.size;
  }
  void views(std::string_view buffer, std::vector<HeaderView>& into) const {
    into.clear();
    into.reserve(pairs.size());
    for (const auto& pair : pairs) {
      auto value = pair.value.in(buffer);
      while (!value.empty() && (value.back() == ' ' || value.back() == '\t'))
        value.remove_suffix(1);
      into.push_back({pair.name.in(buffer), value});
    }
  }
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
