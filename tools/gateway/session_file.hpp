#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>
#include <credpool/core/time.hpp>
#include <credpool/gateway/session_book.hpp>

#include <filesystem>
#include <mutex>
#include <string>

namespace credpool_cli {

/// Where the sessions of browsers outlive a restart of the server: digests, 0600, replaced at once.
///
/// @thread_safety safe
class SessionFile {
 public:
  explicit SessionFile(std::filesystem::path path) : path_{std::move(path)} {}

  /// Gives the book the sessions that were kept. A file that is damaged, is somebody else's or is
  /// open to others is removed, and begins with none.
  /// @errors why there are none; not when there is no file
  credpool::Result<void> load(credpool::SessionBook& book, const credpool::Environment& environment,
                              credpool::TimePoint now);

  /// Writes what the book has, if that is not what stands there. Where that cannot be done the file
  /// is removed: what has ended must not come back.
  /// @errors those of replace_file()
  credpool::Result<void> keep(const credpool::SessionBook& book, credpool::TimePoint now);

 private:
  void forget();

  std::filesystem::path path_;
  std::mutex mutex_;
  std::string kept_;
};

}  // namespace credpool_cli
