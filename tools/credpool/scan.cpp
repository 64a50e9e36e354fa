// SPDX-License-Identifier: MIT
// scan: look, check, remember, and (when asked or configured) allow to be lent.

#include "cli_pool.hpp"
#include "history_notes.hpp"
#include "network_part.hpp"
#include "scan_report.hpp"
#include "validator.hpp"

namespace credpool_cli {

namespace cp = credpool;

namespace {

/// Applies what the providers said to the report's credentials and to the pool.
cp::Result<void> validate(const Session& session, OpenPool& opened, ScanReport& report) {
  auto& credentials = report.discovery.credentials;
  const auto verdicts = validate_all(session, opened.settings, credentials);
  for (std::size_t i = 0; i < credentials.size(); ++i)
    report.verdicts.emplace(credentials[i].id, verdicts[i]);
  for (const auto& [id, verdict] : report.verdicts)
    if (verdict.outcome == cp::OutcomeKind::quota_exhausted ||
        verdict.outcome == cp::OutcomeKind::billing)
      report.used_up.insert(id);
  if (auto replaced = opened.pool->replace_credentials(credentials); !replaced) return replaced;
  for (std::size_t i = 0; i < credentials.size(); ++i) {
    if (!verdicts[i].probed) continue;
    const auto now = session.now();
    if (auto noted = opened.pool->note_validation(
            credentials[i].id, credentials[i].status_at(now), credentials[i].reason_at(now),
            verdicts[i].quotas, {.kind = verdicts[i].outcome, .until = verdicts[i].retry_at});
        !noted)
      return noted;
  }
  return {};
}

/// Whether the provider has just said that it will not serve this one: not to be lent then.
bool refused(const ScanReport& report, const cp::CredentialId& id) {
  const auto verdict = report.verdicts.find(id);
  if (verdict == report.verdicts.end()) return false;
  switch (verdict->second.finding) {
    case cp::Finding::rejected:
    case cp::Finding::client_not_allowed:
    case cp::Finding::not_eligible:
    case cp::Finding::no_subscription:
      return true;
    default:
      return false;
  }
}

}  // namespace

int run_scan(Session& session, const ScanOptions& options) {
  if (options.validate || options.import) need_network(session);
  const auto started = std::chrono::steady_clock::now();
  auto opened = open_pool(session, options.import     ? StateUse::keep
                                   : options.validate ? StateUse::keep_if_possible
                                                      : StateUse::look);
  if (!opened) return session.fail(opened.error());
  auto& pool = *opened->pool;

  ScanReport report;
  report.scanned_at = session.now();
  report.discovery = opened->discovery;
  if (auto known = check_cli_names(report.discovery, options.clis); !known)
    return session.fail(known.error());
  std::erase_if(report.discovery.credentials,
                [&](const auto& credential) { return !chosen(options.clis, credential.cli); });
  std::erase_if(report.discovery.clis,
                [&](const auto& cli) { return !chosen(options.clis, cli.cli); });

  // What is imported is validated first, unless the configuration says otherwise.
  if (options.validate || (options.import && opened->settings.validate_tokens)) {
    if (auto validated = validate(session, *opened, report); !validated)
      return session.fail(validated.error());
  }
  if (options.import) {
    for (const auto& credential : report.discovery.credentials) {
      if (credential.secret.empty() || refused(report, credential.id)) continue;
      if (auto imported = pool.set_imported(credential.id.hex(), true); !imported)
        return session.fail(imported.error());
      report.imported.push_back(credential.id);
    }
  }
  for (const auto& candidate : pool.explain({}).candidates) {
    const auto& id = candidate.credential->id;
    if (candidate.verdict != cp::Eligibility::not_imported) report.lendable.insert(id);
    if (candidate.verdict == cp::Eligibility::quota_exhausted) report.used_up.insert(id);
  }
  const auto noted = note_discovered(session, opened->settings, report.discovery.credentials);
  if (!noted && opened->directory)  // else it was said already that nothing is remembered
    session.warn(harmless(noted.error().message()));
  report.elapsed =
      std::chrono::duration_cast<cp::Duration>(std::chrono::steady_clock::now() - started);

  if (session.options().json)
    session.print_json(scan_json(report, opened->settings));
  else
    session.print(scan_text(report, session));
  return report.discovery.credentials.empty() ? 1 : 0;
}

}  // namespace credpool_cli
