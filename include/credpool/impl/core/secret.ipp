#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/secret.hpp>

#include <credpool/impl/core/secret_memory.hpp>

#include <openssl/crypto.h>

#include <cstring>

namespace credpool::inline CREDPOOL_ABI {

struct Secret::Buffer {
  explicit Buffer(std::string_view source)
      : size{source.size()}, bytes{detail::SecretMemory::of_process().allocate(size)} {
    std::memcpy(bytes, source.data(), size);
  }
  ~Buffer() {
    wipe(bytes, size);
    detail::SecretMemory::of_process().deallocate(bytes, size);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  const std::size_t size;
  char* const bytes;
};

CREDPOOL_INLINE Secret::Secret(std::string_view bytes)
    : buffer_{bytes.empty() ? nullptr : std::make_shared<const Buffer>(bytes)} {}

CREDPOOL_INLINE std::size_t Secret::size() const noexcept {
  return buffer_ ? buffer_->size : 0;
}

CREDPOOL_INLINE std::string_view Secret::reveal() const noexcept {
  return buffer_ ? std::string_view{buffer_->bytes, buffer_->size} : std::string_view{};
}

CREDPOOL_INLINE bool Secret::equals(const Secret& other) const noexcept {
  return equal_in_constant_time(reveal(), other.reveal());
}

CREDPOOL_INLINE void wipe(void* bytes, std::size_t size) noexcept {
#if defined(__GNUC__)
  // Many words at a time, where OPENSSL_cleanse() writes one.
  if (size == 0) return;  // there may be no address
  std::memset(bytes, 0, size);
  __asm__ __volatile__("" : : "r"(bytes) : "memory");
#else
  OPENSSL_cleanse(bytes, size);
#endif
}

CREDPOOL_INLINE bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace credpool::inline CREDPOOL_ABI
