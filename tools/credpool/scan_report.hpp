#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

#include <credpool/config/settings.hpp>
#include <credpool/source/sources.hpp>
#include <credpool/validation/verdict.hpp>

#include <map>
#include <set>

namespace credpool_cli {

/// Everything that one scan found out.
struct ScanReport {
  credpool::Discovery discovery;
  std::map<credpool::CredentialId, credpool::Verdict> verdicts;  ///< empty without --validate
  std::set<credpool::CredentialId> lendable;  ///< may be lent: imported, or found with autoImport
  std::set<credpool::CredentialId> used_up;   ///< rest until their quota is back or paid for
  std::vector<credpool::CredentialId> imported;  ///< by this very scan
  credpool::TimePoint scanned_at{};
  credpool::Duration elapsed{};
};

/// The document of `scan --json` (docs/cli.md).
Json scan_json(const ScanReport& report, const credpool::Settings& settings);

/// Parts of it: where each CLI was looked for, and what is left of an account's allowances.
Json clis_json(const std::vector<credpool::CliFacts>& facts);
Json quotas_json(const std::vector<credpool::QuotaWindow>& quotas);

/// The table, the notes on what cannot be used, and what to do next.
std::string scan_text(const ScanReport& report, const Session& session);

}  // namespace credpool_cli
