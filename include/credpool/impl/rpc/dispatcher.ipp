#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/rpc/dispatcher.hpp>

#include <credpool/config/settings.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/impl/rpc/schema_check.hpp>

#include <exception>
#include <map>
#include <stdexcept>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

/// Codes of JSON-RPC 2.0, section 5.1, and ours of its range for servers.
enum class RpcCode {
  parse_error = -32700,
  invalid_request = -32600,
  no_such_method = -32601,
  invalid_params = -32602,
  internal = -32603,
  failed = -32000,     ///< the method's own Error
  forbidden = -32001,  ///< the caller lacks the method's scope
};

inline std::string_view rpc_meaning(RpcCode code) noexcept {
  switch (code) {
    case RpcCode::parse_error:
      return "Parse error";
    case RpcCode::invalid_request:
      return "Invalid Request";
    case RpcCode::no_such_method:
      return "Method not found";
    case RpcCode::invalid_params:
      return "Invalid params";
    case RpcCode::internal:
      return "Internal error";
    case RpcCode::failed:
      return "Failed";
    case RpcCode::forbidden:
      return "Forbidden";
  }
  return "";
}

/// Ends the message of a fault with what names its place: the texts stand on their own.
struct RpcFault {
  RpcCode code = RpcCode::internal;
  Errc errc = Errc::invalid_argument;
  std::string message = {};
  std::string hint = {};
  std::string path = {};
  std::optional<TimePoint> retry_at = {};
};

/// @param id as JSON text
inline std::string rpc_refusal(const std::string& id, const RpcFault& fault) {
  OrderedJson data{
      {"code", to_string(fault.errc)}, {"message", fault.message}, {"hint", fault.hint}};
  if (!fault.path.empty()) data["path"] = fault.path;
  if (fault.retry_at) data["retryAt"] = format_iso8601(*fault.retry_at);
  const OrderedJson error{
      {"code", static_cast<int>(fault.code)},
      {"message",
       fault.code == RpcCode::failed ? fault.message : std::string{rpc_meaning(fault.code)}},
      {"data", data}};
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":)" + dump_json(error) + "}";
}

inline RpcFault rpc_fault_of(const Error& error) {
  return {RpcCode::failed, error.errc(), error.message(), error.hint, error.place, error.retry_at};
}

struct RpcEntry {
  RpcMethod method;
  OrderedJson params_schema;
  OrderedJson result_schema;
};

inline OrderedJson rpc_schema_of(const std::string& method, const std::string& text) {
  auto schema = parse_json_as<OrderedJson>(text);
  if (!schema)
    throw std::logic_error{"credpool::RpcDispatcher: a schema of " + method + ": " +
                           schema.error().message()};
  return std::move(*schema);
}

}  // namespace detail

struct RpcDispatcher::State {
  RpcInfo info;
  RpcLimits limits;
  std::map<std::string, detail::RpcEntry, std::less<>> methods;
  std::function<void(std::string_view, std::string_view)> on_fault;

  void add(RpcMethod method);
  /// The name of a request's method, if it is one of these.
  std::string_view known_name(const detail::Json& request) const;
  /// @return empty for a notification
  std::string answer_one(const detail::Json& request, const RpcCaller& caller) const;
  std::string call(const std::string& id, const std::string& name, const detail::Json& params,
                   const RpcCaller& caller) const;
};

CREDPOOL_INLINE void RpcDispatcher::State::add(RpcMethod method) {
  detail::RpcEntry entry{{},
                         detail::rpc_schema_of(method.name, method.params_schema),
                         detail::rpc_schema_of(method.name, method.result_schema)};
  const auto wrong = detail::unusable_in_schema(entry.params_schema);
  if (!wrong.empty() || entry.params_schema.value("type", "") != "object")
    throw std::logic_error{"credpool::RpcDispatcher: the parameters of " + method.name +
                           " cannot be checked: " + (wrong.empty() ? "no object" : wrong)};
  const auto name = method.name;
  entry.method = std::move(method);
  if (!methods.emplace(name, std::move(entry)).second)
    throw std::logic_error{"credpool::RpcDispatcher: " + name + " is there twice"};
}

