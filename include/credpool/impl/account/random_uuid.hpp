#pragma once
// SPDX-License-Identifier: MIT

// Random bytes of the operating system, without the start-up of a crypto library, and UUIDs of
// them. Internal.

#include <credpool/core/hash.hpp>
#include <credpool/core/result.hpp>

#include <string>

#include <sys/random.h>
#include <unistd.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// @param size at most 256
inline Result<std::string> account_random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  if (::getentropy(bytes.data(), bytes.size()) != 0)
    return fail(Errc::io, "drawing random bytes", {}, "the system's random generator failed");
  return bytes;
}

/// 16 bytes as a UUID of version 4 (RFC 9562).
inline std::string uuid_of_bytes(std::string bytes) {
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  auto text = to_hex(bytes);
  for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
  return text;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
