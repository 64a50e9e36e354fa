// SPDX-License-Identifier: MIT
// gateway.*, health and metrics.
#include "gateway.hpp"

#include "presentation.hpp"
#include "rpc_methods.hpp"

#include <credpool/core/iso8601.hpp>
#include <credpool/core/version.hpp>

#include <string>

namespace credpool_cli {

namespace cp = credpool;

namespace {

using cp::Scope;

constexpr auto token_result =
    R"({"type":"object","required":["name","token"],"properties":{"name":{"type":"string"},"token":{"type":"string"}}})";
constexpr auto name_only =
    R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false})";

Json scopes_json(cp::Scopes scopes) {
  auto names = Json::array();
  for (const auto scope : {Scope::read, Scope::operate, Scope::admin, Scope::secrets})
    if (scopes.has(scope)) names.push_back(cp::to_string(scope));
  return names;
}

/// What makes credentials is not for a page: whoever took a session over would keep one.
cp::Result<void> not_from_a_page(const cp::RpcCaller& caller) {
  if (caller.name != "session") return {};
  return cp::fail(cp::Errc::forbidden, "making a credential of the gateway", {},
                  "call it with a token: `credpool rpc` has one");
}

/// Nobody gets by a token what they may not do themselves.
cp::Result<void> covers(const cp::RpcCaller& caller, cp::Scopes scopes) {
  if (caller.scopes.has_all(scopes)) return {};
  return cp::fail(cp::Errc::forbidden, "handing out a token", {},
                  "it would have scopes that yours has not");
}

cp::Result<cp::TokenRecord> token_named(Gateway& gateway, const std::string& name) {
  for (auto& record : gateway.access().tokens().list())
    if (record.name == name) return std::move(record);
  return cp::fail(cp::Errc::not_found, "looking for a token", {},
                  "`gateway.tokens.list` says which there are");
}

/// Whether the caller may change a token that exists.
cp::Result<void> may_change(Gateway& gateway, const std::string& name,
                            const cp::RpcCaller& caller) {
  if (auto allowed = not_from_a_page(caller); !allowed) return allowed;
  const auto record = token_named(gateway, name);
  if (!record) return cp::fail(record.error());
  return covers(caller, record->scopes);
}

cp::Result<Json> list_tokens(Gateway& gateway, const cp::RpcCaller& caller) {
  if (auto allowed = not_from_a_page(caller); !allowed) return cp::fail(allowed.error());
  auto tokens = Json::array();
  for (const auto& record : gateway.access().tokens().list())
    tokens.push_back({{"name", record.name},
                      {"scopes", scopes_json(record.scopes)},
                      {"createdAt", time_json(record.created_at)},
                      {"expiresAt", time_json(record.expires_at)},
                      {"lastUsedAt", time_json(record.last_used_at)}});
  return Json{{"tokens", std::move(tokens)}};
}

cp::Result<Json> create_token(Gateway& gateway, const Json& params, const cp::RpcCaller& caller) {
  if (auto allowed = not_from_a_page(caller); !allowed) return cp::fail(allowed.error());
  cp::Scopes scopes;
  for (const auto& name : params.at("scopes"))
    if (const auto scope = cp::scope_of_name(name.get<std::string>())) scopes.add(*scope);
  if (auto covered = covers(caller, scopes); !covered) return cp::fail(covered.error());
  std::optional<cp::TimePoint> expires_at;
  if (const auto text = text_parameter(params, "expiresAt"); !text.empty()) {
    expires_at = cp::parse_iso8601(text);
    if (!expires_at)
      return cp::fail(cp::Errc::invalid_argument, "making a token", "expiresAt",
                      "give a time as 2027-01-31T12:00:00Z");
  }
  const auto name = text_parameter(params, "name");
  const auto token = gateway.create_token(name, scopes, expires_at);
  if (!token) return cp::fail(token.error());
  return Json{{"name", name},
              {"token", token->reveal()},
              {"scopes", scopes_json(scopes)},
              {"expiresAt", time_json(expires_at)}};
}

}  // namespace

