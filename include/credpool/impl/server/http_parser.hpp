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

/// Whether every line of a head ends with CR LF, none is folded and none lacks a name: what peers
/// disagree about is how requests are smuggled (RFC 9112, sections 2.2 and 5.2).
inline bool has_strict_lines(std::string_view head) noexcept {
  for (auto at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    if (at == 0 || head[at - 1] != '\r') return false;
    // Folded, or without a name.
    if (at + 1 < head.size() && std::string_view{" \t:"}.find(head[at + 1]) != head.npos)
      return false;
  }
  for (auto at = head.find('\r'); at != std::string_view::npos; at = head.find('\r', at + 1))
    if (at + 1 >= head.size() || head[at + 1] != '\n') return false;
  return head.find('\0') == std::string_view::npos;
}

/// Whether a header's value holds no control character but tabs.
inline bool is_header_value(std::string_view value) noexcept {
  return !scan_holds<ScanControl>(value.data(), value.data() + value.size());
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
  void value(std::size_t at, std::size_t size) {
    if (!in_value) pairs.back().value.begin = at;
    in_value = true;
    pairs.back().value.size += size;
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
