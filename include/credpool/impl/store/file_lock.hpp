#pragma once
// SPDX-License-Identifier: MIT

// How writers of one of our own files take turns. Internal: included by .ipp files only.

#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// An exclusive lock, held until the descriptor is closed; the kernel lets go when a holder dies.
struct FileLock {
  Descriptor file;
};

/// Takes the lock of `path`, which is made (0600) when missing and never removed: a lock file that
/// comes and goes would let two writers lock two files.
/// @errors busy when it is not free within `patience`; unsafe_file for a link; permission_denied;
/// io
inline Result<FileLock> lock_file(const std::filesystem::path& path,
                                  std::chrono::milliseconds patience) {
  const std::string doing = "waiting for the turn to write";
  FileLock lock{Descriptor{
      ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600)}};
  if (!lock.file) {
    const std::error_code failed{errno, std::generic_category()};
    const auto code =
        failed == std::errc::too_many_symbolic_link_levels ? Errc::unsafe_file
        : failed == std::errc::permission_denied || failed == std::errc::read_only_file_system
            ? Errc::permission_denied
            : Errc::io;
    return fail(code, doing, path.string(), failed.message());
  }
  // The umask may have taken rights from the owner as well.
  if (::fchmod(lock.file.get(), 0600) != 0)
    return fail(Errc::io, doing, path.string(), "the mode cannot be set to 0600");
  constexpr std::chrono::milliseconds pause{5};
  for (auto waited = pause; ::flock(lock.file.get(), LOCK_EX | LOCK_NB) != 0; waited += pause) {
    const std::error_code failed{errno, std::generic_category()};
    if (failed != std::errc::operation_would_block && failed != std::errc::interrupted)
      return fail(Errc::io, doing, path.string(), failed.message());
    if (waited > patience)
      return fail(Errc::busy, doing, path.string(),
                  "another credpool process holds it: try again, or look for one that hangs");
    std::this_thread::sleep_for(pause);
  }
  return lock;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
