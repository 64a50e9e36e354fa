#pragma once
// SPDX-License-Identifier: MIT

// How bytes that mean nothing are skipped, up to 128 at a time where the processor can. Internal.

#include <credpool/core/version.hpp>

#include <bit>
#include <cstddef>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

#if defined(__SSE2__)
/// Bits where one of the four holds that character at the same place.
template <char One>
[[gnu::target("avx2")]] inline __m256i wide_any_of(__m256i a, __m256i b, __m256i c,
                                                   __m256i d) noexcept {
  const auto one = _mm256_set1_epi8(One);
  return _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(a, one), _mm256_cmpeq_epi8(b, one)),
                         _mm256_or_si256(_mm256_cmpeq_epi8(c, one), _mm256_cmpeq_epi8(d, one)));
}
#endif

/// What can end or break a JSON string: a quote, a backslash, a control character, and what is not
/// ASCII (so that it is looked at).
struct ScanJsonString {
  static bool byte(char c) noexcept {
    return static_cast<signed char>(c) < 0x20 || c == '"' || c == '\\';
  }
#if defined(__SSE2__)
  // Signed: what is not ASCII is negative. With this bit turned a quote comes right behind the
  // control characters, so that one comparison finds both.
  static constexpr char turned = 0x02;
  static constexpr char below = 0x21;

  [[gnu::target("avx2")]] static __m256i wide(__m256i a, __m256i b, __m256i c, __m256i d) noexcept {
    const auto bit = _mm256_set1_epi8(turned);
    const auto least =
        _mm256_min_epi8(_mm256_min_epi8(_mm256_xor_si256(a, bit), _mm256_xor_si256(b, bit)),
                        _mm256_min_epi8(_mm256_xor_si256(c, bit), _mm256_xor_si256(d, bit)));
    return _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(below), least),
                           wide_any_of<'\\'>(a, b, c, d));
  }
  static __m128i block(__m128i bytes) noexcept {
    return _mm_or_si128(
        _mm_cmplt_epi8(_mm_xor_si128(bytes, _mm_set1_epi8(turned)), _mm_set1_epi8(below)),
        _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  }
#endif
};

/// Either of two characters.
template <char One, char Other> struct ScanEither {
  static bool byte(char c) noexcept { return c == One || c == Other; }
#if defined(__SSE2__)
  [[gnu::target("avx2")]] static __m256i wide(__m256i a, __m256i b, __m256i c, __m256i d) noexcept {
    return _mm256_or_si256(wide_any_of<One>(a, b, c, d), wide_any_of<Other>(a, b, c, d));
  }
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

#if defined(__SSE2__)
inline bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") != 0;
}

/// Skips 128 bytes at a time that hold nothing wanted; only where has_avx2().
/// @return where to look more closely; fewer than 128 bytes before `end`, or before something
/// wanted
template <class Wanted>
[[gnu::target("avx2")]] const char* scan_past(const char* at, const char* end) noexcept {
  for (; end - at >= 128; at += 128) {
    const auto* const blocks = reinterpret_cast<const __m256i*>(at);
    const auto any = Wanted::wide(_mm256_loadu_si256(blocks), _mm256_loadu_si256(blocks + 1),
                                  _mm256_loadu_si256(blocks + 2), _mm256_loadu_si256(blocks + 3));
    if (_mm256_testz_si256(any, any) == 0) break;
  }
  return at;
}
#endif

/// The first wanted byte; `end` when there is none.
template <class Wanted> const char* scan_for(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const auto block_at = [](const char* from) {
    return Wanted::block(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  };
  const auto found_at = [&block_at](const char* from) {
    return static_cast<unsigned>(_mm_movemask_epi8(block_at(from)));
  };
  if (end - at >= 16) {
    // Most of what is skipped is short.
    if (const auto found = found_at(at); found != 0) return at + std::countr_zero(found);
    at += 16;
    if constexpr (requires { &Wanted::wide; }) {
      constexpr std::ptrdiff_t long_text = 512;
      if (end - at >= long_text && has_avx2()) at = scan_past<Wanted>(at, end);
    }
    // Long texts four blocks at a time: which of them it was is asked once.
    for (; end - at >= 64; at += 64) {
      const auto any = _mm_or_si128(_mm_or_si128(block_at(at), block_at(at + 16)),
                                    _mm_or_si128(block_at(at + 32), block_at(at + 48)));
      if (_mm_movemask_epi8(any) != 0) break;
    }
    for (; end - at >= 16; at += 16)
      if (const auto found = found_at(at); found != 0) return at + std::countr_zero(found);
    if (at == end) return end;
    // The last ones once more with some before them, which are known not to be wanted.
    const auto found = found_at(end - 16);
    return found == 0 ? end : end - 16 + std::countr_zero(found);
  }
#endif
  while (at != end && !Wanted::byte(*at)) ++at;
  return at;
}

template <class Wanted> bool scan_holds(const char* at, const char* end) noexcept {
  return scan_for<Wanted>(at, end) != end;
}

/// Tells every wanted byte from the first on, for as long as told() says so.
template <class Wanted, class Told> void scan_each(const char* at, const char* end, Told&& told) {
#if defined(__SSE2__)
  while (end - at >= 16) {
    auto found = static_cast<unsigned>(
        _mm_movemask_epi8(Wanted::block(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)))));
    for (; found != 0; found &= found - 1)
      if (!told(at + std::countr_zero(found))) return;
    at += 16;
  }
#endif
  for (; at != end; ++at)
    if (Wanted::byte(*at) && !told(at)) return;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
