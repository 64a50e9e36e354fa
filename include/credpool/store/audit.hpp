#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/secret.hpp>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Something that is wrong with a file of our own.
struct AuditFinding {
  enum class Kind {
    wrong_mode,     ///< group or others may read, write or enter it
    foreign_owner,  ///< it belongs to neither this user nor root
    not_regular,    ///< a link or a special file: ours never are
    hard_linked,    ///< another name of the same file exists
    left_over,      ///< a temporary file that a killed process left
    clear_secret,   ///< a piece of a known secret stands in it in clear
    unreadable,     ///< it could not be looked at
  };
  Kind kind;
  std::filesystem::path path;
  std::string repair;  ///< what to do: a command where one does it; never a secret
};

/// The kind's name as it stands in JSON output ("wrong_mode").
std::string_view to_string(AuditFinding::Kind kind) noexcept;

/// Looks at the mode, owner and type of a directory of ours and of everything below it.
/// @return nothing when all is well or there is no such directory
/// @effects none: files are not opened
std::vector<AuditFinding> audit_files(const std::filesystem::path& directory,
                                      const Environment& environment);

/// Looks for known secrets in clear: any 20 bytes in a row of one, or the whole of one that is 8 to
/// 19 bytes long. Shorter ones would be found by chance and are passed over.
///
/// @param place a file, or a directory whose files are all read; links are not followed
/// @param known the secrets that this machine holds
/// @return one finding for each file; `repair` tells which secret by its hash
/// @effects reads every file. Not while a store of this process has its file open: closing a file
///          drops the locks that the process holds on it (fcntl(2), advisory record locking)
std::vector<AuditFinding> find_clear_secrets(const std::filesystem::path& place,
                                             std::span<const Secret> known);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/audit.ipp>
#endif