CREDPOOL_INLINE std::string_view RpcDispatcher::State::known_name(
    const detail::Json& request) const {
  const auto found = methods.find(detail::text_or_empty(request, "method"));
  return found == methods.end() ? "unknown" : std::string_view{found->first};
}

CREDPOOL_INLINE std::string RpcDispatcher::State::call(const std::string& id,
                                                       const std::string& name,
                                                       const detail::Json& params,
                                                       const RpcCaller& caller) const {
  using detail::RpcCode;
  const auto found = methods.find(name);
  if (found == methods.end()) {
    std::vector<std::string_view> names;
    for (const auto& [known, entry] : methods) names.push_back(known);
    const auto nearest = nearest_name(name, names);
    return detail::rpc_refusal(
        id,
        {RpcCode::no_such_method, Errc::not_found, "there is no such method",
         nearest ? "did you mean " + std::string{*nearest} + "?" : "rpc.discover lists them all"});
  }
  const auto& entry = found->second;
  const auto& method = entry.method;
  if (!caller.scopes.has(method.scope))
    return detail::rpc_refusal(id, {RpcCode::forbidden, Errc::forbidden,
                                    method.name + " needs more than this caller may do",
                                    "it needs the scope " + std::string{to_string(method.scope)}});
  if (const auto fault = detail::schema_fault(entry.params_schema, params)) {
    const auto where = fault->path.empty() ? std::string{"params"} : "params." + fault->path;
    return detail::rpc_refusal(
        id, {RpcCode::invalid_params, Errc::invalid_argument,
             method.name + ": " + (fault->path.empty() ? "" : fault->path + " ") + fault->message,
             fault->hint, where});
  }
  try {
    const auto result = method.run(detail::dump_json(params), caller);
    if (!result) return detail::rpc_refusal(id, detail::rpc_fault_of(result.error()));
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + *result + "}";
  } catch (const std::exception& thrown) {
    // What it says may quote anything; it is for the log alone.
    if (on_fault) on_fault(method.name, thrown.what());
    return detail::rpc_refusal(
        id, {RpcCode::internal, Errc::io, method.name + " failed by a fault of this program",
             "the log of the server says more"});
  }
}

CREDPOOL_INLINE std::string RpcDispatcher::State::answer_one(const detail::Json& request,
                                                             const RpcCaller& caller) const {
  using detail::RpcCode;
  const auto invalid = [](const std::string& id, std::string message, std::string hint = {}) {
    return detail::rpc_refusal(id, {RpcCode::invalid_request, Errc::invalid_argument,
                                    std::move(message), std::move(hint)});
  };
  if (!request.is_object()) return invalid("null", "a request is an object");
  const auto* const given_id = detail::member(request, "id");
  if (given_id != nullptr && !given_id->is_string() && !given_id->is_null() &&
      !given_id->is_number_integer())
    return invalid("null", "the id is no string, integer or null");
  const auto id = given_id == nullptr ? std::string{"null"} : detail::dump_json(*given_id);
  if (detail::text_or_empty(request, "jsonrpc") != "2.0")
    return invalid(id, "this is no request of JSON-RPC 2.0", R"(it needs "jsonrpc": "2.0")");
  const auto name = detail::text_member(request, "method");
  if (!name) return invalid(id, "the method's name is missing or no string");

  std::string answer;
  const auto* const params = detail::member(request, "params");
  if (params == nullptr || (params->is_array() && params->empty()))
    answer = call(id, std::string{*name}, detail::Json::object(), caller);
  else if (params->is_object())
    answer = call(id, std::string{*name}, *params, caller);
  else if (params->is_array())
    answer = detail::rpc_refusal(id, {RpcCode::invalid_params, Errc::invalid_argument,
                                      "parameters go by name here, not by position",
                                      R"(give an object: {"name": value})", "params"});
  else
    answer = invalid(id, "the parameters are no object");
  if (given_id == nullptr) return {};
  return answer;
}

