#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs SQLite. Not under the umbrella header.

#include <credpool/store/concept.hpp>
#include <credpool/store/state_directory.hpp>

#include <memory>

namespace credpool::inline CREDPOOL_ABI {

/// Pool state in one SQLite file, shared by every process of one user.
///
/// `state.sqlite` of the state directory and SQLite's two files beside it are 0600. A commit is one
/// transaction; readers never wait for writers. What was committed survives the death of any
/// process; a power cut may take the last moments, never the file. A file of an earlier version is
/// brought up to date when it is opened, one of a newer version is refused. A damaged file is an
/// error that says what to do; it is never deleted.
///
/// @thread_safety safe
class SqliteState {
 public:
  /// Opens the file, and makes it (and the directory) when it is not there.
  ///
  /// @param patience how long to wait for another writer before Errc::busy
  /// @errors unsupported for a file of a newer version; malformed for a damaged file or one that is
  ///         not ours; unsafe_file for a link, another owner or a file that others may write;
  ///         permission_denied; store_unwritable when the disk is full; busy; io
  static Result<SqliteState> open(const StateDirectory& directory, const Environment& environment,
                                  Duration patience = std::chrono::seconds{5});

  Result<Generation> generation() const;

  /// @errors busy, store_unwritable, permission_denied, malformed, io; nothing was kept then
  Result<Generation> transact(Generation seen, const StateExchange& exchange);

 private:
  struct Connection;
  struct Close {
    void operator()(Connection* connection) const noexcept;
  };
  explicit SqliteState(std::unique_ptr<Connection, Close> connection) noexcept;

  std::unique_ptr<Connection, Close> connection_;
};
static_assert(PoolStateStore<SqliteState>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/sqlite.ipp>
#endif
