#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/statfs.h>
#else
#include <sys/resource.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

/// Owns a file descriptor and closes it.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int fd) noexcept : fd_{fd} {}
  Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Descriptor() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

/// Keeps the memory of this process out of core files and, on Linux, away from other processes of
/// the same user. For front ends: a library has no business deciding it.
///
/// @effects the whole process; ends with the next exec
inline void protect_process_memory() noexcept {
#if defined(__linux__)
  ::prctl(PR_SET_DUMPABLE, 0);
#else
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = 0;
  ::setrlimit(RLIMIT_CORE, &limit);
#endif
}

/// Whether something is mounted right there, as containers do with single files: such a name cannot
/// be renamed or replaced. False where the system does not tell.
inline bool is_mount_point(const char* path) noexcept {
#if defined(__linux__) && defined(STATX_ATTR_MOUNT_ROOT)
  struct statx facts {};
  return ::statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &facts) == 0 &&
         (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
  (void)path;
  return false;
#endif
}

/// Whether the file system of that path gives the present state of a file at once, and a new time
/// of change with every change: the usual ones of a local disk or of memory do. False where the
/// system does not tell, and for file systems that another program or machine answers for.
inline bool tells_every_change(const char* path) noexcept {
#if defined(__linux__)
  constexpr std::array<std::uint32_t, 11> local{
      0x0000ef53,  // ext2, ext3, ext4
      0x58465342,  // XFS
      0x9123683e,  // Btrfs
      0x01021994,  // tmpfs
      0x794c7630,  // overlayfs
      0x2fc12fc1,  // ZFS
      0xf2f52010,  // F2FS
      0xca451a4e,  // bcachefs
      0x73717368,  // squashfs
      0xe0f5e1e2,  // EROFS
      0x3153464a,  // JFS
  };
  struct statfs facts {};
  if (::statfs(path, &facts) != 0) return false;
  return std::find(local.begin(), local.end(), static_cast<std::uint32_t>(facts.f_type)) !=
         local.end();
#else
  (void)path;
  return false;
#endif
}

/// Lets two existing files of one file system change their names with each other, in one step.
///
/// @return 0, else an errno; ENOSYS or EINVAL where the system or the file system cannot do it
/// @effects the two directory entries; nothing is synced
inline int exchange_names(const char* one, const char* other) noexcept {
#if defined(__linux__) && defined(RENAME_EXCHANGE)
  return ::renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0 ? 0 : errno;
#elif defined(__APPLE__) && defined(RENAME_SWAP)
  return ::renamex_np(one, other, RENAME_SWAP) == 0 ? 0 : errno;
#else
  (void)one;
  (void)other;
  return ENOSYS;
#endif
}

}  // namespace credpool::inline CREDPOOL_ABI
