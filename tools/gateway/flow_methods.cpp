// SPDX-License-Identifier: MIT
// tokenDiscovery.refreshMethods, refreshToken, flow, flows, flowInput, cancelFlow.

#include "flow_book.hpp"
#include "flow_methods.hpp"
#include "flow_offer.hpp"
#include "flow_work.hpp"
#include "gateway.hpp"
#include "history_notes.hpp"
#include "refresh_login.hpp"
#include "rpc_methods.hpp"
#include "serving_pool.hpp"

#include <algorithm>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// On one line, whatever stands in it.
std::string one_line(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

using CredentialPointer = std::shared_ptr<const cp::Credential>;

/// What the caller wants to have refreshed.
struct Wanted {
  std::string cli;
  CredentialPointer credential;  ///< null: none is there yet
};

/// The credential that is named, or that of the CLI which needs it most.
cp::Result<Wanted> wanted_of(const Json& params, const std::vector<CredentialPointer>& there) {
  const auto cli = text_parameter(params, "cli");
  const auto hash = text_parameter(params, "tokenHash");
  const auto name = text_parameter(params, "credential");
  const auto pick = [&](const auto& fits) {
    const auto found = std::find_if(there.begin(), there.end(), fits);
    return found == there.end() ? CredentialPointer{} : *found;
  };
  if (!hash.empty() || !name.empty()) {
    auto one = pick([&](const CredentialPointer& each) {
      return (hash.empty() || each->token_hash() == hash) &&
             (name.empty() || each->id.hex() == name || each->profile_id == name) &&
             (cli.empty() || each->cli == cli);
    });
    if (!one)
      return cp::fail(cp::Errc::not_found, "refreshing a login", {},
                      "there is no such credential any more; look at tokenDiscovery.status");
    return Wanted{one->cli, one};
  }
  if (cli.empty())
    return cp::fail(cp::Errc::invalid_argument, "refreshing a login", {},
                    "name a cli, a tokenHash or a credential");
  const auto now = cp::SystemClock{}.now();
  auto one = pick([&](const auto& each) {
    return each->cli == cli && each->kind == cp::Kind::oauth && !each->usable_at(now);
  });
  if (!one)
    one = pick([&](const auto& each) { return each->cli == cli && each->kind == cp::Kind::oauth; });
  if (!one) one = pick([&](const auto& each) { return each->cli == cli; });
  return Wanted{cli, one};
}

std::vector<OfferedMethod> offered_here(const GatewayContext& context,
                                        const cp::LoginProvider& login,
                                        const cp::Credential* credential) {
  return offered_methods(login, credential, *context.pool.refresher(), *context.pool.sources(),
                         *context.pool.settings(), context.session.environment(),
                         context.pool.now());
}

Json offered_json(const OfferedMethod& one) {
  return {{"name", cp::to_string(one.method)},
          {"title", title_of(one.method)},
          {"sentence", sentence_of(one.method)},
          {"recommended", one.recommended},
          {"available", one.available},
          {"why", one.why},
          {"url", one.url.empty() ? Json(nullptr) : Json(one.url)},
          {"command", one.command.empty() ? Json(nullptr) : Json(one.command)}};
}

cp::Result<Json> refresh_methods_of(const GatewayContext& context, const Json& params) {
  const auto there = context.pool.credentials();
  const auto wanted = wanted_of(params, there);
  if (!wanted) return cp::fail(wanted.error());
  const auto known = KnownLogin::find(wanted->cli, there);
  if (!known) return cp::fail(known.error());
  const auto row = known->row();
  Json methods = Json::array();
  for (const auto& one : offered_here(context, row, wanted->credential.get()))
    methods.push_back(offered_json(one));
  return Json{
      {"cli", wanted->cli},
      {"name", row.name},
      {"note", row.note.empty() ? Json(nullptr) : Json(row.note)},
      {"credential", wanted->credential ? Json(wanted->credential->id.hex()) : Json(nullptr)},
      {"methods", std::move(methods)}};
}

/// The pool lends the new token from now on; its watch tells who listens.
void take_over(const GatewayContext& context) {
  if (context.pool.look(true)) context.catalog_changed();
}

/// Without a person: by our exchange, or by the login's own CLI.
cp::Result<Json> refresh_now(const GatewayContext& context, const cp::Credential& credential,
                             bool force) {
  const auto refresher = context.pool.refresher();
  const auto way = way_to_refresh(*refresher, credential, {});
  if (!way) return cp::fail(way.error());
  const auto report = refresher->refresh(credential, *way, {.refused_token = {}, .force = force});
  if (!report) return cp::fail(report.error());
  take_over(context);
  if (auto noted = note_discovered(context.session, *context.pool.settings(), {credential}); !noted)
    context.session.warn(harmless(noted.error().message()));
  return refreshed_json(credential, report);
}

cp::Result<Json> begin_flow(GatewayContext& context, const Json& params, const Wanted& wanted,
                            const KnownLogin& known, const OfferedMethod& method) {
  Flow flow;
  flow.cli = wanted.cli;
  if (wanted.credential) flow.credential = wanted.credential->id.hex();
  flow.method = cp::to_string(method.method);
  flow.command = method.command;
  const auto profile = text_parameter(params, "profile");
  const auto comes_back = text_parameter(params, "return") == "paste" ? cp::BrowserReturn::paste
                                                                      : cp::BrowserReturn::loopback;
  auto started = context.flows.start(
      std::move(flow),
      [&context, known, method = method.method, profile,
       comes_back](FlowPerson& person) -> cp::Result<Kept> {
        const auto session = context.session.quiet();
        auto kept = do_flow(session, context.pool.sources(), *context.pool.settings(),
                            {known.row(), method, profile, comes_back}, person);
        if (kept) take_over(context);
        return kept;
      });
  if (!started) return cp::fail(started.error());
  return Json{{"flow", flow_json(*started, true)}};
}

cp::Result<Json> refresh_token(GatewayContext& context, const Json& params) {
  const auto there = context.pool.credentials();
  const auto wanted = wanted_of(params, there);
  if (!wanted) return cp::fail(wanted.error());
  const auto known = KnownLogin::find(wanted->cli, there);
  if (!known) return cp::fail(known.error());
  const auto offered = offered_here(context, known->row(), wanted->credential.get());
  const auto name = text_parameter(params, "method");
  const auto chosen = std::find_if(offered.begin(), offered.end(), [&](const auto& one) {
    return name.empty() ? one.recommended : cp::to_string(one.method) == name;
  });
  const auto refused = [&](std::string hint) {
    return cp::fail(cp::Errc::unsupported, "refreshing a login", wanted->cli, std::move(hint));
  };
  if (chosen == offered.end())
    return refused("it has no such method; tokenDiscovery.refreshMethods lists those it has");
  if (chosen->method == cp::LoginMethod::oauth_refresh) {
    if (!wanted->credential) return refused(chosen->why);
    return refresh_now(context, *wanted->credential, flag_parameter(params, "force"));
  }
  if (!chosen->available) return refused(chosen->why);
  return begin_flow(context, params, *wanted, *known, *chosen);
}

cp::Result<Json> flow_or_error(const cp::Result<Flow>& flow) {
  if (!flow) return cp::fail(flow.error());
  return flow_json(*flow, true);
}

constexpr const char* which_login =
    R"("cli":{"type":"string","maxLength":64},"tokenHash":{"type":"string","maxLength":128},)"
    R"("credential":{"type":"string","maxLength":256})";

std::string object_of(const std::string& properties, const std::string& required = {}) {
  return R"({"type":"object","properties":{)" + properties + "}," +
         (required.empty() ? "" : R"("required":[)" + required + "],") +
         R"("additionalProperties":false})";
}

const std::string flow_id = R"("id":{"type":"string","maxLength":64})";

}  // namespace

