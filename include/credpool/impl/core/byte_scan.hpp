#pragma once
// SPDX-License-Identifier: MIT

// How bytes that mean nothing are skipped, up to 64 at a time where the processor can. Internal.

#include <credpool/core/version.hpp>

#include <bit>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// What can end or break a JSON string: a quote, a backslash, a control character, and what is not
/// ASCII (so that it is looked at).
struct ScanJsonString {
  static bool byte(char c) noexcept {
    return static_cast<signed char>(c) < 0x20 || c == '"' || c == '\\';
  }
#if defined(__SSE2__)
  static __m128i block(__m128i bytes) noexcept {
    // Signed: what is not ASCII is negative.
    return _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
                        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
  }
#endif
};

/// Either of two characters.
template <char One, char Other> struct ScanEither {
  static bool byte(char c) noexcept { return c == One || c == Other; }
#if defined(__SSE2__)
  static __m128i block(__m128i bytes) noexcept {
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(One)),
                        _mm_cmpeq_epi8(bytes, _mm_set1_epi8(Other)));
  }
#endif
};

/// A control character, tabs aside.
struct ScanControl {
  static bool byte(char c) noexcept {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  }
#if defined(__SSE2__)
  static __m128i block(__m128i bytes) noexcept {
    const auto low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    return _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')), low),
                        _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
  }
#endif
};

/// The first wanted byte; `end` when there is none.
template <class Wanted> const char* scan_for(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const auto block_at = [](const char* from) {
    return Wanted::block(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  };
  // Long texts four blocks at a time: which of them it was is asked once.
  for (; end - at >= 64; at += 64) {
    const auto any = _mm_or_si128(_mm_or_si128(block_at(at), block_at(at + 16)),
                                  _mm_or_si128(block_at(at + 32), block_at(at + 48)));
    if (_mm_movemask_epi8(any) != 0) break;
  }
  for (; end - at >= 16; at += 16) {
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(block_at(at)));
    if (found != 0) return at + std::countr_zero(found);
  }
#endif
  while (at != end && !Wanted::byte(*at)) ++at;
  return at;
}

template <class Wanted> bool scan_holds(const char* at, const char* end) noexcept {
  return scan_for<Wanted>(at, end) != end;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
