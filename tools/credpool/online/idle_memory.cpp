// SPDX-License-Identifier: MIT
#include "idle_memory.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace credpool_cli {

namespace {

/// Whether the loader has written into code: those pages are in no file.
bool has_text_relocations(const dl_phdr_info& object) noexcept {
  for (std::size_t i = 0; i < object.dlpi_phnum; ++i) {
    const auto& header = object.dlpi_phdr[i];
    if (header.p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + header.p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry)
      if (entry->d_tag == DT_TEXTREL ||
          (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0))
        return true;
  }
  return false;
}

/// Of the program and of each library what can only be read or run: it stands in their files.
int give_back_code(dl_phdr_info* object, std::size_t, void*) noexcept {
  const char* const name = object->dlpi_name;
  const bool is_file = *name == '\0' || *name == '/';  // the first is the program itself
  if (!is_file || has_text_relocations(*object)) return 0;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
    const auto& header = object->dlpi_phdr[i];
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W) != 0) continue;
    const auto begin = (object->dlpi_addr + header.p_vaddr) / page * page;
    const auto end = (object->dlpi_addr + header.p_vaddr + header.p_memsz) / page * page;
    if (begin >= end) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    auto* const from = reinterpret_cast<void*>(begin);
    (void)::madvise(from, end - begin, MADV_DONTNEED);  // what is locked stays: not ours to change
  }
  return 0;
}

std::chrono::nanoseconds processor_time() noexcept {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

}  // namespace

void give_back_idle_memory() noexcept {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
  ::dl_iterate_phdr(give_back_code, nullptr);
}

bool IdleWatch::comes_to_rest() {
  if (++second_ < seconds) return false;
  second_ = 0;
  const auto used = processor_time();
  const bool rested = std::exchange(rests_, used - std::exchange(used_, used) <= little);
  return rests_ && !rested;
}

}  // namespace credpool_cli
