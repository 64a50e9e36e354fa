#pragma once
// SPDX-License-Identifier: MIT

// Which credential gave which answer of the Responses API. Internal.

#include <credpool/credential/credential.hpp>

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// An answer is kept by the account that gave it: a request that continues it (with
/// `previous_response_id`) means nothing to any other. Remembers the last ones of this process.
/// @thread_safety safe
class ResponseOwners {
 public:
  void note(const std::string& response, const CredentialId& owner) {
    if (response.empty()) return;
    const std::lock_guard lock{mutex_};
    const auto [at, is_new] = owners_.insert_or_assign(response, owner);
    if (!is_new) return;
    order_.push_back(at);
    if (order_.size() <= most) return;
    owners_.erase(order_.front());
    order_.pop_front();
  }

  std::optional<CredentialId> owner(std::string_view response) const {
    const std::lock_guard lock{mutex_};
    const auto found = owners_.find(response);
    return found == owners_.end() ? std::nullopt : std::optional{found->second};
  }

 private:
  static constexpr std::size_t most = 20'000;
  using Owners = std::map<std::string, CredentialId, std::less<>>;

  mutable std::mutex mutex_;
  Owners owners_;
  std::deque<Owners::iterator> order_;  ///< the oldest first
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