FlowBook::Changed flow_events(cp::EventHub& events) {
  return [&events](const Flow& flow) { events.publish("flow", one_line(flow_json(flow, false))); };
}

void add_flow_methods(cp::RpcDispatcher& dispatcher, GatewayContext& context) {
  add_method(dispatcher,
             {.name = "tokenDiscovery.refreshMethods",
              .scope = cp::Scope::read,
              .summary = "The ways to get a login or key anew, the recommended one first.",
              .params = object_of(which_login)},
             [&context](const Json& params, const cp::RpcCaller&) {
               return refresh_methods_of(context, params);
             });
  add_method(
      dispatcher,
      {.name = "tokenDiscovery.refreshToken",
       .scope = cp::Scope::admin,
       .summary = "Gets a login a new token: at once, or by a flow that a person takes part in.",
       .params = object_of(
           std::string{which_login} +
           R"(,"method":{"type":"string","enum":["oauth-refresh","oauth-browser","oauth-device",)"
           R"("api-key-web","cli-command","manual"]},"force":{"type":"boolean"},)"
           R"("profile":{"type":"string","maxLength":128},)"
           R"("return":{"type":"string","enum":["loopback","paste"]})")},
      [&context](const Json& params, const cp::RpcCaller&) {
        return refresh_token(context, params);
      });
  add_method(dispatcher,
             {.name = "tokenDiscovery.flow",
              .scope = cp::Scope::read,
              .summary = "How a refresh with a person stands.",
              .params = object_of(flow_id, R"("id")")},
             [&context](const Json& params, const cp::RpcCaller&) {
               return flow_or_error(context.flows.find(text_parameter(params, "id")));
             });
  add_method(dispatcher,
             {.name = "tokenDiscovery.flows",
              .scope = cp::Scope::read,
              .summary = "All refreshes with a person, newest first; ended ones for a while."},
             [&context](const Json&, const cp::RpcCaller&) -> cp::Result<Json> {
               Json flows = Json::array();
               for (const auto& flow : context.flows.all()) flows.push_back(flow_json(flow, true));
               return Json{{"flows", std::move(flows)}};
             });
  add_method(dispatcher,
             {.name = "tokenDiscovery.flowInput",
              .scope = cp::Scope::admin,
              .summary = "Answers a flow's question; what is given is never shown again.",
              .params = object_of(flow_id + R"(,"text":{"type":"string","maxLength":16384})",
                                  R"("id","text")")},
             [&context](const Json& params, const cp::RpcCaller&) {
               auto text = text_parameter(params, "text");
               const cp::Secret secret{text};
               cp::wipe(text.data(), text.size());
               return flow_or_error(context.flows.input(text_parameter(params, "id"), secret));
             });
  add_method(dispatcher,
             {.name = "tokenDiscovery.cancelFlow",
              .scope = cp::Scope::admin,
              .summary = "Ends a refresh with a person; nothing is changed by it.",
              .params = object_of(flow_id, R"("id")")},
             [&context](const Json& params, const cp::RpcCaller&) {
               return flow_or_error(context.flows.cancel(text_parameter(params, "id")));
             });
}

}  // namespace credpool_cli
