#pragma once
// SPDX-License-Identifier: MIT

// The body of a request while it is read. Internal.

#include <credpool/core/version.hpp>

#include <credpool/impl/core/kept_blocks.hpp>

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
  RequestBody() = default;
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;
  ~RequestBody() { free(block_); }

  std::string_view view() const noexcept { return {block_.memory, size_}; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return block_.size; }

  /// Has room for so many at least. What is not written is not touched.
  void reserve(std::size_t bytes) {
    if (bytes <= capacity()) return;
    const auto larger = allocate(bytes);
    if (size_ > 0) std::memcpy(larger.memory, block_.memory, size_);
    free(std::exchange(block_, larger));
  }

  /// Where to read the next bytes to, at most `left` of them; append() then takes them as they
  /// stand.
  std::span<char> room(std::uint64_t left) {
    if (size_ == capacity()) reserve(std::max<std::size_t>(2 * capacity(), 4096));
    return {block_.memory + size_,
            static_cast<std::size_t>(std::min<std::uint64_t>(left, capacity() - size_))};
  }

  void append(const char* from, std::size_t bytes) {
    if (bytes == 0) return;
    const bool fits = bytes <= capacity() - size_;
    if (!fits) reserve(std::max(2 * capacity(), size_ + bytes));
    // What was read to room() stands there already.
    if (!fits || from != block_.memory + size_) std::memcpy(block_.memory + size_, from, bytes);
    size_ += bytes;
  }

  void clear() noexcept { size_ = 0; }
  void give_back() noexcept {
    free(std::exchange(block_, {}));
    size_ = 0;
  }

 private:
  using Block = KeptBlocks::Block;

  static bool is_kept(std::size_t bytes) noexcept {
    return bytes >= KeptBlocks::smallest && bytes <= KeptBlocks::largest;
  }
  static Block allocate(std::size_t bytes) {
    if (is_kept(bytes)) return KeptBlocks::of_process().take(bytes);
    return {std::make_unique_for_overwrite<char[]>(bytes).release(), bytes};
  }
  static void free(Block block) noexcept {
    if (is_kept(block.size)) return KeptBlocks::of_process().put(block);
    const std::unique_ptr<char[]> end{block.memory};
  }

  Block block_;
  std::size_t size_ = 0;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
