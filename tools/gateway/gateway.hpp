#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/gateway/access.hpp>
#include <credpool/gateway/event_hub.hpp>
#include <credpool/rpc/dispatcher.hpp>
#include <credpool/server/exchange.hpp>

#include <functional>

namespace credpool_cli {

class AccountsService;
class Activity;
class FlowBook;
class ServingPool;
class Session;

/// What the methods of the gateway work on; all of it outlives them.
struct GatewayContext {
  const Session& session;
  ServingPool& pool;
  AccountsService* accounts;  ///< null without accounts
  credpool::EventHub& events;
  Activity& activity;
  FlowBook& flows;
  std::function<void()> catalog_changed;  ///< to be called when the pool lends others than before
};

}  // namespace credpool_cli
