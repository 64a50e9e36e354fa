#pragma once
// SPDX-License-Identifier: MIT

// How the writers of one history take turns. Internal: included by .ipp files only.

#include <credpool/core/platform.hpp>
#include <credpool/core/result.hpp>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Takes the lock file's exclusive lock; it is held until the descriptor is closed, and the kernel
/// lets go when its holder dies. The file is never removed: two writers would lock two files.
/// @errors busy when it is not free within 10 seconds; unsafe_file for a link; permission_denied;
/// io
inline Result<Descriptor> lock_history(const std::filesystem::path& path) {
  const std::string doing = "waiting for the turn to write the history";
  Descriptor file{
      ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600)};
  const auto reason = [] { return std::error_code{errno, std::generic_category()}; };
  if (!file) {
    const auto failed = reason();
    const bool refused =
        failed == std::errc::permission_denied || failed == std::errc::read_only_file_system;
    const auto code = failed == std::errc::too_many_symbolic_link_levels ? Errc::unsafe_file
                      : refused                                          ? Errc::permission_denied
                                                                         : Errc::io;
    return fail(code, doing, path.string(), failed.message());
  }
  constexpr std::chrono::milliseconds pause{2};
  constexpr std::chrono::milliseconds patience{10000};
  for (auto waited = pause; ::flock(file.get(), LOCK_EX | LOCK_NB) != 0; waited += pause) {
    const auto failed = reason();
    if (failed != std::errc::operation_would_block && failed != std::errc::interrupted)
      return fail(Errc::io, doing, path.string(), failed.message());
    if (waited > patience)
      return fail(Errc::busy, doing, path.string(),
                  "another credpool process holds it: try again, or look for one that hangs");
    std::this_thread::sleep_for(pause);
  }
  return file;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
