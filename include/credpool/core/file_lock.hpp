#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>

#include <filesystem>
#include <string>

namespace credpool::inline CREDPOOL_ABI {

/// How the processes that write one of our own files take turns: an exclusive flock(2) on a lock
/// file beside it.
///
/// Held from take() until the object goes; the kernel lets go when its holder dies, so no lock is
/// ever stale. The lock file is never removed: one that comes and goes would let two writers lock
/// two files of one name. Two objects of one process exclude each other as two processes do.
///
/// @thread_safety one object: caller serialises
class FileLock {
 public:
  /// Holds nothing.
  FileLock() noexcept = default;

  /// Takes the lock of that file, which is made (0600, whatever the umask) when it is missing.
  ///
  /// @param patience how long to wait for another holder, on the monotonic clock; it is tried once
  ///                 at least
  /// @param doing    what is being waited for, for the error's text
  /// @errors busy when it is not free in time; unsafe_file for a link or what is no regular file;
  ///         permission_denied; not_found when the directory is missing; io
  /// @effects makes the file; sleeps while it waits; no child process inherits the lock
  static Result<FileLock> take(const std::filesystem::path& path, Duration patience,
                               const std::string& doing = "waiting for the turn to write");

  bool held() const noexcept { return static_cast<bool>(file_); }

 private:
  explicit FileLock(Descriptor file) noexcept : file_{std::move(file)} {}

  Descriptor file_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/file_lock.ipp>
#endif
