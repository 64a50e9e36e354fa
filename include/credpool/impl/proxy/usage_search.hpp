#pragma once
// SPDX-License-Identifier: MIT

// Finds the words of an answer that tell of its usage. Internal: included by .ipp files only.

#include <credpool/impl/core/byte_scan.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Where `part` begins in `text`, or npos: find() with the C library's faster search.
inline std::size_t usage_find(std::string_view text, std::string_view part) noexcept {
  if (text.empty())
    return std::string_view::npos;  // its data() may be null, which memmem() refuses
  const void* found = ::memmem(text.data(), text.size(), part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

/// Where the last "usage" begins, with its quotes; npos: there is none.
inline std::size_t usage_find_last(std::string_view text) noexcept {
  constexpr std::string_view name = R"("usage")";
#if defined(__SSE2__)
  // Sixteen places at a time: nearly every quote behind an "e" is the name's.
  for (; text.size() > 16; text.remove_suffix(16)) {
    const auto* const last = text.data() + text.size() - 16;
    const auto are = [](const char* from, char c) {
      const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      return _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
    };
    for (auto quotes = static_cast<unsigned>(are(last, '"') & are(last - 1, 'e')); quotes != 0;) {
      const auto highest = std::bit_floor(quotes);
      quotes ^= highest;
      const auto end = text.size() - 16 + static_cast<std::size_t>(std::countr_zero(highest)) + 1;
      if (text.substr(0, end).ends_with(name)) return end - name.size();
    }
  }
#endif
  return text.rfind(name);
}

inline bool usage_holds(std::string_view text, std::string_view part) noexcept {
  return usage_find(text, part) != std::string_view::npos;
}

/// Whether a member of that name, quotes included, stands somewhere with a value that is not null:
/// OpenAI writes "usage":null into every chunk.
inline bool usage_says(std::string_view text, std::string_view quoted_name) noexcept {
  for (auto at = usage_find(text, quoted_name); at != std::string_view::npos;
       at = usage_find(text, quoted_name)) {
    text.remove_prefix(at + quoted_name.size());
    const auto value = std::min(text.find_first_not_of(" \t\r\n:"), text.size());
    if (!text.substr(value).starts_with("null")) return true;
  }
  return false;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
