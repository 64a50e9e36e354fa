#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/impl/account/api_input.hpp>
#include <credpool/impl/account/api_state.hpp>

#include <algorithm>
#include <chrono>
#include <map>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// "2026-11-21" as a day; none for anything else.
inline std::optional<std::chrono::sys_days> day_of_text(std::string_view text) {
  if (text.size() != 10) return std::nullopt;
  const auto midnight = parse_iso8601(std::string{text} + "T00:00:00Z");
  if (!midnight) return std::nullopt;
  return std::chrono::floor<std::chrono::days>(*midnight);
}

inline std::string day_text(std::chrono::sys_days day) {
  return format_iso8601(TimePoint{day}).substr(0, 10);
}

CREDPOOL_INLINE OrderedJson usage_summary(std::vector<UsageDay> days, std::string_view today_text) {
  using namespace std::chrono;
  const auto today = day_of_text(today_text).value_or(sys_days{});
  const auto monday = day_text(today - (weekday{today} - Monday));
  const year_month_day date{today};
  const auto first_of_month = day_text(date.year() / date.month() / 1);

  struct Model {
    std::uint64_t requests = 0;
    std::uint64_t tokens = 0;
    Money cost;
  };
  std::map<std::string, Model> models;
  Money daily, weekly, monthly;
  std::uint64_t requests = 0;
  for (const auto& day : days) {
    if (day.day == today_text) daily += day.cost;
    if (day.day >= monday) weekly += day.cost;
    if (day.day >= first_of_month) monthly += day.cost;
    requests += day.requests;
    auto& model = models[day.model];
    model.requests += day.requests;
    model.tokens += day.input_tokens + day.output_tokens;
    model.cost += day.cost;
  }
  OrderedJson json;
  json["usage_daily"] = api_money(daily);
  json["usage_weekly"] = api_money(weekly);
  json["usage_monthly"] = api_money(monthly);
  json["requests_count"] = requests;
  json["model_usage"] = OrderedJson::array();
  for (const auto& [name, model] : models)
    json["model_usage"].push_back({{"model", name},
                                   {"requests", model.requests},
                                   {"tokens", model.tokens},
                                   {"cost", api_money(model.cost)}});
  return json;
}

/// The days that a query asks for: by default the last thirty, at most a year and a day.
struct UsageSpan {
  std::string first;
  std::string last;
};

inline UsageSpan read_usage_span(ApiQuery& query, const std::string& today_text) {
  const auto read = [&](std::string_view name, std::chrono::sys_days usual) {
    const auto text = query.text(name);
    if (text.empty()) return usual;
    const auto day = day_of_text(text);
    if (!day) query.refuse(name, " must be a day such as 2026-11-21.");
    return day.value_or(usual);
  };
  const auto last = read("to", day_of_text(today_text).value_or(std::chrono::sys_days{}));
  const auto first = read("from", last - std::chrono::days{29});
  if (first > last) query.refuse("from", " must not be after to.");
  if (last - first > std::chrono::days{366})
    query.refuse("from", " must be at most 366 days before to.");
  return {day_text(first), day_text(last)};
}

CREDPOOL_INLINE Response show_usage(ApiState& state, ApiCall& call) {
  ApiQuery query{call.request.query};
  const auto span = read_usage_span(query, state.day_of(call.now));
  const auto key = query.text("key");
  const PageRequest asked{query.number("limit", 1'000, 1, 1'000),
                          query.number("offset", 0, 0, UINT32_MAX)};
  if (!query.good()) return api_invalid(query.fault());
  auto days = state.store.usage(call.account.id, key, span.first, span.last);
  if (!days) return api_store_failed(days.error());
  std::sort(days->begin(), days->end(), [](const UsageDay& a, const UsageDay& b) {
    return std::tie(b.day, a.key_hash, a.model) < std::tie(a.day, b.key_hash, b.model);
  });

  UsageDay all;
  for (const auto& day : *days) {
    all.requests += day.requests;
    all.input_tokens += day.input_tokens;
    all.output_tokens += day.output_tokens;
    all.cost += day.cost;
  }
  const auto first = std::min<std::uint64_t>(asked.offset, days->size());
  const auto count = std::min<std::uint64_t>(asked.limit, days->size() - first);
  Page<UsageDay> page{{days->begin() + static_cast<std::ptrdiff_t>(first),
                       days->begin() + static_cast<std::ptrdiff_t>(first + count)},
                      days->size()};
  auto data = api_page(page, asked, true, [](const UsageDay& day) {
    return OrderedJson{{"day", day.day},
                       {"key", day.key_hash},
                       {"model", day.model},
                       {"requests", day.requests},
                       {"input_tokens", day.input_tokens},
                       {"output_tokens", day.output_tokens},
                       {"cost", api_money(day.cost)}};
  });
  data["from"] = span.first;
  data["to"] = span.last;
  data["totals"] = {{"requests", all.requests},
                    {"input_tokens", all.input_tokens},
                    {"output_tokens", all.output_tokens},
                    {"cost", api_money(all.cost)}};
  return api_data(std::move(data));
}

CREDPOOL_INLINE Response list_requests(ApiState& state, ApiCall& call) {
  ApiQuery query{call.request.query};
  const auto key = query.text("key");
  const PageRequest asked{query.number("limit", 20, 1, 1'000),
                          query.number("offset", 0, 0, UINT32_MAX)};
  if (!query.good()) return api_invalid(query.fault());
  const auto page = state.store.usage_rows(call.account.id, key, asked);
  if (!page) return api_store_failed(page.error());
  return api_data(api_page(*page, asked, true, [](const UsageRow& row) {
    return OrderedJson{{"request_id", row.request_id},
                       {"key", row.key_hash},
                       {"model", row.model},
                       {"input_tokens", row.input_tokens},
                       {"cached_input_tokens", row.cached_input_tokens},
                       {"output_tokens", row.output_tokens},
                       {"reasoning_tokens", row.reasoning_tokens},
                       {"estimated", row.estimated},
                       {"cost", api_money(row.cost)},
                       {"status", row.status},
                       {"created_at", api_time(row.at)}};
  }));
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
