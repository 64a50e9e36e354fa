// SPDX-License-Identifier: MIT
#include "scan_check.hpp"

#include "history_notes.hpp"
#include "validator.hpp"

namespace credpool_cli {

namespace cp = credpool;

namespace {

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

cp::Result<std::vector<cp::Verdict>> validate_in_pool(const Session& session, CliPool& pool,
                                                      const cp::Settings& settings,
                                                      std::vector<cp::Credential>& credentials) {
  auto verdicts = validate_all(session, settings, credentials);
  for (std::size_t i = 0; i < credentials.size(); ++i) {
    if (!verdicts[i].probed) continue;
    const auto now = session.now();
    if (auto noted = pool.note_validation(
            credentials[i].id, credentials[i].status_at(now), credentials[i].reason_at(now),
            verdicts[i].quotas, {.kind = verdicts[i].outcome, .until = verdicts[i].retry_at});
        !noted)
      return cp::fail(noted.error());
  }
  return verdicts;
}

cp::Result<ScanReport> check_discovery(const Session& session, CliPool& pool,
                                       const cp::Settings& settings, cp::Discovery discovery,
                                       const ScanOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  ScanReport report;
  report.scanned_at = session.now();
  report.discovery = std::move(discovery);
  if (auto known = check_cli_names(report.discovery, options.clis); !known)
    return cp::fail(known.error());
  auto& credentials = report.discovery.credentials;
  std::erase_if(credentials,
                [&](const auto& credential) { return !chosen(options.clis, credential.cli); });
  std::erase_if(report.discovery.clis,
                [&](const auto& cli) { return !chosen(options.clis, cli.cli); });

  // What is imported is validated first, unless the configuration says otherwise.
  if (options.validate || (options.import && settings.validate_tokens)) {
    const auto verdicts = validate_in_pool(session, pool, settings, credentials);
    if (!verdicts) return cp::fail(verdicts.error());
    for (std::size_t i = 0; i < credentials.size(); ++i) {
      const auto& verdict = (*verdicts)[i];
      report.verdicts.emplace(credentials[i].id, verdict);
      if (verdict.outcome == cp::OutcomeKind::quota_exhausted ||
          verdict.outcome == cp::OutcomeKind::billing)
        report.used_up.insert(credentials[i].id);
    }
  }
  if (options.import) {
    for (const auto& credential : credentials) {
      if (credential.secret.empty() || refused(report, credential.id)) continue;
      if (auto imported = pool.set_imported(credential.id.hex(), true); !imported)
        return cp::fail(imported.error());
      report.imported.push_back(credential.id);
    }
  }
  for (const auto& candidate : pool.explain({}).candidates) {
    const auto& id = candidate.credential->id;
    if (candidate.verdict != cp::Eligibility::not_imported) report.lendable.insert(id);
    if (candidate.verdict == cp::Eligibility::quota_exhausted) report.used_up.insert(id);
  }
  report.elapsed =
      std::chrono::duration_cast<cp::Duration>(std::chrono::steady_clock::now() - started);
  return report;
}

}  // namespace credpool_cli
