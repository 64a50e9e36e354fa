#pragma once
// SPDX-License-Identifier: MIT

// Memory of objects that come and go by the thousand a second. Internal.

#include <credpool/core/version.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Whether memory is used again without a word to the allocator: AddressSanitizer would not see who
/// uses it after its end.
inline constexpr bool reuses_memory =
#if defined(__SANITIZE_ADDRESS__)
    false;
#elif defined(__has_feature)
    !__has_feature(address_sanitizer);
#else
    true;
#endif

/// What a thread keeps of the memory of objects of one size.
template <std::size_t bytes> class RecycledBlocks {
 public:
  /// As many as a busy thread has at once; more goes back.
  static constexpr std::size_t most = 128;

  static void* take() { return kept_.first == nullptr ? ::operator new(bytes) : pop(); }
  static void give(void* memory) noexcept {
    if (kept_.count >= most) return ::operator delete(memory);
    if (kept_.count == 0) free_at_end_of_thread();
    kept_.first = ::new (memory) Block{kept_.first};
    ++kept_.count;
  }
  static std::size_t count() noexcept { return kept_.count; }

 private:
  struct Block {
    Block* next;
  };
  static_assert(bytes >= sizeof(Block));

  /// Has no destructor: objects that end with their thread may come after everything else.
  struct Kept {
    Block* first;
    std::size_t count;
  };

  static void* pop() noexcept {
    --kept_.count;
    return std::exchange(kept_.first, kept_.first->next);
  }
  static void free_at_end_of_thread() noexcept {
    struct End {
      ~End() {
        while (kept_.first != nullptr) ::operator delete(pop());
        kept_.count = most;  // what comes later is not kept
      }
    };
    thread_local const End end;
    (void)&end;
  }

  static inline thread_local Kept kept_{};
};

/// For std::allocate_shared(): allocators keep a few small blocks of each size at hand, and make
/// room for each of the others anew. An object may go on another thread than it came on.
template <class T> class RecyclingAllocator {
 public:
  using value_type = T;

  RecyclingAllocator() = default;
  template <class U> RecyclingAllocator(const RecyclingAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    return reuses_memory && count == 1 ? static_cast<T*>(RecycledBlocks<sizeof(T)>::take())
                                       : std::allocator<T>{}.allocate(count);
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    if (reuses_memory && count == 1)
      RecycledBlocks<sizeof(T)>::give(memory);
    else
      std::allocator<T>{}.deallocate(memory, count);
  }

  template <class U> bool operator==(const RecyclingAllocator<U>&) const noexcept { return true; }
};

/// std::make_shared() with such memory.
template <class T, class... Arguments> std::shared_ptr<T> make_recycled(Arguments&&... arguments) {
  return std::allocate_shared<T>(RecyclingAllocator<T>{}, std::forward<Arguments>(arguments)...);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
