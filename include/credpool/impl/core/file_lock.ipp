#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/file_lock.hpp>
#include <credpool/impl/core/flock.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<FileLock> FileLock::take(const std::filesystem::path& path,
                                                Duration patience, const std::string& doing) {
  auto file = detail::take_flock(
      {path, patience, doing,
       "another credpool process holds it: try again, or look for one that hangs"});
  if (!file) return fail(std::move(file).error());
  return FileLock{std::move(*file)};
}

}  // namespace credpool::inline CREDPOOL_ABI
