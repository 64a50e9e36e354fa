// SPDX-License-Identifier: MIT
// status, list and cooldown: what the pool holds and how it stands.

#include "pool_report.hpp"
#include "table.hpp"

#include <algorithm>

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// What a person does next, one paragraph for each login that needs it.
std::string next_steps(const std::vector<Standing>& all, const Session& session) {
  std::string text;
  bool ended = false;
  for (const auto& each : all) {
    const auto& credential = *each.report.credential;
    const auto& login = each.login;
    ended |= login.state == RefreshState::well &&
             credential.status_at(session.now()) == cp::Status::expired;
    if (login.what.empty()) continue;
    const auto who = harmless(credential.profile_id) + " (" + credential.cli + "): ";
    text += wrapped(session.out(),
                    who + with_short_home(harmless(login.what), session.environment()), 2) +
            "\n";
    if (!login.next.empty())
      text += wrapped(session.out(), "  Next: " + harmless(login.next), 8) + "\n";
  }
  if (ended) text += "Next: credpool renew --once (refreshes what has ended)\n";
  return text.empty() ? text : "\n" + text;
}

}  // namespace

int run_status(Session& session, const StatusOptions& options) {
  auto opened = open_pool(session, StateUse::look, TokenUse::show);
  if (!opened) return session.fail(opened.error());
  if (auto known = check_cli_names(opened->discovery, options.clis); !known)
    return session.fail(known.error());
  auto& pool = *opened->pool;
  const auto now = session.now();

  auto all = standings(pool);
  std::erase_if(all, [&](const auto& standing) {
    return !chosen(options.clis, standing.report.credential->cli);
  });
  for (auto& each : all)
    each.login =
        login_standing(*opened->sources, *each.report.credential, session.environment(), now);
  const int code = check_code(all, now);
  if (options.check && !session.options().json) return code;

  if (session.options().json) {
    Json entries = Json::array();
    for (const auto& standing : all)
      entries.push_back(standing_json(standing, opened->settings, now));
    session.print_json(Json{{"strategy", pool.policy()},
                            {"check", code},
                            {"credentials", entries},
                            {"cooldowns", cooldowns_json(pool)}});
    return options.check ? code : entries.empty() ? 1 : 0;
  }

  Table table{{"PROFILE...", "CLI", "STATUS", "EXPIRES", "OWNERSHIP", "IN THE POOL...", "?USES"}};
  for (const auto& standing : all) {
    const auto& credential = *standing.report.credential;
    std::string verdict{cp::to_string(standing.report.verdict)};
    std::replace(verdict.begin(), verdict.end(), '_', ' ');
    if (standing.report.until) verdict += ", " + relative_time(standing.report.until, now);
    table.add(
        {credential.profile_id,
         credential.cli,
         standing.login.state == RefreshState::dead && !credential.usable_at(now)
             ? Table::Cell{"expired, login needed", Style::bad}
             : Table::Cell{status_words(credential, now), status_style(credential, now)},
         credential.expires_at ? relative_time(credential.expires_at, now) : std::string{"-"},
         ownership_words(credential),
         {verdict, standing.report.verdict == cp::Eligibility::eligible ? Style::good : Style::dim},
         std::to_string(standing.state.total_uses)});
  }
  if (table.empty()) {
    session.print("No credential. `credpool scan` says where it looks and what to do.\n");
    return options.check ? code : 1;
  }
  session.print(table.render(session.out()) + next_steps(all, session) +
                "\nStrategy: " + std::string{pool.policy()} + ".\n");
  return options.check ? code : 0;
}

int run_list(Session& session, const StatusOptions& options) {
  auto opened = open_pool(session, StateUse::look, TokenUse::show);
  if (!opened) return session.fail(opened.error());
  if (auto known = check_cli_names(opened->discovery, options.clis); !known)
    return session.fail(known.error());
  const auto now = session.now();
  auto all = standings(*opened->pool);
  std::erase_if(all, [&](const auto& standing) {
    const auto& credential = *standing.report.credential;
    return !chosen(options.clis, credential.cli) || !credential.usable_at(now) ||
           standing.report.verdict == cp::Eligibility::not_imported;
  });
  if (session.options().json) {
    Json entries = Json::array();
    for (const auto& standing : all)
      entries.push_back(standing_json(standing, opened->settings, now));
    session.print_json(Json{{"strategy", opened->pool->policy()}, {"credentials", entries}});
    return all.empty() ? 1 : 0;
  }
  Table table{{"ID", "PROFILE...", "?PROVIDER", "KIND", "CLI"}};
  for (const auto& standing : all) {
    const auto& credential = *standing.report.credential;
    table.add({credential.id.short_hex(), credential.profile_id, credential.provider,
               std::string{cp::to_string(credential.kind)}, credential.cli});
  }
  session.print(table.empty() ? "Nothing may be lent yet. `credpool scan --import` changes that.\n"
                              : table.render(session.out()));
  return all.empty() ? 1 : 0;
}

int run_cooldown(Session& session, const CooldownOptions& options) {
  if (options.clear && options.credential.empty() && !options.all)
    return session.fail(
        {cp::Errc::invalid_argument, "clearing cooldowns", {}, "name a credential, or say --all"});
  auto opened = open_pool(session, options.clear ? StateUse::keep : StateUse::look);
  if (!opened) return session.fail(opened.error());
  auto& pool = *opened->pool;

  if (options.clear) {
    const auto cleared = pool.clear_cooldowns(options.credential, options.model);
    if (!cleared) return session.fail(cleared.error());
    if (session.options().json) {
      session.print_json(Json{{"cleared", *cleared}});
    } else {
      session.print("Ended " + std::to_string(*cleared) +
                    (*cleared == 1 ? " cooldown.\n" : " cooldowns.\n"));
    }
    return 0;
  }

  if (session.options().json) {
    session.print_json(Json{{"cooldowns", cooldowns_json(pool)}});
    return 0;
  }
  Table table{{"PROFILE...", "MODEL...", "REASON", "ENDS", "NEXT TRIAL"}};
  for (const auto& cooldown : pool.cooldowns()) {
    const auto credential = pool.find(cooldown.id.hex());
    std::string reason{cp::to_string(cooldown.reason)};
    std::replace(reason.begin(), reason.end(), '_', ' ');
    table.add({credential ? (*credential)->profile_id : cooldown.id.short_hex(),
               cooldown.model.empty() ? "(whole account)" : cooldown.model, reason,
               relative_time(cooldown.until, session.now()),
               relative_time(cooldown.next_trial, session.now())});
  }
  session.print(table.empty() ? "No credential rests.\n" : table.render(session.out()));
  return 0;
}

}  // namespace credpool_cli
