#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace credpool_cli {

/// How an AccountKeeper works.
struct AccountKeeperOptions {
  std::function<credpool::TimePoint()> now;
  std::function<void(const credpool::Error&)> on_error;
  /// Single requests are forgotten when they are older; looked for once a day.
  credpool::Duration keep_requests;
  std::uint64_t forget_at_once = 1'000;  ///< in one transaction: a few milliseconds
};

/// What accounts need besides requests, on a thread of its own: filling up those that run low,
/// payments whose news never came, and forgetting what has ended or is old.
class AccountKeeper {
 public:
  /// @param api, store must outlive this
  AccountKeeper(credpool::AccountApi& api, credpool::AccountStore& store,
                AccountKeeperOptions options);
  ~AccountKeeper();
  AccountKeeper(const AccountKeeper&) = delete;
  AccountKeeper& operator=(const AccountKeeper&) = delete;

  /// Fills the account of that key up if it wants that, then calls `again`.
  void too_little(std::string digest, std::function<void()> again);
  /// An account has spent: it may have come to its threshold.
  void spent(const credpool::AccountId& account);

 private:
  void work();
  void fill_up(const credpool::AccountId& account);
  void look_after();
  /// @return whether there may be more
  bool forget_requests();

  credpool::AccountApi& api_;
  credpool::AccountStore& store_;
  const AccountKeeperOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::string, std::function<void()>>> waiting_;
  std::set<credpool::AccountId> spent_;
  bool ends_ = false;
  std::thread thread_;  ///< last: it uses the others
};

}  // namespace credpool_cli
