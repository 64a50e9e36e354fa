#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/hash.hpp>

#include <openssl/sha.h>

namespace credpool::inline CREDPOOL_ABI {

// The functions for SHA-256 itself, although OpenSSL 3 would rather be asked by name: that starts
// the whole library and reads its configuration, which costs a short command more than all its own
// work.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
CREDPOOL_INLINE Digest sha256(std::string_view bytes) noexcept {
  Digest digest{};
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}
#pragma GCC diagnostic pop

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
  std::string text(bytes.size() * 2, '\0');
  auto at = text.begin();
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    *at++ = digits[value >> 4];
    *at++ = digits[value & 15];
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
