#pragma once
// SPDX-License-Identifier: MIT

// The body of a request while it is read. Internal.

#include <credpool/core/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Bytes that may be read straight to where they stay: a text that grows would be filled with zeros
/// first, or be copied into.
class RequestBody {
 public:
  std::string_view view() const noexcept { return {bytes_.get(), size_}; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }

  /// Has room for so many at least. What is not written is not touched.
  void reserve(std::size_t bytes) {
    if (bytes <= capacity_) return;
    auto larger = std::make_unique_for_overwrite<char[]>(bytes);
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    capacity_ = bytes;
  }

  /// Where to read the next bytes to, at most `left` of them; append() then takes them as they
  /// stand.
  std::span<char> room(std::uint64_t left) {
    if (size_ == capacity_) reserve(std::max<std::size_t>(2 * capacity_, 4096));
    return {bytes_.get() + size_,
            static_cast<std::size_t>(std::min<std::uint64_t>(left, capacity_ - size_))};
  }

  void append(const char* from, std::size_t bytes) {
    if (bytes == 0) return;
    const bool fits = bytes <= capacity_ - size_;
    if (!fits) reserve(std::max(2 * capacity_, size_ + bytes));
    // What was read to room() stands there already.
    if (!fits || from != bytes_.get() + size_) std::memcpy(bytes_.get() + size_, from, bytes);
    size_ += bytes;
  }

  void clear() noexcept { size_ = 0; }
  void give_back() noexcept {
    bytes_.reset();
    size_ = capacity_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
