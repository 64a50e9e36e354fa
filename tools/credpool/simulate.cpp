// SPDX-License-Identifier: MIT
// simulate: the same requests and limits through every policy, side by side.
//
// A trace is NDJSON. One line for each account:
// {"account":"a","requests":100,"windowSeconds":18000,
// "offsetSeconds":0,"atOnce":0,"weight":1,"priority":0,"tellsReset":true}; one for each request, in
// the order of time: {"at":12.5,"model":"m","session":"s","seconds":1.2}.

#include "simulation_report.hpp"
#include "table.hpp"

#include <credpool/core/file.hpp>
#include <credpool/pool/default_pool.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

namespace credpool_cli {

namespace cp = credpool;

namespace {

cp::Duration seconds(double value) {
  return cp::Duration{static_cast<cp::Duration::rep>(std::llround(value * 1000))};
}

/// A member's number within bounds; the fallback when it is missing.
cp::Result<double> number(const Json& line, const char* name, double fallback, double most,
                          const std::string& where) {
  const auto member = line.find(name);
  if (member == line.end()) return fallback;
  if (!member->is_number() || member->get<double>() < 0 || member->get<double>() > most)
    return cp::fail(cp::Errc::malformed, "reading a trace", where + ": " + name,
                    "expected a number from 0 to " + std::to_string(static_cast<long long>(most)));
  return member->get<double>();
}

std::string text(const Json& line, const char* name) {
  const auto member = line.find(name);
  return member != line.end() && member->is_string() ? member->get<std::string>() : std::string{};
}

cp::Result<void> add_line(const Json& line, const std::string& where, cp::Trace& trace) {
  constexpr double year = 366.0 * 24 * 3600;
  if (!text(line, "account").empty()) {
    cp::TraceAccount account;
    account.name = text(line, "account");
    const auto requests = number(line, "requests", 100, 1e9, where);
    const auto window = number(line, "windowSeconds", 18000, year, where);
    const auto offset = number(line, "offsetSeconds", 0, year, where);
    const auto at_once = number(line, "atOnce", 0, 1e6, where);
    const auto weight = number(line, "weight", 1, 1e6, where);
    const auto priority = number(line, "priority", 0, 1e6, where);
    for (const auto* value : {&requests, &window, &offset, &at_once, &weight, &priority})
      if (!*value) return cp::fail(value->error());
    account.requests = static_cast<std::uint32_t>(*requests);
    account.window = seconds(*window);
    account.offset = seconds(*offset);
    account.at_once = static_cast<std::uint32_t>(*at_once);
    account.weight = static_cast<std::uint32_t>(*weight);
    account.priority = static_cast<int>(*priority);
    account.tells_reset = line.value("tellsReset", Json(true)) != Json(false);
    trace.accounts.push_back(std::move(account));
    return {};
  }
  if (!line.contains("at"))
    return cp::fail(cp::Errc::malformed, "reading a trace", where,
                    "a line has either \"account\" or \"at\"");
  const auto at = number(line, "at", 0, year, where);
  const auto takes = number(line, "seconds", 1, 86400, where);
  if (!at) return cp::fail(at.error());
  if (!takes) return cp::fail(takes.error());
  trace.requests.push_back(
      {seconds(*at), text(line, "model"), text(line, "session"), seconds(*takes)});
  return {};
}

cp::Result<cp::Trace> read_trace(const Session& session, const std::string& name) {
  const auto path = session.environment().expand(name);
  const auto file = cp::read_file(path, session.environment(), {64UL * 1024 * 1024, true, false});
  if (!file) return cp::fail(file.error());
  cp::Trace trace;
  std::string_view rest = file->bytes.reveal();
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto where = path.string() + ":" + std::to_string(number);
    const auto document = Json::parse(line, nullptr, false);
    if (!document.is_object())
      return cp::fail(cp::Errc::malformed, "reading a trace", where, "expected a JSON object");
    if (auto added = add_line(document, where, trace); !added) return cp::fail(added.error());
  }
  if (trace.accounts.empty() || trace.requests.empty())
    return cp::fail(cp::Errc::malformed, "reading a trace", path.string(),
                    "it needs at least one account and one request");
  return trace;
}

Json simulation_json(const cp::Simulation& simulation) {
  Json accounts = Json::array();
  for (const auto& account : simulation.accounts)
    accounts.push_back({{"name", harmless(account.name)},
                        {"served", account.served},
                        {"limited", account.limited},
                        {"wasted", account.wasted}});
  return {{"policy", simulation.policy},        {"served", simulation.served},
          {"refused", simulation.refused},      {"limited", simulation.limited},
          {"fairness", simulation.fairness},    {"cacheChances", simulation.cache_chances},
          {"cacheHits", simulation.cache_hits}, {"wastedQuota", simulation.wasted},
          {"allowance", simulation.allowance},  {"perCredential", accounts}};
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  std::array<char, 32> shown{};
  std::snprintf(shown.data(), shown.size(), "%.1f %%",
                100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return shown.data();
}

}  // namespace

cp::Result<cp::Trace> generated_trace(const SimulateOptions& options) {
  if (options.credentials == 0 || options.credentials > 10000 || options.requests == 0 ||
      options.requests > 1'000'000 || options.sessions == 0 || options.sessions > 100'000 ||
      options.limit_per_minute == 0 || options.limit_per_minute > 1'000'000)
    return cp::fail(cp::Errc::invalid_argument, "generating a trace", {},
                    "use 1 to 10000 credentials, 1 to 1000000 requests, 1 to 100000 sessions and a "
                    "limit of 1 to 1000000");
  cp::Trace trace;
  for (std::uint64_t i = 0; i < options.credentials; ++i) {
    cp::TraceAccount account;
    account.name = "account-" + std::to_string(i + 1);
    account.requests = static_cast<std::uint32_t>(options.limit_per_minute);
    account.window = std::chrono::minutes{1};
    account.offset = std::chrono::seconds{60 * i / options.credentials};
    account.priority = static_cast<int>(i);
    trace.accounts.push_back(std::move(account));
  }
  std::mt19937_64 random{options.seed};
  std::vector<cp::Duration::rep> times;
  for (std::uint64_t i = 0; i < options.requests; ++i)
    times.push_back(static_cast<cp::Duration::rep>(random() % 3'600'000));
  std::sort(times.begin(), times.end());
  for (const auto time : times)
    trace.requests.push_back({cp::Duration{time}, "model",
                              "session-" + std::to_string(random() % options.sessions),
                              cp::Duration{static_cast<cp::Duration::rep>(500 + random() % 3000)}});
  trace.affinity = cp::Affinity::soft;
  return trace;
}

cp::Result<std::vector<cp::Simulation>> simulations(const cp::Trace& trace,
                                                    const std::vector<std::string>& policies) {
  std::vector<cp::Simulation> all;
  for (const auto& policy : policies)
    if (auto known = cp::AnyRotation::by_name(policy); !known) return cp::fail(known.error());
  for (const auto policy : cp::AnyRotation::names) {
    // "pinned" needs a pin in every request; alone it would refuse them all.
    const bool wanted = policies.empty()
                            ? policy != "pinned"
                            : std::find(policies.begin(), policies.end(), policy) != policies.end();
    if (!wanted) continue;
    auto simulation = cp::simulate(trace, policy);
    if (!simulation) return cp::fail(simulation.error());
    all.push_back(std::move(*simulation));
  }
  return all;
}

Json simulations_json(const cp::Trace& trace, const std::vector<cp::Simulation>& simulations) {
  Json list = Json::array();
  for (const auto& simulation : simulations) list.push_back(simulation_json(simulation));
  return {
      {"accounts", trace.accounts.size()}, {"requests", trace.requests.size()}, {"policies", list}};
}

int run_simulate(Session& session, const SimulateOptions& options) {
  const auto trace =
      options.trace.empty() ? generated_trace(options) : read_trace(session, options.trace);
  if (!trace) return session.fail(trace.error());
  const auto all = simulations(
      *trace, options.policy.empty() ? std::vector<std::string>{} : std::vector{options.policy});
  if (!all) return session.fail(all.error());

  if (session.options().json) {
    session.print_json(simulations_json(*trace, *all));
    return 0;
  }
  Table table{
      {"POLICY", "SERVED", "REFUSED", "429s MET", "FAIRNESS", "CACHE HITS", "QUOTA WASTED"}};
  for (const auto& simulation : *all) {
    std::array<char, 32> fairness{};
    std::snprintf(fairness.data(), fairness.size(), "%.3f", simulation.fairness);
    table.add({simulation.policy,
               std::to_string(simulation.served),
               {std::to_string(simulation.refused),
                simulation.refused == 0 ? Style::good : Style::warning},
               std::to_string(simulation.limited),
               std::string{fairness.data()},
               percent(simulation.cache_hits, simulation.cache_chances),
               percent(simulation.wasted, simulation.allowance)});
  }
  session.print(std::to_string(trace->requests.size()) + " requests, " +
                std::to_string(trace->accounts.size()) + " accounts\n\n" +
                table.render(session.out()));
  return 0;
}

}  // namespace credpool_cli
