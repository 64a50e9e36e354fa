#pragma once
// SPDX-License-Identifier: MIT

// scrypt, for a store whose CLI derives its key so. OpenSSL's own is found by name alone, which
// brings, links and starts all of OpenSSL: a tenth of a scan that does not even derive a key.
// Internal: included by .ipp files only.

#include <credpool/core/hash.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// HMAC-SHA-256 (RFC 2104).
inline Digest hmac_sha256(std::string_view key, std::string_view text) {
  const auto view = [](const Digest& digest) {
    return std::string_view{reinterpret_cast<const char*>(digest.data()), digest.size()};
  };
  std::string inner(64, '\x36');
  std::string outer(64, '\x5c');
  const auto short_key =
      key.size() > inner.size() ? std::string{view(sha256(key))} : std::string{key};
  for (std::size_t i = 0; i < short_key.size(); ++i) {
    inner[i] = static_cast<char>(inner[i] ^ short_key[i]);
    outer[i] = static_cast<char>(outer[i] ^ short_key[i]);
  }
  return sha256(outer.append(view(sha256(inner.append(text)))));
}

/// PBKDF2 with HMAC-SHA-256 and one iteration (RFC 8018), which is all that scrypt asks of it.
inline std::string pbkdf2_once(std::string_view password, std::string_view salt, std::size_t size) {
  std::string out;
  for (std::uint32_t block = 1; out.size() < size; ++block) {
    auto text = std::string{salt};
    for (int shift = 24; shift >= 0; shift -= 8)
      text.push_back(static_cast<char>((block >> shift) & 0xff));
    const auto digest = hmac_sha256(password, text);
    out.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  out.resize(size);
  return out;
}

/// The Salsa20/8 core (RFC 7914, section 3) over 16 words. Written out: called half a million
/// times, it would take seconds in a build that is not optimised if it called anything.
inline void salsa20_8(std::uint32_t* block) noexcept {
  static constexpr unsigned char quarters[8][4]{{0, 4, 8, 12},  {5, 9, 13, 1},   {10, 14, 2, 6},
                                                {15, 3, 7, 11}, {0, 1, 2, 3},    {5, 6, 7, 4},
                                                {10, 11, 8, 9}, {15, 12, 13, 14}};
  std::uint32_t x[16];
  for (int i = 0; i < 16; ++i) x[i] = block[i];
  for (int round = 0; round < 4; ++round)
    for (const auto& [a, b, c, d] : quarters) {
      auto sum = x[a] + x[d];
      x[b] ^= sum << 7 | sum >> 25;
      sum = x[b] + x[a];
      x[c] ^= sum << 9 | sum >> 23;
      sum = x[c] + x[b];
      x[d] ^= sum << 13 | sum >> 19;
      sum = x[d] + x[c];
      x[a] ^= sum << 18 | sum >> 14;
    }
  for (int i = 0; i < 16; ++i) block[i] += x[i];
}

/// scryptBlockMix (section 4) over `words` words, 32 for each unit of the block size.
inline void scrypt_mix(const std::uint32_t* in, std::uint32_t* out, std::size_t words) noexcept {
  std::uint32_t x[16];
  for (int i = 0; i < 16; ++i) x[i] = in[words - 16 + i];
  for (std::size_t at = 0; at < words; at += 16) {
    for (std::size_t i = 0; i < 16; ++i) x[i] ^= in[at + i];
    salsa20_8(x);
    // The even blocks come first, then the odd ones.
    auto* target = out + at / 32 * 16 + (at % 32 == 0 ? 0 : words / 2);
    for (std::size_t i = 0; i < 16; ++i) target[i] = x[i];
  }
}

/// scrypt (RFC 7914) without parallel blocks (p = 1).
///
/// @param cost        N: a power of two, above 1
/// @param block_size  r
/// @return the key; none when there is no memory for it: 128 * `cost` * `block_size` bytes
inline std::optional<std::string> scrypt(std::string_view password, std::string_view salt,
                                         std::size_t cost, std::size_t block_size,
                                         std::size_t key_size) {
  const auto words = 32 * block_size;
  const std::unique_ptr<std::uint32_t[]> memory{new (std::nothrow) std::uint32_t[cost * words]};
  if (memory == nullptr) return std::nullopt;
  auto bytes = pbkdf2_once(password, salt, words * 4);
  const auto byte_of = [&bytes](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
  };
  std::vector<std::uint32_t> block(words);
  std::vector<std::uint32_t> mixed(words);
  for (std::size_t i = 0; i < words; ++i)
    block[i] = byte_of(4 * i) | byte_of(4 * i + 1) << 8 | byte_of(4 * i + 2) << 16 |
               byte_of(4 * i + 3) << 24;
  for (std::size_t step = 0; step < cost; ++step) {
    std::copy(block.begin(), block.end(), memory.get() + step * words);
    scrypt_mix(block.data(), mixed.data(), words);
    block.swap(mixed);
  }
  for (std::size_t step = 0; step < cost; ++step) {
    const auto chosen = block[words - 16] & (cost - 1);
    const auto* earlier = memory.get() + chosen * words;
    for (std::size_t i = 0; i < words; ++i) block[i] ^= earlier[i];
    scrypt_mix(block.data(), mixed.data(), words);
    block.swap(mixed);
  }
  for (std::size_t i = 0; i < words; ++i)
    for (int part = 0; part < 4; ++part)
      bytes[4 * i + static_cast<std::size_t>(part)] = static_cast<char>(block[i] >> (8 * part));
  return pbkdf2_once(password, bytes, key_size);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
