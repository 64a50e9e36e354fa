#pragma once
// SPDX-License-Identifier: MIT
//
// Opt-in: needs SQLite. Not under the umbrella header.

#include <credpool/core/environment.hpp>
#include <credpool/core/result.hpp>
#include <credpool/store/state_directory.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What one credential served with one model on one day.
struct DayUse {
  std::chrono::sys_days day{};  ///< in UTC
  std::string credential;       ///< its id or the beginning of it; no token
  std::string profile_id;
  std::string provider;
  std::string model;
  std::uint64_t requests = 0;  ///< the failed ones, too
  std::uint64_t failed = 0;
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;

  friend bool operator==(const DayUse&, const DayUse&) = default;
};

/// Counters by day in one SQLite file (`activity.sqlite`, 0600) of the state directory: figures to
/// look at, not an account. A power cut may take the last moments.
///
/// @thread_safety caller serialises; several processes: safe, their counts add up
class SqliteDayUses {
 public:
  /// Opens the file, made when it is missing.
  /// @errors as SqliteState::open()
  static Result<SqliteDayUses> open(const StateDirectory& directory, const Environment& environment,
                                    Duration patience = std::chrono::seconds{5});

  /// Adds to what is there, in one transaction, and forgets all days before `oldest`.
  /// @errors busy, store_unwritable, permission_denied, malformed, io; nothing was added then
  Result<void> add(std::span<const DayUse> uses, std::chrono::sys_days oldest);

  /// From that day on; oldest day first, then by credential and model.
  /// @param most at most so many rows, the newest
  Result<std::vector<DayUse>> since(std::chrono::sys_days day, std::size_t most) const;

  /// The models of that time, those with most requests first.
  Result<std::vector<std::string>> models(std::chrono::sys_days since, std::size_t most) const;

 private:
  struct Connection;
  struct Close {
    void operator()(Connection* connection) const noexcept;
  };
  explicit SqliteDayUses(std::unique_ptr<Connection, Close> connection) noexcept;

  std::unique_ptr<Connection, Close> connection_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/sqlite_day_uses.ipp>
#endif
