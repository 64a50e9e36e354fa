#pragma once
// SPDX-License-Identifier: MIT

#include "presentation.hpp"

#include <credpool/rpc/dispatcher.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace credpool_cli {

struct GatewayContext;

/// How a method of the interface is described; the schemas are JSON Schema texts.
struct MethodText {
  std::string name;
  credpool::Scope scope = credpool::Scope::read;
  std::string summary;
  std::string params = R"({"type":"object","properties":{},"additionalProperties":false})";
  std::string result = R"({"type":"object"})";
};

using JsonMethod =
    std::function<credpool::Result<Json>(const Json& params, const credpool::RpcCaller& caller)>;

/// Adds a method that takes and gives documents. Its parameters are an object that fits the schema.
void add_method(credpool::RpcDispatcher& dispatcher, MethodText text, JsonMethod run);

/// The parameter's text; empty when it is not given.
std::string text_parameter(const Json& params, std::string_view name);
/// Whether it is given and true; `fallback` when it is not given.
bool flag_parameter(const Json& params, std::string_view name, bool fallback = false);

/// Every method that works on a GatewayContext: all but those of the gateway itself.
void add_methods(credpool::RpcDispatcher& dispatcher, GatewayContext& context);

void add_discovery_methods(credpool::RpcDispatcher& dispatcher, GatewayContext& context);
void add_pool_methods(credpool::RpcDispatcher& dispatcher, GatewayContext& context);
void add_settings_methods(credpool::RpcDispatcher& dispatcher, GatewayContext& context);

}  // namespace credpool_cli
