#pragma once
// SPDX-License-Identifier: MIT

// Internal.

#include <credpool/core/version.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Writes the head of a message into a text that is made once. One that is given too little room
/// moves, and what was written before stays behind where it stood: who writes a secret gives
/// enough.
class HeadWriter {
 public:
  /// @param memory of a text that is no longer wanted
  explicit HeadWriter(std::size_t room, std::string memory = {}) : text_{std::move(memory)} {
    text_.resize(room);
  }

  [[gnu::always_inline]] HeadWriter& add(std::string_view piece) {
    if (piece.size() > text_.size() - size_)
      text_.resize(std::max(2 * text_.size(), size_ + piece.size()));
    if (!piece.empty()) std::memcpy(text_.data() + size_, piece.data(), piece.size());
    size_ += piece.size();
    return *this;
  }
  HeadWriter& add_number(std::uint64_t number) {
    constexpr std::size_t most_digits = 20;
    if (most_digits > text_.size() - size_) text_.resize(2 * text_.size() + most_digits);
    char* const from = text_.data() + size_;
    size_ += static_cast<std::size_t>(std::to_chars(from, from + most_digits, number).ptr - from);
    return *this;
  }
  HeadWriter& header(std::string_view name, std::string_view value) {
    return add(name).add(": ").add(value).add("\r\n");
  }
  /// What header() needs for it.
  static constexpr std::size_t header_size(std::string_view name, std::string_view value) noexcept {
    return name.size() + value.size() + 4;
  }

  std::string take() && {
    text_.resize(size_);
    return std::move(text_);
  }

 private:
  std::string text_;
  std::size_t size_ = 0;  ///< of what has been written
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
