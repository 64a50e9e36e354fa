// SPDX-License-Identifier: MIT
// tokenDiscovery.*: what there is, how it stands, and lending it. (Settings and history have files
// of their own.)
#include "rpc_methods.hpp"

#include "activity.hpp"
#include "gateway.hpp"
#include "history_notes.hpp"
#include "keep_key.hpp"
#include "lease_book.hpp"
#include "pool_report.hpp"
#include "scan_check.hpp"
#include "serving_pool.hpp"

#include <credpool/core/encoding.hpp>
#include <credpool/core/iso8601.hpp>

#include <array>

namespace credpool_cli {

namespace cp = credpool;

namespace {

constexpr auto request_properties =
    R"("provider":{"type":"string","maxLength":128,"description":"Only this provider's credentials."},
       "model":{"type":"string","maxLength":256,"description":"As the provider spells it."},
       "session":{"type":"string","maxLength":256,"description":"One conversation: it stays with its credential."},
       "pin":{"type":"string","maxLength":256,"description":"A profile id or id: this credential or an error."})";

constexpr auto clis_schema =
    R"({"type":["string","array"],"items":{"type":"string","maxLength":64},"maxLength":64,"maxItems":64,
        "description":"Only this CLI, or these."})";

std::vector<std::string> cli_parameter(const Json& params) {
  const auto found = params.find("cli");
  if (found == params.end()) return {};
  if (found->is_string()) return {found->get<std::string>()};
  return found->get<std::vector<std::string>>();
}

RequestOptions request_parameters(const Json& params) {
  return {text_parameter(params, "provider"), text_parameter(params, "model"),
          text_parameter(params, "session"), text_parameter(params, "pin")};
}

Json verdict_json(const std::optional<NotedVerdict>& noted) {
  if (!noted) return nullptr;
  return {{"status", cp::to_string(noted->verdict.finding)},
          {"reason", harmless(noted->verdict.detail)},
          {"at", time_json(noted->at)}};
}

/// A sentence for each strategy, for those who choose one.
Json strategies_json() {
  constexpr std::array<std::array<std::string_view, 2>, 10> sentences{
      {{"round-robin", "Each in turn."},
       {"least-used", "The one that was used least of late."},
       {"priority", "The first in your order that can serve; the next one while it cannot."},
       {"health-based", "The least used of those that have not failed of late."},
       {"weighted", "In turn, each as often as its weight says."},
       {"fill-first", "Stays with one until its limit is reached: prompt caches stay warm."},
       {"p2c", "Of two at random the one with fewer requests under way."},
       {"latency", "The one that answers soonest."},
       {"quota-aware", "Spends first what would expire unused first."},
       {"pinned", "Only the one that a request names."}}};
  Json list = Json::array();
  for (const auto name : cp::rotation_strategy_names())
    for (const auto& row : sentences)
      if (row[0] == name) list.push_back({{"name", name}, {"sentence", row[1]}});
  return list;
}

cp::Result<Json> scan(GatewayContext& context, const Json& params) {
  ScanOptions options;
  options.clis = cli_parameter(params);
  options.import = flag_parameter(params, "import");
  options.validate = flag_parameter(params, "validate");
  const auto session = context.session.quiet();
  const auto started = std::chrono::steady_clock::now();
  context.pool.look(true);
  const auto settings = context.pool.settings();
  auto report =
      check_discovery(session, context.pool.pool(), *settings, *context.pool.discovery(), options);
  if (!report) return cp::fail(report.error());
  std::vector<cp::Verdict> verdicts;
  std::vector<cp::Credential> asked;
  for (const auto& credential : report->discovery.credentials)
    if (const auto verdict = report->verdicts.find(credential.id);
        verdict != report->verdicts.end()) {
      asked.push_back(credential);
      verdicts.push_back(verdict->second);
    }
  if (!asked.empty()) context.pool.note_verdicts(asked, verdicts);
  if (auto noted = note_discovered(session, *settings, report->discovery.credentials); !noted)
    session.warn(harmless(noted.error().message()));
  report->elapsed =
      std::chrono::duration_cast<cp::Duration>(std::chrono::steady_clock::now() - started);
  context.catalog_changed();
  context.events.publish("scan.finished", Json{{"found", report->discovery.credentials.size()},
                                               {"imported", report->imported.size()},
                                               {"failed", report->discovery.failures.size()},
                                               {"elapsedMs", report->elapsed.count()}}
                                              .dump());
  return scan_json(*report, *settings);
}

