#pragma once
// SPDX-License-Identifier: MIT

// Small files of our own on which nothing depends. Internal: included by .ipp files only.

#include <credpool/core/file.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Writes a note of our own (0600); a power cut may empty it. Makes its directory.
/// @errors unsafe_file when there is a link or no regular file in its place; those of
///         replace_file()
inline Result<void> keep_note(const std::filesystem::path& file, std::string_view text) {
  std::error_code ignored;
  const auto there = std::filesystem::symlink_status(file, ignored);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
    return fail(Errc::unsafe_file, "writing a file", file.string(),
                "it is a link, or no regular file: remove it");
  if (auto made = make_private_directory(file.parent_path()); !made) return made;
  return replace_file(file, text, 0600, false, /*durable=*/false);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
