#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/platform.hpp>
#include <credpool/core/time.hpp>
#include <credpool/credential/login_store.hpp>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

namespace credpool::inline CREDPOOL_ABI {

/// An exclusive flock(2) that a CLI takes too. The lock file is made (0600) when it is missing,
/// keeps its mode when it is there, and is never removed.
///
/// @source kimi-cli 1.49.0 auth/oauth.py; codex 0.169.0 (system calls)
class FlockStoreLock final : public StoreLock {
 public:
  /// @param cli whose lock it is, for the error's text
  /// @errors those of FileLock::take()
  static Result<std::unique_ptr<StoreLock>> take(const std::filesystem::path& path,
                                                 Duration patience, const std::string& cli);

  /// @errors busy when the lock file was removed or replaced: who comes next locks another one
  Result<void> still_held() const override;

 private:
  FlockStoreLock(Descriptor file, std::filesystem::path path, std::string cli);

  Descriptor file_;
  std::filesystem::path path_;
  std::string cli_;
};

/// How a lock that is kept alive by touching it is handled.
struct HeartbeatRules {
  std::string cli;  ///< whose lock it is, for error texts
  Duration stale;   ///< one that was not touched for longer may be taken away
  Duration touch;   ///< ours is touched this often; far below `stale`
};

/// What the locks have in common that exist by their name: whoever makes the directory or file of
/// that name holds the lock, and touches it as long as he lives.
///
/// The thing stays open as long as the lock is held, so that its inode is not used again and can be
/// compared. It is removed only while it is ours.
///
/// @thread_safety safe; a thread of its own touches the lock
class HeartbeatStoreLock : public StoreLock {
 public:
  /// Whether the lock is ours, and renews it: it is fresh for a whole stale time from now.
  /// @errors busy when somebody removed it, put another in its place or touched it
  Result<void> still_held() const override;

 protected:
  HeartbeatStoreLock(Descriptor thing, std::filesystem::path path, HeartbeatRules rules);

  /// Ends the touching. True when the thing at the lock's place is ours to remove.
  bool stop() noexcept;
  Unexpected lost(const std::string& how) const;
  const std::filesystem::path& path() const noexcept { return path_; }
  const Descriptor& thing() const noexcept { return thing_; }

 private:
  bool stands_there() const noexcept;
  Result<void> renew() const;

  Descriptor thing_;
  std::filesystem::path path_;
  HeartbeatRules rules_;
  mutable std::mutex mutex_;
  mutable struct timespec touched_ {};  ///< its time, as we set it last
  mutable const char* lost_ = nullptr;  ///< how; null while it is ours
  std::condition_variable_any stopping_;
  std::jthread heart_;
};

/// A lock that is a directory: Kimi Code and Claude Code (npm proper-lockfile).
///
/// @source kimi-code 2.1.0 packages/oauth; claude-code 2.1.329 (system calls)
class DirectoryStoreLock final : public HeartbeatStoreLock {
 public:
  /// Waits until nobody holds it or its holder is stale.
  ///
  /// @errors busy when it is not free in time; unsafe_file when what has the name is no directory;
  ///         not_found when the directory above is missing; permission_denied; io
  static Result<std::unique_ptr<StoreLock>> take(const std::filesystem::path& path,
                                                 HeartbeatRules rules, Duration patience);
  ~DirectoryStoreLock() override;

 private:
  using HeartbeatStoreLock::HeartbeatStoreLock;
};

/// A lock that is a file with its owner's random id in it: Qwen Code. Other processes of the CLI
/// remove it when they end, whoever holds it: still_held() tells.
///
/// @source qwen-code 0.24.4, shipped program
class OwnedFileStoreLock final : public HeartbeatStoreLock {
 public:
  /// Waits until nobody holds it or its holder is stale. A stale one is first renamed, so that only
  /// one of several waiters takes it.
  ///
  /// @errors as DirectoryStoreLock::take(), with unsafe_file for what is no regular file
  static Result<std::unique_ptr<StoreLock>> take(const std::filesystem::path& path,
                                                 HeartbeatRules rules, Duration patience);
  ~OwnedFileStoreLock() override;

  Result<void> still_held() const override;

 private:
  OwnedFileStoreLock(Descriptor file, std::filesystem::path path, HeartbeatRules rules,
                     std::string owner);
  bool names_us() const;

  std::string owner_;
};

/// Several locks that were taken one after the other; they are let go in reverse.
class StoreLocksInOrder final : public StoreLock {
 public:
  /// Takes one of them, with the patience that is left.
  using Take = std::function<Result<std::unique_ptr<StoreLock>>(Duration patience)>;

  /// Takes all of them, or none.
  /// @param patience for all together
  /// @errors those of the one that was not to be had
  static Result<std::unique_ptr<StoreLock>> take(Duration patience, const std::vector<Take>& each);
  ~StoreLocksInOrder() override;

  void add(std::unique_ptr<StoreLock> lock) { locks_.push_back(std::move(lock)); }
  /// @errors busy when one of them is not ours any more
  Result<void> still_held() const override;

 private:
  std::vector<std::unique_ptr<StoreLock>> locks_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/store_locks.ipp>
#endif