cp::Result<Json> status(GatewayContext& context, const Json& params) {
  const auto clis = cli_parameter(params);
  const auto settings = context.pool.settings();
  const auto discovery = context.pool.discovery();
  const auto sources = context.pool.sources();
  if (auto known = check_cli_names(*discovery, clis); !known) return cp::fail(known.error());
  auto& pool = context.pool.pool();
  const auto now = context.pool.now();
  auto all = standings(pool);
  std::erase_if(
      all, [&](const auto& standing) { return !chosen(clis, standing.report.credential->cli); });
  Json credentials = Json::array();
  for (auto& each : all) {
    const auto& credential = *each.report.credential;
    each.login = login_standing(*sources, credential, context.session.environment(), now);
    auto entry = standing_json(each, *settings, now);
    entry["nextRefresh"] = time_json(context.pool.next_refresh(credential.id));
    entry["quota"] = quotas_json(credential.quotas);
    entry["inFlight"] = each.report.in_flight;
    entry["limit"] = each.report.limit;
    entry["recent"] = context.activity.recent(credential.id.short_hex());
    entry["verdict"] = verdict_json(context.pool.verdict(credential));
    credentials.push_back(std::move(entry));
  }
  return Json{{"at", time_json(now)},
              {"strategy", pool.policy()},
              {"strategies", strategies_json()},
              {"check", check_code(all, now)},
              {"credentials", std::move(credentials)},
              {"cooldowns", cooldowns_json(pool)},
              {"clis", clis_json(discovery->clis)}};
}

cp::Result<Json> validate(GatewayContext& context, const Json& params) {
  auto& pool = context.pool.pool();
  std::vector<cp::Credential> credentials;
  if (const auto name = text_parameter(params, "credential"); !name.empty()) {
    const auto found = pool.find(name);
    if (!found) return cp::fail(found.error());
    credentials.push_back(**found);
  } else {
    for (const auto& credential : pool.credentials()) credentials.push_back(*credential);
  }
  const auto verdicts =
      validate_in_pool(context.session.quiet(), pool, *context.pool.settings(), credentials);
  if (!verdicts) return cp::fail(verdicts.error());
  context.pool.note_verdicts(credentials, *verdicts);
  const auto now = context.pool.now();
  Json list = Json::array();
  for (std::size_t i = 0; i < credentials.size(); ++i) {
    const auto& credential = credentials[i];
    list.push_back({{"id", credential.id.hex()},
                    {"profileId", harmless(credential.profile_id)},
                    {"status", cp::to_string(credential.status_at(now))},
                    {"reason", cp::to_string(credential.reason_at(now))},
                    {"verdict", cp::to_string((*verdicts)[i].finding)},
                    {"probed", (*verdicts)[i].probed},
                    {"detail", harmless((*verdicts)[i].detail)},
                    {"retryAt", time_json((*verdicts)[i].retry_at)},
                    {"quota", quotas_json((*verdicts)[i].quotas)}});
  }
  return Json{{"validated", std::move(list)}};
}

