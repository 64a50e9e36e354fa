// SPDX-License-Identifier: MIT
// activity.recent and activity.days: what the proxy served.

#include "activity_methods.hpp"

#include "gateway.hpp"
#include "rpc_methods.hpp"
#include "serving_pool.hpp"

#include <credpool/core/iso8601.hpp>

#include <algorithm>

namespace credpool_cli {

namespace cp = credpool;

namespace {

ServedBy served_by(const ServingPool& pool, std::string_view short_id) {
  for (const auto& credential : pool.credentials())
    if (credential->id.hex().starts_with(short_id))
      return {credential->id.hex(), credential->profile_id, credential->provider};
  return {std::string{short_id}, {}, {}};
}

/// The last so many of them.
template <class Counters> Json last_of(const Counters& counters, std::size_t count) {
  Json list = Json::array();
  for (std::size_t i = counters.size() - count; i < counters.size(); ++i)
    list.push_back(counters[i]);
  return list;
}

Json hour_json(const Activity::Hour& hour, std::size_t count) {
  Json credentials = Json::array();
  for (const auto& one : hour.credentials)
    credentials.push_back({{"id", one.by.id},
                           {"profileId", one.by.profile_id},
                           {"provider", one.by.provider},
                           {"requests", last_of(one.requests, count)},
                           {"failed", last_of(one.failed, count)},
                           {"tokens", last_of(one.tokens, count)}});
  Json models = Json::array();
  for (const auto& one : hour.models)
    models.push_back({{"model", one.model}, {"requests", last_of(one.requests, count)}});
  const auto from = hour.from + std::chrono::minutes{Activity::minutes - count};
  return {{"from", time_json(from)},
          {"minutes", count},
          {"credentials", std::move(credentials)},
          {"models", std::move(models)}};
}

std::string day_text(std::chrono::sys_days day) {
  constexpr std::size_t date = 10;  // "2026-11-21" of the whole time
  return cp::format_iso8601(cp::TimePoint{day.time_since_epoch()}).substr(0, date);
}

int count_parameter(const Json& params, const char* name, int fallback) {
  const auto given = params.find(name);
  return given == params.end() ? fallback : given->get<int>();
}

}  // namespace

ActivityOptions activity_options(const Session& session, ServingPool& pool, cp::EventHub& events) {
  ActivityOptions options;
  options.name = [&pool](std::string_view id) { return served_by(pool, id); };
  options.each_second = [&pool, &events](const std::vector<ServedRow>& rows) {
    Json served = Json::array();
    for (const auto& row : rows)
      served.push_back({{"id", served_by(pool, row.credential).id},
                        {"model", row.model},
                        {"requests", row.served.requests},
                        {"failed", row.served.failed},
                        {"tokens", row.served.tokens()}});
    const Json event{{"at", time_json(pool.now())}, {"served", std::move(served)}};
    events.publish("activity", event.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  options.trouble = [&session](const cp::Error& error) {
    session.warn(harmless(error.message()) + "; the counters by day wait");
  };
  if (pool.directory()) {
    auto days = cp::SqliteDayUses::open(*pool.directory(), session.environment());
    if (days)
      options.days = std::move(*days);
    else
      session.warn(harmless(days.error().message()) + "; what is served is not kept by day");
  }
  return options;
}

void add_activity_methods(cp::RpcDispatcher& dispatcher, GatewayContext& context) {
  add_method(
      dispatcher,
      {.name = "activity.recent",
       .scope = cp::Scope::read,
       .summary = "What each credential and model served in each of the last minutes.",
       .params =
           R"({"type":"object","properties":{"minutes":{"type":"integer","minimum":1,"maximum":60}},)"
           R"("additionalProperties":false})"},
      [&context](const Json& params, const cp::RpcCaller&) -> cp::Result<Json> {
        const auto count = count_parameter(params, "minutes", 60);
        return hour_json(context.activity.hour(), static_cast<std::size_t>(count));
      });
  add_method(
      dispatcher,
      {.name = "activity.days",
       .scope = cp::Scope::read,
       .summary = "What each credential served with each model on each of the last days (UTC).",
       .params =
           R"({"type":"object","properties":{"days":{"type":"integer","minimum":1,"maximum":90}},)"
           R"("additionalProperties":false})"},
      [&context](const Json& params, const cp::RpcCaller&) -> cp::Result<Json> {
        const auto kept = context.activity.days(count_parameter(params, "days", 30));
        if (!kept) return cp::fail(kept.error());
        Json days = Json::array();
        for (const auto& use : *kept)
          days.push_back({{"day", day_text(use.day)},
                          {"id", use.credential},
                          {"profileId", use.profile_id},
                          {"provider", use.provider},
                          {"model", use.model},
                          {"requests", use.requests},
                          {"failed", use.failed},
                          {"inputTokens", use.input_tokens},
                          {"outputTokens", use.output_tokens}});
        return Json{{"days", std::move(days)}};
      });
}

}  // namespace credpool_cli
