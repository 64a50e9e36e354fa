#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// A SHA-256 digest.
using Digest = std::array<unsigned char, 32>;

/// SHA-256 of the bytes (FIPS 180-4).
Digest sha256(std::string_view bytes) noexcept;

/// SHA-256 over several parts, each preceded by its length, so that ("ab","c") and ("a","bc")
/// differ.
Digest sha256_of_parts(std::initializer_list<std::string_view> parts);

/// Lower-case hexadecimal text.
std::string to_hex(std::string_view bytes);
std::string to_hex(const Digest& digest);

/// The form in which a token may be shown and kept: "sha256:" and 64 hexadecimal digits.
std::string token_hash(std::string_view token);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/hash.ipp>
#endif
