#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// The entries of a directory whose names end in `ending`, sorted by name. Names with a dot in
/// front are left out: they are locks, journals and drafts. Entries are not opened; the
/// environment's trace notes their names, so that nothing else in the directory matters to it. A
/// directory that is missing has none.
/// @param limit at most so many, any of them where there are more; a trace does not tell those then
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
#include <credpool/impl/core/directory_listing.ipp>
#endif
