#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/gateway/access.hpp>
#include <credpool/gateway/event_hub.hpp>
#include <credpool/server/exchange.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace credpool_cli {

/// The streams of events that are open, so that they can be ended.
/// @thread_safety safe
class EventFeeds {
 public:
  /// Answers with the hub's events for as long as the peer stays, is let in, and the server runs.
  void open(const std::shared_ptr<credpool::ServerExchange>& exchange, credpool::EventHub& hub,
            credpool::GatewayAccess& access, credpool::GatewayIdentity identity);
  /// Ends all of them, soon, each with a complete answer; no more are opened.
  void end();

 private:
  friend class EventFeed;
  std::uint64_t add(std::function<void()> end);
  void remove(std::uint64_t number);

  std::mutex mutex_;
  bool ended_ = false;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::function<void()>> open_;
};

}  // namespace credpool_cli
