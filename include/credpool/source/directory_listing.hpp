#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>

#include <filesystem>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// The entries of a directory whose names end in `ending`, sorted by name, at most `limit` of them.
/// Entries are not opened, the directory is noted in the environment's trace. A directory that is
/// missing has none.
/// @errors permission_denied or io when the directory is there and cannot be listed
Result<std::vector<std::filesystem::path>> list_files_ending_in(
    const Environment& environment, const std::filesystem::path& directory, std::string_view ending,
    std::size_t limit = 256);

/// The same where an unreadable directory need not be told from an empty one.
std::vector<std::filesystem::path> files_ending_in(const Environment& environment,
                                                   const std::filesystem::path& directory,
                                                   std::string_view ending,
                                                   std::size_t limit = 256);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/directory_listing.ipp>
#endif
