// SPDX-License-Identifier: MIT
#include "pool_report.hpp"

#include <algorithm>

namespace credpool_cli {

namespace cp = credpool;

int check_code(const std::vector<Standing>& all, cp::TimePoint now) {
  bool any = false;
  bool expiring = false;
  bool login = false;
  for (const auto& each : all) {
    const auto& credential = *each.report.credential;
    const auto refresh = each.login.state;
    if (refresh == RefreshState::outcome_unknown) return 5;
    const bool dead = refresh == RefreshState::dead;
    if (refresh == RefreshState::signed_out || dead) login = true;
    if (!credential.usable_at(now) &&
        (dead || credential.reason_at(now) != cp::Reason::refreshable))
      continue;
    any = true;
    // A day before its end there is still time for a person to log in again.
    if ((!credential.has_refresh_token() || dead) && credential.expires_at &&
        *credential.expires_at - now < std::chrono::hours{24})
      expiring = true;
  }
  if (any) return expiring ? 2 : 0;
  return login ? 4 : 1;
}

std::vector<Standing> standings(CliPool& pool) {
  const auto explanation = pool.explain({});
  const auto states = pool.states();
  std::vector<Standing> all;
  for (const auto& candidate : explanation.candidates) {
    Standing standing{candidate, {}, {}};
    const auto state = std::find_if(states.begin(), states.end(), [&](const auto& known) {
      return known.id == candidate.credential->id;
    });
    if (state != states.end()) standing.state = *state;
    all.push_back(std::move(standing));
  }
  return all;
}

Json standing_json(const Standing& standing, const cp::Settings& settings, cp::TimePoint now) {
  auto entry = credential_json(*standing.report.credential, now);
  entry["policy"] = policy_json(*standing.report.credential, settings);
  entry["pool"] = {{"eligible", standing.report.verdict == cp::Eligibility::eligible},
                   {"reason", cp::to_string(standing.report.verdict)},
                   {"until", time_json(standing.report.until)},
                   {"uses", standing.state.total_uses},
                   {"lastUsed", standing.state.last_used == cp::TimePoint{}
                                    ? Json(nullptr)
                                    : time_json(standing.state.last_used)},
                   {"imported", standing.state.imported},
                   {"disabled", standing.state.disabled}};
  if (standing.login.state != RefreshState::none) entry["refresh"] = standing_json(standing.login);
  return entry;
}

Json cooldowns_json(const CliPool& pool) {
  Json list = Json::array();
  for (const auto& cooldown : pool.cooldowns()) {
    const auto credential = pool.find(cooldown.id.hex());
    list.push_back(
        {{"credential", cooldown.id.hex()},
         {"profileId", credential ? Json(harmless((*credential)->profile_id)) : Json(nullptr)},
         {"model", cooldown.model},
         {"reason", cp::to_string(cooldown.reason)},
         {"since", time_json(cooldown.since)},
         {"until", time_json(cooldown.until)},
         {"nextTrial", time_json(cooldown.next_trial)}});
  }
  return list;
}

Json explanation_json(const RequestOptions& options, const cp::Explanation& explanation) {
  Json candidates = Json::array();
  for (const auto& candidate : explanation.candidates)
    candidates.push_back({{"id", candidate.credential->id.hex()},
                          {"profileId", harmless(candidate.credential->profile_id)},
                          {"cli", candidate.credential->cli},
                          {"provider", candidate.credential->provider},
                          {"reason", cp::to_string(candidate.verdict)},
                          {"until", time_json(candidate.until)},
                          {"model", candidate.model},
                          {"trial", candidate.on_trial},
                          {"score", candidate.rank.value},
                          {"tier", candidate.rank.tier},
                          {"uses", candidate.use},
                          {"inFlight", candidate.in_flight},
                          {"chosen", candidate.chosen}});
  return {{"request",
           {{"provider", options.provider},
            {"model", options.model},
            {"session", options.session},
            {"pin", options.pin}}},
          {"policy", explanation.policy},
          {"candidates", candidates},
          {"chosen", explanation.chosen ? Json(explanation.chosen->hex()) : Json(nullptr)},
          {"retryAt", time_json(explanation.retry_at)}};
}

}  // namespace credpool_cli
