#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace credpool::inline CREDPOOL_ABI {

/// What is unusual about a file that was read all the same. `repair` is the exact command to run.
struct FileWarning {
  enum class Kind {
    readable_by_others,  ///< mode lets group or others read or write a file that holds a secret
    writable_parent,     ///< whoever may write the directory may replace the file
    hard_linked,         ///< another name of the same file exists
  };
  Kind kind;
  std::string repair;
};

std::string_view to_string(FileWarning::Kind kind) noexcept;

/// What is known about a file besides its bytes.
struct FileFacts {
  std::filesystem::path path;      ///< as it was asked for
  std::filesystem::path resolved;  ///< the file itself, after following a link
  bool symbolic_link = false;
  mode_t mode = 0;  ///< permission bits
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  TimePoint modified{};
  std::vector<FileWarning> warnings;
};

/// A file's bytes, treated as a secret, and its facts.
struct FileText {
  Secret bytes;
  FileFacts facts;
};

/// What may be read. The defaults are those of a credential file.
struct FileRules {
  std::size_t max_bytes = 64 * 1024;
  bool follow_symlink = true;  ///< the CLIs allow their files to be links; our own never are
  bool holds_secret = true;    ///< warn when others can read it
};

/// Rules for a configuration file: larger, and not secret by itself.
inline constexpr FileRules config_file_rules{1024 * 1024, true, false};

/// Reads a whole small file without ever blocking.
///
/// The file is opened once (O_NONBLOCK, O_CLOEXEC) and judged by its descriptor: a FIFO, device,
/// directory or socket is refused at once, and a file that grows while it is read is cut off at the
/// cap.
///
/// @return the bytes and facts
/// @errors not_found when there is no file (or a dangling link); unsafe_file for anything that is
///         not a regular file, is owned by neither this user nor root, or is a link when links are
///         not followed; too_large over the cap; permission_denied; io
/// @effects reads the file; never writes
/// @thread_safety safe
Result<FileText> read_file(const std::filesystem::path& path, const Environment& environment,
                           FileRules rules = {});

/// Judges a file as read_file() does, without its bytes: for files that another library reads.
///
/// @return its facts; the file may change a moment later
/// @errors those of read_file()
/// @effects opens and closes the file; never writes
/// @thread_safety safe
Result<FileFacts> inspect_file(const std::filesystem::path& path, const Environment& environment,
                               FileRules rules = {});

/// Replaces a file so that a reader, a crash or a power cut sees the old or the new one, never
/// less.
///
/// Writes a temporary file of the given mode beside it (exclusive, no link followed), syncs it,
/// renames it over the target and syncs the directory. A link at the target's place is followed
/// once, so that it stays a link.
///
/// @param mode permission bits of a new file; an existing file keeps its own when `keep_mode`
/// @param durable false: nothing is synced, and a power cut (not a crash) may leave an empty file
/// @errors permission_denied, io, not_found when the directory does not exist
/// @effects one file in the directory of `path`; nothing is left behind on failure
Result<void> replace_file(const std::filesystem::path& path, std::string_view bytes,
                          mode_t mode = 0600, bool keep_mode = false, bool durable = true);

/// Makes a directory and its missing parents, each 0700, whatever the umask.
/// @errors permission_denied, io, unsafe_file when something else stands there
Result<void> make_private_directory(const std::filesystem::path& path);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/file.ipp>
#endif
