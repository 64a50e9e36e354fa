#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/hash.hpp>

#include <openssl/sha.h>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Digest sha256(std::string_view bytes) noexcept {
  Digest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

CREDPOOL_INLINE Digest sha256_of_parts(std::initializer_list<std::string_view> parts) {
  std::string joined;
  for (const auto part : parts) {
    const auto size = static_cast<std::uint64_t>(part.size());
    for (int shift = 56; shift >= 0; shift -= 8)
      joined.push_back(static_cast<char>((size >> shift) & 0xff));
    joined += part;
  }
  return sha256(joined);
}

CREDPOOL_INLINE std::string to_hex(std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text.push_back(digits[value >> 4]);
    text.push_back(digits[value & 15]);
  }
  return text;
}

CREDPOOL_INLINE std::string to_hex(const Digest& digest) {
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

CREDPOOL_INLINE std::string token_hash(std::string_view token) {
  return "sha256:" + to_hex(sha256(token));
}

}  // namespace credpool::inline CREDPOOL_ABI