CREDPOOL_INLINE RpcDispatcher::RpcDispatcher(RpcInfo info, RpcLimits limits)
    : state_{new State{std::move(info), limits, {}, {}}} {
  state_->add(
      {"rpc.discover", Scope::read, "The OpenRPC document of this interface.",
       R"({"type":"object","properties":{},"additionalProperties":false})", R"({"type":"object"})",
       [this](std::string_view, const RpcCaller&) -> Result<std::string> { return openrpc(); }});
}

CREDPOOL_INLINE RpcDispatcher::~RpcDispatcher() = default;

CREDPOOL_INLINE void RpcDispatcher::add(RpcMethod method) {
  if (method.name.starts_with("rpc."))
    throw std::logic_error{"credpool::RpcDispatcher: " + method.name + " has a reserved name"};
  state_->add(std::move(method));
}

CREDPOOL_INLINE void RpcDispatcher::on_fault(
    std::function<void(std::string_view, std::string_view)> tell) {
  state_->on_fault = std::move(tell);
}

CREDPOOL_INLINE std::string RpcDispatcher::handle(std::string_view message, const RpcCaller& caller,
                                                  std::string* called) const {
  using detail::RpcCode;
  if (message.size() > state_->limits.max_bytes)
    return detail::rpc_refusal(
        "null", {RpcCode::invalid_request, Errc::too_large, "the message is too large",
                 "at most " + std::to_string(state_->limits.max_bytes) + " bytes"});
  const auto parsed = detail::parse_json(message, {.max_depth = state_->limits.max_depth});
  if (!parsed) {
    const auto& error = parsed.error();
    return detail::rpc_refusal(
        "null", {RpcCode::parse_error, error.errc(), error.message(), error.hint, error.place});
  }
  if (!parsed->is_array()) {
    if (called != nullptr) *called = state_->known_name(*parsed);
    return state_->answer_one(*parsed, caller);
  }
  if (parsed->empty() || parsed->size() > state_->limits.max_batch)
    return detail::rpc_refusal(
        "null",
        {RpcCode::invalid_request, parsed->empty() ? Errc::invalid_argument : Errc::too_large,
         parsed->empty() ? "the batch is empty" : "the batch is too large",
         "1 to " + std::to_string(state_->limits.max_batch) + " requests"});
  if (called != nullptr) {
    *called = state_->known_name(parsed->front());
    if (parsed->size() > 1) *called += " +" + std::to_string(parsed->size() - 1);
  }
  std::string answers;
  for (const auto& request : *parsed) {
    const auto answer = state_->answer_one(request, caller);
    if (!answer.empty()) answers.append(answers.empty() ? "[" : ",").append(answer);
  }
  if (!answers.empty()) answers += "]";
  return answers;
}

CREDPOOL_INLINE std::vector<std::string> RpcDispatcher::methods() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : state_->methods) names.push_back(name);
  return names;
}

CREDPOOL_INLINE std::string RpcDispatcher::openrpc() const {
  using detail::OrderedJson;
  OrderedJson methods = OrderedJson::array();
  for (const auto& [name, entry] : state_->methods) {
    OrderedJson params = OrderedJson::array();
    const auto required = entry.params_schema.value("required", OrderedJson::array());
    const auto properties = entry.params_schema.value("properties", OrderedJson::object());
    for (const auto& [parameter, schema] : properties.items()) {
      OrderedJson descriptor{{"name", parameter}};
      if (schema.is_object() && schema.contains("description"))
        descriptor["description"] = schema["description"];
      descriptor["required"] =
          std::find(required.begin(), required.end(), parameter) != required.end();
      descriptor["schema"] = schema;
      params.push_back(std::move(descriptor));
    }
    methods.push_back({{"name", name},
                       {"summary", entry.method.summary},
                       {"paramStructure", "by-name"},
                       {"params", std::move(params)},
                       {"result", {{"name", "result"}, {"schema", entry.result_schema}}},
                       {"x-scope", to_string(entry.method.scope)}});
  }
  OrderedJson info{{"title", state_->info.title}, {"version", state_->info.version}};
  if (!state_->info.description.empty()) info["description"] = state_->info.description;
  return detail::dump_json(OrderedJson{{"openrpc", "1.3.2"}, {"info", info}, {"methods", methods}});
}

}  // namespace credpool::inline CREDPOOL_ABI
