#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <filesystem>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// The entries of a directory whose names end in `ending`, sorted by name, at most `limit` of them.
/// A directory that is missing or unreadable has none. Entries are not opened.
std::vector<std::filesystem::path> files_ending_in(const std::filesystem::path& directory,
                                                   std::string_view ending,
                                                   std::size_t limit = 256);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/directory_listing.ipp>
#endif
