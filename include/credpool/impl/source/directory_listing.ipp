#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/directory_listing.hpp>

#include <algorithm>
#include <string>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<std::vector<std::filesystem::path>> list_files_ending_in(
    const Environment& environment, const std::filesystem::path& directory, std::string_view ending,
    std::size_t limit) {
  environment.note_look(directory);
  std::vector<std::filesystem::path> found;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry{directory, failed}, end; !failed && entry != end;
       entry.increment(failed)) {
    const auto name = entry->path().filename().string();
    if (name.size() > ending.size() && name.ends_with(ending)) found.push_back(entry->path());
    if (found.size() == limit) break;
  }
  if (failed && failed != std::errc::no_such_file_or_directory &&
      failed != std::errc::not_a_directory)
    return fail(failed == std::errc::permission_denied ? Errc::permission_denied : Errc::io,
                "listing a directory", directory.string(), failed.message());
  std::sort(found.begin(), found.end());
  return found;
}

CREDPOOL_INLINE std::vector<std::filesystem::path> files_ending_in(
    const Environment& environment, const std::filesystem::path& directory, std::string_view ending,
    std::size_t limit) {
  return list_files_ending_in(environment, directory, ending, limit)
      .value_or(std::vector<std::filesystem::path>{});
}

}  // namespace credpool::inline CREDPOOL_ABI
