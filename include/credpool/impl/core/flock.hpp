#pragma once
// SPDX-License-Identifier: MIT

// Taking a flock(2) with patience, for our own locks and for those that we share with a CLI.
// Internal: included by .ipp files only.

#include <credpool/core/clock.hpp>
#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A lock file and what to say about it.
struct FlockRequest {
  const std::filesystem::path& path;
  Duration patience;
  const std::string& doing;
  std::string busy_hint;
  bool own_file = true;  ///< its mode is ours to set, also when it is there already
};

inline Unexpected flock_failure(int number, const FlockRequest& request) {
  const std::error_code failed{number, std::generic_category()};
  auto code = Errc::io;
  if (failed == std::errc::too_many_symbolic_link_levels || failed == std::errc::is_a_directory)
    code = Errc::unsafe_file;
  if (failed == std::errc::permission_denied || failed == std::errc::operation_not_permitted ||
      failed == std::errc::read_only_file_system)
    code = Errc::permission_denied;
  if (failed == std::errc::no_such_file_or_directory) code = Errc::not_found;
  return fail(code, request.doing, request.path.string(), failed.message());
}

/// Makes the file (0600) when it is missing, opens it and locks it.
/// @errors as FileLock::take()
inline Result<Descriptor> take_flock(const FlockRequest& request) {
  Descriptor file{
      ::open(request.path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600)};
  if (!file) return flock_failure(errno, request);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return flock_failure(errno, request);
  if (!S_ISREG(facts.st_mode))
    return fail(Errc::unsafe_file, request.doing, request.path.string(),
                "it is not a regular file: move it away");
  // The umask may have taken rights from the owner as well.
  if (request.own_file && (facts.st_mode & 07777) != 0600 && ::fchmod(file.get(), 0600) != 0)
    return flock_failure(errno, request);

  // flock(2) knows no time-out.
  constexpr std::chrono::milliseconds pause{2};
  const auto deadline = SystemClock{}.steady() + request.patience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return flock_failure(errno, request);
    if (SystemClock{}.steady() >= deadline)
      return fail(Errc::busy, request.doing, request.path.string(), request.busy_hint);
    std::this_thread::sleep_for(pause);
  }
  return file;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
