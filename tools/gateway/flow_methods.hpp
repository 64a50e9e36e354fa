#pragma once
// SPDX-License-Identifier: MIT

#include "flow_book.hpp"

#include <credpool/gateway/event_hub.hpp>
#include <credpool/rpc/dispatcher.hpp>

namespace credpool_cli {

struct GatewayContext;

/// What a FlowBook is told with: each change becomes the event `flow`. The hub outlives the book.
FlowBook::Changed flow_events(credpool::EventHub& events);

/// tokenDiscovery.refreshMethods, refreshToken, flow, flows, flowInput, cancelFlow. The book must
/// be stopped before what the context names goes.
void add_flow_methods(credpool::RpcDispatcher& dispatcher, GatewayContext& context);

}  // namespace credpool_cli
