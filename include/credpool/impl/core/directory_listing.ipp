#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/directory_listing.hpp>

#include <credpool/impl/core/directory_names.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE Result<std::vector<std::filesystem::path>> list_files_ending_in(
    const Environment& environment, const std::filesystem::path& directory, std::string_view ending,
    std::size_t limit) {
  const auto names = detail::names_ending_in(directory, ending, limit);
  if (!names || names->size() == limit) {
    environment.note_untold();
  } else {
    environment.note_names(directory, ending, *names);
  }
  if (!names) return fail(names.error());
  std::vector<std::filesystem::path> files;
  files.reserve(names->size());
  for (const auto& name : *names) files.push_back(directory / name);
  return files;
}

CREDPOOL_INLINE std::vector<std::filesystem::path> files_ending_in(
    const Environment& environment, const std::filesystem::path& directory, std::string_view ending,
    std::size_t limit) {
  return list_files_ending_in(environment, directory, ending, limit)
      .value_or(std::vector<std::filesystem::path>{});
}

}  // namespace credpool::inline CREDPOOL_ABI
