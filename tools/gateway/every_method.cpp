// SPDX-License-Identifier: MIT
#include "account_methods.hpp"
#include "accounts_service.hpp"
#include "activity_methods.hpp"
#include "flow_methods.hpp"
#include "gateway.hpp"
#include "rpc_methods.hpp"

#include <optional>

namespace credpool_cli {

void add_methods(credpool::RpcDispatcher& dispatcher, GatewayContext& context) {
  add_discovery_methods(dispatcher, context);
  add_pool_methods(dispatcher, context);
  add_settings_methods(dispatcher, context);
  add_flow_methods(dispatcher, context);
  add_activity_methods(dispatcher, context);
  add_account_methods(dispatcher,
                      context.accounts ? std::optional{context.accounts->view()} : std::nullopt);
}

}  // namespace credpool_cli
