#pragma once
// SPDX-License-Identifier: MIT

// Addresses that no provider has. Internal.

#include <credpool/core/version.hpp>

#include <array>
#include <cstring>

#include <arpa/inet.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Whether no key may go to an IPv4 address: unspecified, link-local (where clouds serve their
/// machines' credentials), multicast and reserved ones, and the metadata service of Alibaba.
inline bool is_forbidden_v4(const unsigned char* bytes) noexcept {
  return bytes[0] == 0 || bytes[0] >= 224 || (bytes[0] == 169 && bytes[1] == 254) ||
         (bytes[0] == 100 && bytes[1] == 100 && bytes[2] == 100 && bytes[3] == 200);
}

/// The same of an IPv6 address; one that holds an IPv4 address is judged by that.
inline bool is_forbidden_v6(const unsigned char* bytes) noexcept {
  static constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  static constexpr std::array<unsigned char, 12> nat64{0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};
  static constexpr std::array<unsigned char, 16> aws{0xfd, 0, 0x0e, 0xc2, 0, 0, 0,    0,
                                                     0,    0, 0,    0,    0, 0, 0x02, 0x54};
  const auto begins = [&](const auto& prefix, std::size_t size) {
    return std::memcmp(bytes, prefix.data(), size) == 0;
  };
  if (begins(mapped, 12) || begins(nat64, 12)) return is_forbidden_v4(bytes + 12);
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return is_forbidden_v4(bytes + 2);  // 6to4
  bool nothing = true;
  for (int i = 0; i < 16; ++i) nothing = nothing && bytes[i] == 0;
  return nothing || bytes[0] == 0xff || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) ||
         begins(aws, 16);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
