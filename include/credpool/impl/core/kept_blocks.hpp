#pragma once
// SPDX-License-Identifier: MIT

// Memory of large texts that come and go. Internal.

#include <credpool/core/version.hpp>

#include <credpool/impl/core/recycled_memory.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

#include <sys/mman.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Blocks of memory apart from the heap, of which those that are wanted again and again are kept:
/// to get the pages of a large block from the system costs more than to read a body into them. On
/// the heap they would stand between small objects, and stay for as long as these live.
///
/// @thread_safety safe
class KeptBlocks {
 public:
  /// Sizes are powers of two, from the smallest that is worth it on.
  static constexpr std::size_t smallest = 128 << 10;
  static constexpr std::size_t largest = 4 << 20;
  /// What is kept of all sizes together: bodies of 256 KB for 512 callers more than the moment has.
  /// With half of it so many had one to five page faults a request.
  static constexpr std::size_t most = 128 << 20;

  struct Block {
    char* memory = nullptr;
    std::size_t size = 0;
  };

  KeptBlocks() = default;
  KeptBlocks(const KeptBlocks&) = delete;
  KeptBlocks& operator=(const KeptBlocks&) = delete;
  ~KeptBlocks() {
    for (int twice = 0; twice < 2; ++twice) give_back_unwanted();
  }

  /// Of the process; it outlives every object.
  static KeptBlocks& of_process() {
    static auto* const blocks = new KeptBlocks;
    return *blocks;
  }

  /// A block of at least so many bytes, which hold anything.
  /// @pre at least `smallest` and at most `largest`
  /// @throws std::bad_alloc
  Block take(std::size_t bytes) {
    const auto size = std::bit_ceil(bytes);
    {
      const std::lock_guard lock{mutex_};
      if (auto& kept = kept_[class_of(size)]; kept.first != nullptr)
        return {reinterpret_cast<char*>(pop(kept, size)), size};
    }
    void* const memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    return {static_cast<char*>(memory), size};
  }
  void put(Block block) noexcept {
    if (!keep(block)) ::munmap(block.memory, block.size);
  }
  /// Gives the system what nobody has wanted since the last call.
  void give_back_unwanted() noexcept {
    for (std::size_t each = 0; each < kept_.size(); ++each) {
      const auto size = smallest << each;
      // Nobody waits meanwhile: it takes milliseconds for a thousand pages.
      for (auto* gone = take_unwanted(kept_[each], size); gone != nullptr;)
        ::munmap(std::exchange(gone, gone->next), size);
    }
  }
  std::size_t kept_bytes() const noexcept {
    const std::lock_guard lock{mutex_};
    return bytes_;
  }

 private:
  struct Free {
    Free* next;
  };
  struct Kept {
    Free* first = nullptr;  ///< the last one that was put
    std::size_t count = 0;
    std::size_t unwanted = 0;  ///< how few there were since the last call
  };

  static constexpr std::size_t class_of(std::size_t size) noexcept {
    return static_cast<std::size_t>(std::countr_zero(size) - std::countr_zero(smallest));
  }
  bool keep(Block block) noexcept {
    if (!reuses_memory) return false;
    const std::lock_guard lock{mutex_};
    if (bytes_ + block.size > most) return false;
    auto& kept = kept_[class_of(block.size)];
    kept.first = ::new (block.memory) Free{kept.first};
    ++kept.count;
    bytes_ += block.size;
    return true;
  }
  Free* pop(Kept& kept, std::size_t size) noexcept {
    bytes_ -= size;
    kept.unwanted = std::min(kept.unwanted, --kept.count);
    return std::exchange(kept.first, kept.first->next);
  }
  Free* take_unwanted(Kept& kept, std::size_t size) noexcept {
    const std::lock_guard lock{mutex_};
    Free* gone = nullptr;
    for (auto left = kept.unwanted; left > 0; --left) {
      auto* const block = pop(kept, size);
      block->next = std::exchange(gone, block);
    }
    kept.unwanted = kept.count;
    return gone;
  }

  mutable std::mutex mutex_;
  std::array<Kept, 1 + std::countr_zero(largest) - std::countr_zero(smallest)> kept_{};
  std::size_t bytes_ = 0;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
