#pragma once
// SPDX-License-Identifier: MIT
// What the parts of the pool's engine share.

#include <credpool/pool/engine.hpp>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
inline std::uint64_t pool_mix(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// FNV-1a: short, and the same on every host.
inline std::uint64_t pool_hash(std::string_view text,
                               std::uint64_t seed = 0xcbf29ce484222325) noexcept {
  for (const char byte : text) seed = (seed ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return (seed ^ 0xff) * 0x100000001b3;  // an end mark, so that ("a","b") and ("ab","") differ
}

/// The first eight bytes of an id: a hash already.
inline std::uint64_t pool_word(const CredentialId& id) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, id.digest().data(), sizeof word);
  return word;
}

/// How a latency is written where a use is written as `one_use`: it halves six times as fast.
inline double pool_latency_unit(double one_use) noexcept {
  const double cubed = one_use * one_use * one_use;
  return cubed * cubed;
}

/// Whether a person means this credential by that name.
inline bool pool_named(const PoolSlot& slot, std::string_view name) {
  constexpr std::size_t least_digits = 8;
  return slot.credential->profile_id == name ||
         (name.size() >= least_digits && slot.facts.id.hex().starts_with(name));
}

/// Whether a cooldown keeps its credential from serving that model.
inline bool pool_rests(const Cooldown& cooldown, std::string_view model) noexcept {
  return cooldown.model.empty() || cooldown.model == model;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
