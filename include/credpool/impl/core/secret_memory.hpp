#pragma once
// SPDX-License-Identifier: MIT

// Where the bytes of secrets stand. Internal: included by .ipp files only.

#include <credpool/core/version.hpp>

#include <cstddef>
#include <memory_resource>
#include <mutex>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Pages that are left out of core dumps, and kept out of swap as far as RLIMIT_MEMLOCK goes:
/// beyond it a secret is merely swappable.
class SecretPages final : public std::pmr::memory_resource {
 private:
  static std::size_t whole_pages(std::size_t bytes) noexcept {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
  }

  /// @param alignment at most a page's
  void* do_allocate(std::size_t bytes, std::size_t) override {
    const auto size = whole_pages(bytes);
    void* const pages =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc{};
#if defined(MADV_DONTDUMP)
    (void)::madvise(pages, size, MADV_DONTDUMP);  // an old kernel may not know it
#endif
#if defined(MLOCK_ONFAULT)
    (void)::mlock2(pages, size, MLOCK_ONFAULT);  // nothing is there to be swapped before
#else
    (void)::mlock(pages, size);
#endif
    return pages;
  }

  void do_deallocate(void* pages, std::size_t bytes, std::size_t) override {
    ::munmap(pages, whole_pages(bytes));
  }

  bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

/// Memory for secrets, shared by all of a process: small ones stand together on pages that are
/// locked once, not each on a page of the heap that is locked anew for it.
///
/// @thread_safety thread-safe
class SecretMemory {
 public:
  /// Never destroyed: a secret may outlive every static object.
  static SecretMemory& of_process() {
    static auto* const memory = new SecretMemory;
    return *memory;
  }

  /// @throws std::bad_alloc
  char* allocate(std::size_t bytes) {
    if (bytes > most_pooled) return static_cast<char*>(pages_.allocate(bytes));
    const std::lock_guard lock{mutex_};
    return static_cast<char*>(pool_.allocate(bytes, 1));
  }

  /// @param bytes as allocated; they have been wiped
  void deallocate(char* place, std::size_t bytes) {
    if (bytes > most_pooled) return pages_.deallocate(place, bytes);
    const std::lock_guard lock{mutex_};
    pool_.deallocate(place, bytes, 1);
  }

 private:
  static constexpr std::size_t most_pooled = 16 << 10;
  /// With its record it is the 64 KiB that old systems let a process lock.
  static constexpr std::size_t first_slab = 60 << 10;

  SecretPages pages_;
  std::mutex mutex_;
  std::pmr::monotonic_buffer_resource slabs_{first_slab, &pages_};
  std::pmr::unsynchronized_pool_resource pool_{{0, most_pooled}, &slabs_};
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
