// SPDX-License-Identifier: MIT
#include "rpc_methods.hpp"

namespace credpool_cli {

namespace cp = credpool;

void add_method(cp::RpcDispatcher& dispatcher, MethodText text, JsonMethod run) {
  dispatcher.add({std::move(text.name), text.scope, std::move(text.summary), std::move(text.params),
                  std::move(text.result),
                  [run = std::move(run)](std::string_view params,
                                         const cp::RpcCaller& caller) -> cp::Result<std::string> {
                    // The dispatcher has parsed and checked it.
                    const auto result = run(Json::parse(params), caller);
                    if (!result) return cp::fail(result.error());
                    return result->dump(-1, ' ', false, Json::error_handler_t::replace);
                  }});
}

std::string text_parameter(const Json& params, std::string_view name) {
  const auto found = params.find(name);
  return found != params.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

bool flag_parameter(const Json& params, std::string_view name, bool fallback) {
  const auto found = params.find(name);
  return found != params.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

}  // namespace credpool_cli
