#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>

#include <filesystem>

#include <sys/types.h>

namespace credpool::inline CREDPOOL_ABI {

/// The directory where our own state and secrets lie: `$XDG_STATE_HOME/credpool`, or another one
/// that the user configured.
///
/// Finding it writes nothing, so that a command which only reads leaves no trace; whoever is about
/// to write calls create() first.
///
/// @thread_safety safe (immutable)
class StateDirectory {
 public:
  /// Finds the directory and checks every directory on the way to it.
  ///
  /// @param configured an absolute path chosen by the user; empty: `$XDG_STATE_HOME/credpool`, and
  ///                   ~/.local/state/credpool when that variable is unset or relative
  /// @return the directory, which need not exist yet
  /// @errors configuration when there is no usable home directory (missing, not a directory, or "/"
  ///         for an ordinary user) or `configured` is relative; unsafe_file when somebody else
  ///         could swap a directory on the way to it; permission_denied; io
  /// @effects none: it looks, it does not write
  static Result<StateDirectory> locate(const Environment& environment,
                                       std::filesystem::path configured = {});

  /// Makes the directory and its missing parents, each 0700 whatever the umask.
  /// @errors those of locate(), and whatever the operating system says to mkdir
  Result<void> create() const;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path state_file() const { return path_ / "state.sqlite"; }
  std::filesystem::path secrets_file() const { return path_ / "secrets.json"; }
  std::filesystem::path logins_directory() const { return path_ / "logins"; }
  std::filesystem::path opened_stores_file() const { return path_ / "opened-stores.json"; }
  std::filesystem::path discovery_memo_file() const { return path_ / "discovery-memo"; }
  std::filesystem::path key_file() const { return path_ / "key"; }

 private:
  StateDirectory(std::filesystem::path path, uid_t user) : path_{std::move(path)}, user_{user} {}

  std::filesystem::path path_;
  uid_t user_;
};

/// Checks that nobody but `user` and root can swap what lies below a directory: each directory on
/// the way to it, and each on the way to where its links lead, belongs to one of the two and is not
/// writable by others. A directory with the sticky bit (/tmp) may be: there only owners rename.
///
/// @param path absolute; what does not exist yet is passed over
/// @errors unsafe_file with the command that mends it; permission_denied; io
/// @source the rule of OpenSSH's safe_path() (misc.c), and sticky directories as said above
Result<void> check_safe_directory(const std::filesystem::path& path, uid_t user);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/state_directory.ipp>
#endif
