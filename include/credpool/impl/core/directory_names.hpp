#pragma once
// SPDX-License-Identifier: MIT

// Which names there are in a directory. Internal.

#include <credpool/core/result.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The names that end in `ending`, have something before it and no dot in front; sorted, at most
/// `limit`. None where there is no such directory.
inline Result<std::vector<std::string>> names_ending_in(const std::filesystem::path& directory,
                                                        std::string_view ending,
                                                        std::size_t limit) {
  std::vector<std::string> names;
  std::error_code failed;
  std::filesystem::directory_iterator entry{directory, failed};
  for (const std::filesystem::directory_iterator end;
       !failed && entry != end && names.size() < limit; entry.increment(failed)) {
    auto name = entry->path().filename().string();
    if (name.size() > ending.size() && name.ends_with(ending) && !name.starts_with('.'))
      names.push_back(std::move(name));
  }
  if (failed && failed != std::errc::no_such_file_or_directory &&
      failed != std::errc::not_a_directory)
    return fail(failed == std::errc::permission_denied ? Errc::permission_denied : Errc::io,
                "listing a directory", directory.string(), failed.message());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
