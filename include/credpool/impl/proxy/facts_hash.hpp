#pragma once
// SPDX-License-Identifier: MIT

// How conversations are told apart. Internal.

#include <credpool/core/version.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// facts_fold() where no number is wide enough for the product.
inline std::uint64_t facts_fold_by_halves(std::uint64_t a, std::uint64_t b) noexcept {
  constexpr std::uint64_t low = 0xffffffff;
  const auto low_low = (a & low) * (b & low);
  const auto high_low = (a >> 32) * (b & low) + (low_low >> 32);
  const auto low_high = (a & low) * (b >> 32) + (high_low & low);
  const auto upper = (a >> 32) * (b >> 32) + (high_low >> 32) + (low_high >> 32);
  return (low_high << 32 | (low_low & low)) ^ upper;
}

/// The upper half of the product and the lower one in one.
inline std::uint64_t facts_fold(std::uint64_t a, std::uint64_t b) noexcept {
#if defined(__SIZEOF_INT128__)
  __extension__ using Wide = unsigned __int128;
  const auto product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
  return facts_fold_by_halves(a, b);
#endif
}

/// Half of its bits are set, without a pattern.
inline constexpr std::uint64_t facts_odd = 0x9e3779b97f4a7c15;

/// A fast hash of long texts; good enough to tell conversations apart, no match for an adversary.
inline std::uint64_t facts_hash(std::string_view text, std::uint64_t seed) noexcept {
  constexpr auto odd = facts_odd;
  // So many that no multiplication waits for the one before it. None begins with `odd` itself: both
  // factors of a product would be made alike, and two words could change places.
  auto one = seed ^ (odd * 2);
  auto two = seed ^ (odd * 3);
  auto three = seed ^ (odd * 4);
  auto four = seed ^ (odd * 5);
  const auto eat = [&](const char* bytes) {
    const auto mixed = [bytes](std::size_t at, std::uint64_t lane) {
      std::array<std::uint64_t, 2> words;
      std::memcpy(words.data(), bytes + at, sizeof words);
      return facts_fold(words[0] ^ odd, words[1] ^ lane);
    };
    one = mixed(0, one);
    two = mixed(16, two);
    three = mixed(32, three);
    four = mixed(48, four);
  };
  std::size_t at = 0;
  constexpr std::size_t block = 64;
  for (; text.size() - at >= block; at += block) eat(text.data() + at);
  std::array<char, block> rest{};
  if (at != text.size()) std::memcpy(rest.data(), text.data() + at, text.size() - at);
  eat(rest.data());
  std::uint64_t hash = text.size();
  for (const auto lane : {one, two, three, four}) hash = facts_fold(hash ^ lane, odd);
  return hash;
}

/// facts_hash() of a text that may be very long: of what stands in its middle nothing is read. What
/// agents send differs where it begins, where it ends, or in length.
inline std::uint64_t facts_hash_of_ends(std::string_view text, std::uint64_t seed) noexcept {
  constexpr std::size_t end = 4 << 10;
  if (text.size() <= 2 * end) return facts_hash(text, seed);
  return facts_hash(text.substr(text.size() - end),
                    facts_hash(text.substr(0, end), seed ^ text.size()));
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
