// SPDX-License-Identifier: MIT
// cooldown.*, pool.simulate, and the history of what the pool lends.
#include "rpc_methods.hpp"

#include "gateway.hpp"
#include "history_notes.hpp"
#include "history_page.hpp"
#include "pool_report.hpp"
#include "serving_pool.hpp"
#include "simulation_report.hpp"

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr auto nothing = R"({"type":"object","properties":{},"additionalProperties":false})";

cp::Result<Json> history(GatewayContext& context, HistoryPages& pages, const Json& params) {
  const auto document = open_history(context.session, *context.pool.settings());
  if (!document) return cp::fail(document.error());
  HistoryQuery query;
  query.cli = text_parameter(params, "cli");
  query.text = text_parameter(params, "text");
  query.status = text_parameter(params, "status");
  query.offset = params.value("offset", std::size_t{0});
  query.limit = params.value("limit", std::size_t{100});
  query.oldest_first = text_parameter(params, "order") == "oldest";
  const auto page = pages.page(*document, query);
  if (!page) return cp::fail(page.error());
  Json entries = Json::array();
  for (const auto& entry : page->entries) entries.push_back(history_entry_json(entry));
  Json verified = nullptr;
  if (flag_parameter(params, "verify", true)) {
    const auto verdict = pages.verdict(*document);
    if (!verdict) return cp::fail(verdict.error());
    verified = Json{{"ok", verdict->ok()},
                    {"records", verdict->records},
                    {"detail", verdict->ok() ? "" : harmless(verdict->detail)}};
  }
  return Json{{"entries", std::move(entries)},
              {"total", page->total},
              {"matching", page->matching},
              {"path", document->path().string()},
              {"verified", std::move(verified)}};
}

cp::Result<Json> clear_history(GatewayContext& context) {
  auto document = open_history(context.session, *context.pool.settings());
  if (!document) return cp::fail(document.error());
  const auto change = document->clear(context.pool.now());
  if (!change) return cp::fail(change.error());
  return Json{{"removed", change->changed}};
}

cp::Result<Json> clear_cooldowns(GatewayContext& context, const Json& params) {
  const auto cleared = context.pool.pool().clear_cooldowns(text_parameter(params, "credential"),
                                                           text_parameter(params, "model"));
  if (!cleared) return cp::fail(cleared.error());
  return Json{{"cleared", *cleared}};
}

cp::Result<Json> simulate(const Json& params) {
  SimulateOptions options;
  options.credentials = params.value("accounts", options.credentials);
  options.requests = params.value("requests", options.requests);
  options.limit_per_minute = params.value("limitPerMinute", options.limit_per_minute);
  options.sessions = params.value("sessions", options.sessions);
  options.seed = params.value("seed", options.seed);
  const auto trace = generated_trace(options);
  if (!trace) return cp::fail(trace.error());
  const auto all = simulations(*trace, params.value("policies", std::vector<std::string>{}));
  if (!all) return cp::fail(all.error());
  return simulations_json(*trace, *all);
}

}  // namespace

void add_pool_methods(cp::RpcDispatcher& dispatcher, GatewayContext& context) {
  using cp::Scope;
  const auto pages = std::make_shared<HistoryPages>();
  add_method(
      dispatcher,
      {"tokenDiscovery.getHistory", Scope::read,
       "What was found and used when, by hash: a page of it, newest first.",
       R"({"type":"object","properties":{
            "limit":{"type":"integer","minimum":1,"maximum":1000,"description":"Entries of a page (default: 100)."},
            "offset":{"type":"integer","minimum":0,"maximum":100000000},
            "cli":{"type":"string","maxLength":64},
            "text":{"type":"string","maxLength":256,"description":"Stands in the profile, CLI, provider, token hash or id."},
            "status":{"type":"string","maxLength":64},
            "order":{"enum":["newest","oldest"]},
            "verify":{"type":"boolean","description":"Check that nobody changed it (default: true)."}},
           "additionalProperties":false})",
       R"({"type":"object","properties":{"entries":{"type":"array","items":{"type":"object"}},
            "total":{"type":"integer"},"matching":{"type":"integer"},"path":{"type":"string"},
            "verified":{"type":["object","null"]}}})"},
      [&context, pages](const Json& params, const cp::RpcCaller&) {
        return history(context, *pages, params);
      });
  add_method(dispatcher,
             {"tokenDiscovery.clearHistory", Scope::admin, "Removes every entry of the history.",
              nothing, R"({"type":"object","properties":{"removed":{"type":"integer"}}})"},
             [&context](const Json&, const cp::RpcCaller&) { return clear_history(context); });
  add_method(
      dispatcher,
      {"cooldown.list", Scope::read, "Credentials that wait for a limit's end.", nothing,
       R"({"type":"object","properties":{"cooldowns":{"type":"array","items":{"type":"object"}}}})"},
      [&context](const Json&, const cp::RpcCaller&) -> cp::Result<Json> {
        return Json{{"cooldowns", cooldowns_json(context.pool.pool())}};
      });
  add_method(dispatcher,
             {"cooldown.clear", Scope::operate, "Ends cooldowns now: of one credential, or of all.",
              R"({"type":"object","properties":{
            "credential":{"type":"string","maxLength":256,"description":"Its profile id or id (default: all)."},
            "model":{"type":"string","maxLength":256,"description":"Only the cooldown of this model."}},
           "additionalProperties":false})",
              R"({"type":"object","properties":{"cleared":{"type":"integer"}}})"},
             [&context](const Json& params, const cp::RpcCaller&) {
               return clear_cooldowns(context, params);
             });
  add_method(
      dispatcher,
      {"pool.simulate", Scope::read,
       "The same made-up requests and limits through every policy, side by side.",
       R"({"type":"object","properties":{
            "policies":{"type":"array","items":{"type":"string","maxLength":32},"maxItems":16,"description":"Default: all."},
            "accounts":{"type":"integer","minimum":1,"maximum":200},
            "requests":{"type":"integer","minimum":1,"maximum":100000},
            "limitPerMinute":{"type":"integer","minimum":1,"maximum":1000000},
            "sessions":{"type":"integer","minimum":1,"maximum":10000},
            "seed":{"type":"integer","minimum":0,"maximum":9007199254740991}},
           "additionalProperties":false})",
       R"({"type":"object","properties":{"accounts":{"type":"integer"},"requests":{"type":"integer"},
            "policies":{"type":"array","items":{"type":"object"}}}})"},
      [](const Json& params, const cp::RpcCaller&) { return simulate(params); });
}

}  // namespace credpool_cli