cp::Result<Json> import_manual(GatewayContext& context, const Json& params) {
  KeyToKeep key;
  key.cli = text_parameter(params, "cli");
  key.provider = text_parameter(params, "provider");
  if (key.provider.empty()) key.provider = key_provider_of_cli(key.cli);
  if (key.provider.empty())
    return cp::fail(cp::Errc::invalid_argument, "importing a token", key.cli,
                    "this CLI is not known; name the provider as well");
  key.secret = cp::Secret{params.at("token").get_ref<const std::string&>()};
  if (!cp::is_safe_token(key.secret.reveal()))
    return cp::fail(cp::Errc::malformed, "importing a token", key.cli,
                    "it has blanks, line breaks or characters that no token has: paste it again");
  key.profile = text_parameter(params, "profile");
  key.base_url = text_parameter(params, "baseUrl");
  if (!key.base_url.empty() && !cp::is_safe_base_url(key.base_url))
    return cp::fail(cp::Errc::invalid_argument, "importing a token", "baseUrl",
                    "it is an https URL without user name, query or fragment");
  key.no_validate = !flag_parameter(params, "validate", true);
  const auto kept = keep_key(context.session.quiet(), key);
  if (!kept) return cp::fail(kept.error());
  // It was allowed to be lent by another connection to the state.
  if (auto learnt = context.pool.pool().sync(); !learnt) return cp::fail(learnt.error());
  context.pool.look(true);
  context.catalog_changed();
  return Json{
      {"profileId", harmless(kept->profile_id)},
      {"id", kept->id},
      {"tokenHash", kept->token_hash},
      {"validation", kept->validation ? Json(cp::to_string(*kept->validation)) : Json(nullptr)},
      {"warning", kept->warning.empty() ? Json(nullptr) : Json(harmless(kept->warning))}};
}

/// Switches something of one credential.
cp::Result<Json> set_flag(GatewayContext& context, const Json& params,
                          cp::Result<void> (CliPool::*set)(std::string_view, bool)) {
  const auto name = text_parameter(params, "credential");
  const bool value = flag_parameter(params, "value");
  auto& pool = context.pool.pool();
  const auto credential = pool.find(name);
  if (!credential) return cp::fail(credential.error());
  if (auto done = (pool.*set)((*credential)->id.hex(), value); !done) return cp::fail(done.error());
  return Json{{"credential", (*credential)->id.hex()},
              {"profileId", harmless((*credential)->profile_id)},
              {"value", value}};
}

/// Lends; where nothing can serve but logins whose tokens have ended, those are refreshed first.
cp::Result<cp::Lease> lend(ServingPool& serving, const cp::LeaseRequest& request) {
  auto& pool = serving.pool();
  auto lease = pool.acquire(request);
  if (lease || !cp::nobody_can_serve(lease.error())) return lease;
  for (const auto& candidate : pool.explain(request).candidates) {
    if (candidate.verdict != cp::Eligibility::expired) continue;
    if (!pool.refresh(candidate.credential->id.hex())) continue;  // the lease's own error says why
    lease = pool.acquire(request);
    if (lease) break;
  }
  return lease;
}

cp::Result<Json> rotation_token(GatewayContext& context, LeaseBook& book, const Json& params,
                                const cp::RpcCaller& caller) {
  const auto settings = context.pool.settings();
  auto lease = lend(context.pool, lease_request(request_parameters(params), *settings));
  if (!lease) return cp::fail(lease.error());
  const auto credential = lease->credential();
  const std::chrono::seconds time{params.value("ttlSeconds", 300)};
  const bool trial = lease->on_trial();
  const auto name = book.keep(std::move(*lease), time);
  if (!name) return cp::fail(name.error());
  note_lent(context.session, *settings, credential);
  Json answer{{"lease", *name},
              {"provider", credential.provider},
              {"profileId", harmless(credential.profile_id)},
              {"id", credential.id.hex()},
              {"cli", credential.cli},
              {"kind", cp::to_string(credential.kind)},
              {"baseUrl", harmless(credential.base_url)},
              {"trial", trial},
              {"expiresAt", time_json(context.pool.now() + time)},
              {"tokenExpiresAt", time_json(credential.expires_at)}};
  if (caller.scopes.has(cp::Scope::secrets))
    answer["secret"] = std::string{credential.secret.reveal()};
  return answer;
}

