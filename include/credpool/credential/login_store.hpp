#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/credential/tokens.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace credpool::inline CREDPOOL_ABI {

/// A lock that a login's CLI honours, or that nobody else does; let go by its destructor.
class StoreLock {
 public:
  StoreLock() = default;
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;
  virtual ~StoreLock() = default;

  /// Whether it is still ours: some CLIs remove or take over a lock that they find too old.
  /// @errors busy when it is somebody else's by now
  virtual Result<void> still_held() const = 0;
};

/// One reading of a login's store.
struct StoredLogin {
  Secret text;          ///< the whole file
  StoredTokens tokens;  ///< both empty when its CLI has signed out (a tombstone)
  mode_t mode = 0600;   ///< permission bits of the file
  bool signed_out() const noexcept {
    return tokens.access_token.empty() && tokens.refresh_token.empty();
  }
};

/// One login in the file where its CLI (or we ourselves) keep it: what an exchange of its
/// single-use refresh token needs to know and may do.
///
/// The exchange owns the order of things; a store knows its format and its CLI's manners.
class LoginStore {
 public:
  LoginStore() = default;
  LoginStore(const LoginStore&) = delete;
  LoginStore& operator=(const LoginStore&) = delete;
  virtual ~LoginStore() = default;

  virtual std::string_view cli() const noexcept = 0;
  virtual std::string_view provider() const noexcept = 0;

  /// The file itself, links on the way resolved once: our lock, journal and temporary files stand
  /// beside it.
  virtual const std::filesystem::path& file() const noexcept = 0;

  /// Reads the login now.
  /// @errors not_found when the file is gone (its CLI logged out); malformed, which may be a write
  ///         that is under way; what read_file() answers
  virtual Result<StoredLogin> read() const = 0;

  /// The file's new text: `current` with the granted tokens in it. Everything else in it stays,
  /// also what this version does not know; a refresh token that was not granted anew stays.
  /// @param current what read() gave, or an empty text when the file is to be made anew
  /// @errors malformed, unsupported when `current` cannot hold them
  virtual Result<Secret> rewritten(const StoredLogin& current, const GrantedTokens& granted,
                                   TimePoint now) const = 0;

  /// Takes what makes the CLI wait while a refresh token is spent. Null when it has nothing of the
  /// kind (codex, gemini).
  /// @errors busy when the CLI holds it for longer than `patience`
  virtual Result<std::unique_ptr<StoreLock>> lock_exchange(Duration patience) = 0;
  /// The longest time for which lock_exchange()'s lock may be held: after that the CLI goes on
  /// without it.
  virtual Duration longest_hold() const noexcept = 0;

  /// Takes what makes the CLI wait while the file is replaced; held for milliseconds. Null when it
  /// has nothing of the kind.
  /// @errors busy
  virtual Result<std::unique_ptr<StoreLock>> lock_write(Duration patience) = 0;

  /// How long before its end an access token of that lifetime is better refreshed: earlier than
  /// its CLI would. Before that nothing is done.
  virtual Duration advisory_window(Duration lifetime) const noexcept = 0;

  /// Whether the refresh token is spent by its use. A reusable one needs no journal.
  virtual bool single_use() const noexcept = 0;

  /// Whether the CLI removes the file when the server refuses its own refresh, whoever wrote it
  /// meanwhile: then it is looked at once more after a while and written anew.
  virtual bool cli_removes_refused() const noexcept { return false; }

  /// Makes the bytes fit to lie in a journal beside the file: sealed where the store is sealed,
  /// unchanged where the store itself is in clear.
  virtual Result<Secret> protect(const Secret& bytes) const { return bytes; }
  /// The reverse of protect().
  virtual Result<Secret> unprotect(const Secret& bytes) const { return bytes; }
};

}  // namespace credpool::inline CREDPOOL_ABI
