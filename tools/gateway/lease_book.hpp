#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/pool/lease.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace credpool_cli {

/// Leases that callers of the interface hold, by a name that cannot be guessed. One that is not
/// given back in time ends by itself, without penalty.
///
/// @thread_safety safe; must go before the pool does
class LeaseBook {
 public:
  LeaseBook();
  ~LeaseBook();
  LeaseBook(const LeaseBook&) = delete;
  LeaseBook& operator=(const LeaseBook&) = delete;

  /// @return its name
  /// @errors overloaded when there are too many
  credpool::Result<std::string> keep(credpool::Lease lease, credpool::Duration time);
  /// Gives it back.
  /// @return whose credential it was
  /// @errors not_found when there is no such lease (any more)
  credpool::Result<credpool::Credential> end(const std::string& name,
                                             const credpool::Outcome& outcome);
  std::size_t size() const;

 private:
  using Steady = std::chrono::steady_clock;
  struct Held {
    credpool::Lease lease;
    Steady::time_point until;
  };
  void watch();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Held, std::less<>> held_;
  bool stopping_ = false;
  std::thread watcher_;  ///< last: it uses the others
};

}  // namespace credpool_cli
