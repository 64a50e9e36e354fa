#pragma once
// SPDX-License-Identifier: MIT

// Internal: included by .ipp files only.

#include <credpool/core/secret.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::size_t scrypt_most_memory = 64 << 20;

/// scrypt (RFC 7914) without parallel blocks (p = 1), by OpenSSL. A body of its own: OpenSSL finds
/// it by name alone, which links and starts all of OpenSSL, so a program that is to start at once
/// may bring another library's in its place.
///
/// @param cost        N: a power of two, above 1
/// @param block_size  r
/// @return the key; none when there is no memory for it: 128 * `cost` * `block_size` bytes, and a
///         little more, of which scrypt_most_memory is allowed
std::optional<Secret> scrypt(std::string_view password, std::string_view salt, std::size_t cost,
                             std::size_t block_size, std::size_t key_size);

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/scrypt.ipp>
#endif
