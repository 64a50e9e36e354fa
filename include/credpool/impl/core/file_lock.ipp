#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/file_lock.hpp>

#include <cerrno>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Unexpected file_lock_failure(int number, const std::string& doing,
                                    const std::filesystem::path& path) {
  const std::error_code failed{number, std::generic_category()};
  auto code = Errc::io;
  if (failed == std::errc::too_many_symbolic_link_levels || failed == std::errc::is_a_directory)
    code = Errc::unsafe_file;
  if (failed == std::errc::permission_denied || failed == std::errc::operation_not_permitted ||
      failed == std::errc::read_only_file_system)
    code = Errc::permission_denied;
  if (failed == std::errc::no_such_file_or_directory) code = Errc::not_found;
  return fail(code, doing, path.string(), failed.message());
}

}  // namespace detail

CREDPOOL_INLINE Result<FileLock> FileLock::take(const std::filesystem::path& path,
                                                Duration patience, const std::string& doing) {
  Descriptor file{
      ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600)};
  if (!file) return detail::file_lock_failure(errno, doing, path);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return detail::file_lock_failure(errno, doing, path);
  if (!S_ISREG(facts.st_mode))
    return fail(Errc::unsafe_file, doing, path.string(), "it is not a regular file: move it away");
  // The umask may have taken rights from the owner as well.
  if ((facts.st_mode & 07777) != 0600 && ::fchmod(file.get(), 0600) != 0)
    return detail::file_lock_failure(errno, doing, path);

  // flock(2) knows no time-out.
  constexpr std::chrono::milliseconds pause{2};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return detail::file_lock_failure(errno, doing, path);
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Errc::busy, doing, path.string(),
                  "another credpool process holds it: try again, or look for one that hangs");
    std::this_thread::sleep_for(pause);
  }
  return FileLock{std::move(file)};
}

}  // namespace credpool::inline CREDPOOL_ABI