void add_gateway_methods(cp::RpcDispatcher& dispatcher, Gateway& gateway) {
  add_method(dispatcher,
             {.name = "gateway.link",
              .scope = Scope::admin,
              .summary = "A link that opens the Control UI once, within two minutes.",
              .result = R"({"type":"object","required":["url","expiresAt"]})"},
             [&gateway](const Json&, const cp::RpcCaller& caller) -> cp::Result<Json> {
               if (auto allowed = not_from_a_page(caller); !allowed)
                 return cp::fail(allowed.error());
               const auto link = gateway.link(caller.scopes);
               if (!link) return cp::fail(link.error());
               return Json{{"url", link->url}, {"expiresAt", time_json(link->expires_at)}};
             });
  add_method(dispatcher,
             {.name = "gateway.whoami",
              .summary = "Who the server takes the caller for, and what that one may do.",
              .result = R"({"type":"object","required":["name","scopes","expiresAt"]})"},
             [](const Json&, const cp::RpcCaller& caller) -> cp::Result<Json> {
               return Json{{"name", caller.name},
                           {"scopes", scopes_json(caller.scopes)},
                           {"expiresAt", time_json(caller.expires_at)}};
             });
  add_method(dispatcher,
             {.name = "gateway.tokens.list",
              .scope = Scope::admin,
              .summary = "The tokens of the gateway; never their values.",
              .result = R"({"type":"object","required":["tokens"]})"},
             [&gateway](const Json&, const cp::RpcCaller& caller) {
               return list_tokens(gateway, caller);
             });
  add_method(
      dispatcher,
      {.name = "gateway.tokens.create",
       .scope = Scope::admin,
       .summary = "Makes a token with scopes that the caller has; it is shown this once.",
       .params =
           R"({"type":"object","properties":{"name":{"type":"string"},"scopes":{"type":"array","items":{"enum":["read","operate","admin","secrets"]}},"expiresAt":{"type":"string"}},"required":["name","scopes"],"additionalProperties":false})",
       .result = token_result},
      [&gateway](const Json& params, const cp::RpcCaller& caller) {
        return create_token(gateway, params, caller);
      });
  add_method(dispatcher,
             {.name = "gateway.tokens.rotate",
              .scope = Scope::admin,
              .summary = "Another value for a token; the old one is refused from now on.",
              .params = name_only,
              .result = token_result},
             [&gateway](const Json& params, const cp::RpcCaller& caller) -> cp::Result<Json> {
               const auto name = text_parameter(params, "name");
               if (auto allowed = may_change(gateway, name, caller); !allowed)
                 return cp::fail(allowed.error());
               const auto token = gateway.rotate_token(name);
               if (!token) return cp::fail(token.error());
               return Json{{"name", name}, {"token", token->reveal()}};
             });
  add_method(dispatcher,
             {.name = "gateway.tokens.revoke",
              .scope = Scope::admin,
              .summary = "Ends a token at once.",
              .params = name_only,
              .result = R"({"type":"object","required":["name"]})"},
             [&gateway](const Json& params, const cp::RpcCaller& caller) -> cp::Result<Json> {
               const auto name = text_parameter(params, "name");
               if (auto allowed = may_change(gateway, name, caller); !allowed)
                 return cp::fail(allowed.error());
               if (auto revoked = gateway.revoke_token(name); !revoked)
                 return cp::fail(revoked.error());
               return Json{{"name", name}};
             });
  add_method(dispatcher,
             {.name = "gateway.sessions.end",
              .scope = Scope::admin,
              .summary = "Signs all browsers out.",
              .result = R"({"type":"object","required":["ended"]})"},
             [&gateway](const Json&, const cp::RpcCaller& caller) -> cp::Result<Json> {
               if (auto allowed = not_from_a_page(caller); !allowed)
                 return cp::fail(allowed.error());
               return Json{{"ended", gateway.end_sessions()}};
             });
  add_method(dispatcher,
             {.name = "health",
              .summary = "Whether the server can serve, and if not, why.",
              .result = R"({"type":"object","required":["status","reasons","version"]})"},
             [&gateway](const Json&, const cp::RpcCaller&) -> cp::Result<Json> {
               const auto reasons = gateway.not_ready();
               return Json{{"status", reasons.empty() ? "ok" : "unavailable"},
                           {"reasons", reasons},
                           {"version", CREDPOOL_VERSION_STRING}};
             });
  add_method(dispatcher,
             {.name = "metrics",
              .summary = "The text of /metrics.",
              .result = R"({"type":"object","required":["text"]})"},
             [&gateway](const Json&, const cp::RpcCaller&) -> cp::Result<Json> {
               return Json{{"text", gateway.metrics()}};
             });
}

}  // namespace credpool_cli
