#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/secret.hpp>

#include <openssl/crypto.h>

#include <cstring>

#include <sys/mman.h>

namespace credpool::inline CREDPOOL_ABI {

struct Secret::Buffer {
  explicit Buffer(std::string_view source) : size{source.size()}, bytes{new char[size]} {
    // Best effort: over RLIMIT_MEMLOCK the secret is merely swappable. Never unlocked again: locks
    // are per page and do not nest, and the page may hold another secret.
    (void)::mlock(bytes.get(), size);
    std::memcpy(bytes.get(), source.data(), size);
  }
  ~Buffer() { wipe(bytes.get(), size); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::size_t size;
  std::unique_ptr<char[]> bytes;
};

CREDPOOL_INLINE Secret::Secret(std::string_view bytes)
    : buffer_{bytes.empty() ? nullptr : std::make_shared<const Buffer>(bytes)} {}

CREDPOOL_INLINE std::size_t Secret::size() const noexcept {
  return buffer_ ? buffer_->size : 0;
}

CREDPOOL_INLINE std::string_view Secret::reveal() const noexcept {
  return buffer_ ? std::string_view{buffer_->bytes.get(), buffer_->size} : std::string_view{};
}

CREDPOOL_INLINE bool Secret::equals(const Secret& other) const noexcept {
  return equal_in_constant_time(reveal(), other.reveal());
}

CREDPOOL_INLINE void wipe(void* bytes, std::size_t size) noexcept {
  OPENSSL_cleanse(bytes, size);
}

CREDPOOL_INLINE bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace credpool::inline CREDPOOL_ABI
