#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// One header of a message that is kept elsewhere.
struct HeaderView {
  std::string_view name;
  std::string_view value;
};

namespace detail {

/// Whether eight bytes are the same, whatever the case of letters (ASCII).
inline bool same_eight_letters(const char* a, const char* b) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101;
  constexpr auto case_bits = 0x20 * each;
  std::uint64_t left;
  std::uint64_t right;
  std::memcpy(&left, a, sizeof left);
  std::memcpy(&right, b, sizeof right);
  const auto differ = left ^ right;
  if (differ == 0) return true;
  if ((differ & ~case_bits) != 0) return false;
  // What differs in its case only must be letters: 'a' to 'z' when the bit is set.
  constexpr auto top = 0x80 * each;
  const auto lower = (left | case_bits) & ~top;
  const auto from_a = lower + (0x80 - 'a') * each;
  const auto beyond_z = lower + (0x80 - 'z' - 1) * each;
  const auto letters = from_a & ~beyond_z & ~left & top;
  return ((differ << 2) & ~letters) == 0;
}

}  // namespace detail

/// Whether two header names are the same, whatever their case (ASCII).
inline bool same_header_name(std::string_view a, std::string_view b) noexcept {
  // Here, because most names differ in length already.
  if (a.size() != b.size()) return false;
  constexpr std::size_t step = 8;
  if (a.size() >= step) {
    std::size_t at = 0;
    for (; a.size() - at >= step; at += step)
      if (!detail::same_eight_letters(a.data() + at, b.data() + at)) return false;
    // The last ones once more with some before them.
    at = a.size() - step;
    return detail::same_eight_letters(a.data() + at, b.data() + at);
  }
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(),
                    [lower](char left, char right) { return lower(left) == lower(right); });
}

/// The first header of that name; none when there is none.
std::optional<std::string_view> find_header(const std::vector<HeaderView>& headers,
                                            std::string_view name) noexcept;

/// The head of a request, as views into its connection's buffer.
///
/// It was checked: HTTP/1.0 or 1.1, a target that begins with "/" (or "*"), at most one Host, one
/// framing of the body.
struct RequestHead {
  std::string_view method;
  std::string_view target;  ///< path and query
  int minor_version = 1;    ///< of HTTP/1
  std::vector<HeaderView> headers;
  /// What ServerHandler::admit() has found out and handle() wants to know; a server keeps it until
  /// the request or its connection ends.
  mutable std::shared_ptr<const void> admitted = {};

  std::string_view path() const noexcept { return target.substr(0, target.find('?')); }
  std::optional<std::string_view> header(std::string_view name) const noexcept {
    return find_header(headers, name);
  }
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/server/request_head.ipp>
#endif