cp::Result<Json> end_lease(LeaseBook& book, const Json& params) {
  cp::Outcome outcome;
  const auto word = text_parameter(params, "outcome");
  for (int i = 0; i <= static_cast<int>(cp::OutcomeKind::unknown); ++i)
    if (cp::to_string(static_cast<cp::OutcomeKind>(i)) == word)
      outcome.kind = static_cast<cp::OutcomeKind>(i);
  if (const auto until = text_parameter(params, "retryAt"); !until.empty()) {
    outcome.until = cp::parse_iso8601(until);
    if (!outcome.until)
      return cp::fail(cp::Errc::invalid_argument, "ending a lease", "retryAt",
                      "it is a time as 2026-01-31T22:56:40Z");
  }
  const auto used = book.end(text_parameter(params, "lease"), outcome);
  if (!used) return cp::fail(used.error());
  return Json{{"profileId", harmless(used->profile_id)},
              {"id", used->id.hex()},
              {"outcome", cp::to_string(outcome.kind)}};
}

}  // namespace

void add_discovery_methods(cp::RpcDispatcher& dispatcher, GatewayContext& context) {
  using cp::Scope;
  const auto object = [](const std::string& properties, const std::string& required = {}) {
    return R"({"type":"object","properties":{)" + properties + "}" +
           (required.empty() ? "" : R"(,"required":[)" + required + "]") +
           R"(,"additionalProperties":false})";
  };
  const auto results = [](const std::string& properties) {
    return R"({"type":"object","properties":{)" + properties + "}}";
  };
  const std::string cli = std::string{R"("cli":)"} + clis_schema;
  const std::string one =
      R"("credential":{"type":"string","maxLength":256,"description":"Its profile id or id."})";
  const std::string list = R"({"type":"array","items":{"type":"object"}})";

  add_method(
      dispatcher,
      {"tokenDiscovery.scan", Scope::operate,
       "Looks for logins again and, if asked, checks them with their providers and lets them be "
       "lent.",
       object(
           cli +
           R"(,"import":{"type":"boolean","description":"Let what was found be lent; it is validated first, unless validateTokens is false."},
                              "validate":{"type":"boolean","description":"Ask the providers."})"),
       results(
           R"("version":{"type":"integer"},"scannedAt":{"type":"string"},"elapsedMs":{"type":"integer"},
                         "credentials":)" +
           list + R"(,"clis":)" + list +
           R"(,"imported":{"type":"array","items":{"type":"string"}},"errors":)" + list)},
      [&context](const Json& params, const cp::RpcCaller&) { return scan(context, params); });
  add_method(
      dispatcher,
      {"tokenDiscovery.status", Scope::read,
       "Every credential, how it stands in the pool, and when it is refreshed next.", object(cli),
       results(R"("at":{"type":"string"},"strategy":{"type":"string"},"strategies":)" + list +
               R"(,"check":{"type":"integer"},"credentials":)" + list + R"(,"cooldowns":)" + list +
               R"(,"clis":)" + list)},
      [&context](const Json& params, const cp::RpcCaller&) { return status(context, params); });
  add_method(
      dispatcher,
      {"tokenDiscovery.validate", Scope::operate,
       "Asks the providers about one credential, or all.", object(one),
       results(R"("validated":)" + list)},
      [&context](const Json& params, const cp::RpcCaller&) { return validate(context, params); });
  add_method(
      dispatcher,
      {"tokenDiscovery.importManual", Scope::admin,
       "Keeps a key or token in our own sealed store and lends it; the token is never echoed.",
       object(
           R"("cli":{"type":"string","minLength":1,"maxLength":64,"description":"Whose key it is."},
                 "token":{"type":"string","minLength":1,"maxLength":16384,"description":"The key or token."},
                 "profile":{"type":"string","maxLength":64,"description":"A name for it (default: manual)."},
                 "provider":{"type":"string","maxLength":64,"description":"Its provider, where the CLI has several."},
                 "baseUrl":{"type":"string","maxLength":2048,"description":"Where it is used, if not the default."},
                 "validate":{"type":"boolean","description":"Ask the provider first (default: true)."})",
           R"("cli","token")"),
       results(
           R"("profileId":{"type":"string"},"id":{"type":"string"},"tokenHash":{"type":"string"},
                  "validation":{"type":["string","null"]},"warning":{"type":["string","null"]})")},
      [&context](const Json& params, const cp::RpcCaller&) {
        return import_manual(context, params);
      });
  const auto flag = [&](const char* name, const char* summary,
                        cp::Result<void> (CliPool::*set)(std::string_view, bool)) {
    add_method(
        dispatcher,
        {name, Scope::operate, summary,
         object(one + R"(,"value":{"type":"boolean"})", R"("credential","value")"),
         results(
             R"("credential":{"type":"string"},"profileId":{"type":"string"},"value":{"type":"boolean"})")},
        [&context, set](const Json& params, const cp::RpcCaller&) {
          return set_flag(context, params, set);
        });
  };
  flag("tokenDiscovery.setDisabled", "Switches a credential off or on.", &CliPool::set_disabled);
  flag("tokenDiscovery.setImported", "Lets a credential be lent, or no longer.",
       &CliPool::set_imported);

  const auto book = std::make_shared<LeaseBook>();
  add_method(
      dispatcher,
      {"tokenDiscovery.getRotationToken", Scope::operate,
       "Lends a credential; its secret is in the answer for callers with the scope secrets.",
       object(std::string{request_properties} +
              R"(,"ttlSeconds":{"type":"integer","minimum":1,"maximum":3600,
              "description":"The lease ends by itself after so long (default: 300)."})"),
       results(
           R"("lease":{"type":"string"},"provider":{"type":"string"},"profileId":{"type":"string"},"id":{"type":"string"},
                  "cli":{"type":"string"},"kind":{"type":"string"},"baseUrl":{"type":"string"},"trial":{"type":"boolean"},
                  "expiresAt":{"type":"string"},"tokenExpiresAt":{"type":["string","null"]},"secret":{"type":"string"})")},
      [&context, book](const Json& params, const cp::RpcCaller& caller) {
        return rotation_token(context, *book, params, caller);
      });
  add_method(
      dispatcher,
      {"tokenDiscovery.endLease", Scope::operate, "Gives a lease back and tells how it went.",
       object(R"("lease":{"type":"string","maxLength":64},
                 "outcome":{"enum":["ok","rate_limited","quota_exhausted","auth_failed","billing","overloaded","transport","request_fault","unknown"],
                   "description":"What the provider answered (default: unknown)."},
                 "retryAt":{"type":"string","maxLength":40,"description":"When the limit ends, by the provider's word."})",
              R"("lease")"),
       results(
           R"("profileId":{"type":"string"},"id":{"type":"string"},"outcome":{"type":"string"})")},
      [book](const Json& params, const cp::RpcCaller&) { return end_lease(*book, params); });
  add_method(
      dispatcher,
      {"tokenDiscovery.explain", Scope::read,
       "How every credential stands towards a request; lends nothing.", object(request_properties),
       results(R"("request":{"type":"object"},"policy":{"type":"string"},"candidates":)" + list +
               R"(,"chosen":{"type":["string","null"]},"retryAt":{"type":["string","null"]})")},
      [&context](const Json& params, const cp::RpcCaller&) -> cp::Result<Json> {
        const auto options = request_parameters(params);
        return explanation_json(
            options, context.pool.pool().explain(lease_request(options, *context.pool.settings())));
      });
}

}  // namespace credpool_cli
