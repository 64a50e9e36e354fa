#pragma once
// SPDX-License-Identifier: MIT

#include "activity.hpp"

#include <credpool/gateway/event_hub.hpp>
#include <credpool/rpc/dispatcher.hpp>

namespace credpool_cli {

struct GatewayContext;
class ServingPool;
class Session;

/// The activity of a server: names from its pool, the event `activity` each second in which
/// something was served, days in its state directory. All of them outlive it.
ActivityOptions activity_options(const Session& session, ServingPool& pool,
                                 credpool::EventHub& events);

/// activity.recent and activity.days.
void add_activity_methods(credpool::RpcDispatcher& dispatcher, GatewayContext& context);

}  // namespace credpool_cli
