// SPDX-License-Identifier: MIT
// scan: look, check, remember, and (when asked or configured) allow to be lent.

#include "history_notes.hpp"
#include "network_part.hpp"
#include "scan_check.hpp"

namespace credpool_cli {

namespace cp = credpool;

int run_scan(Session& session, const ScanOptions& options) {
  if (options.validate || options.import) need_network(session);
  const auto started = std::chrono::steady_clock::now();
  auto opened = open_pool(session,
                          options.import     ? StateUse::keep
                          : options.validate ? StateUse::keep_if_possible
                                             : StateUse::look,
                          options.import || options.validate ? TokenUse::lend : TokenUse::show);
  if (!opened) return session.fail(opened.error());
  auto report = check_discovery(session, *opened->pool, opened->settings,
                                std::move(opened->discovery), options);
  if (!report) return session.fail(report.error());
  const auto noted = note_discovered(session, opened->settings, report->discovery.credentials);
  if (!noted && opened->directory)  // else it was said already that nothing is remembered
    session.warn(harmless(noted.error().message()));
  if (opened->opened_stores)
    // Where it cannot be kept the next scan opens the stores again; but who has put a link there?
    if (const auto kept = opened->opened_stores->keep();
        !kept && kept.error().errc() == cp::Errc::unsafe_file)
      session.warn(harmless(kept.error().message()));
  report->elapsed =
      std::chrono::duration_cast<cp::Duration>(std::chrono::steady_clock::now() - started);

  if (session.options().json)
    session.print_json(scan_json(*report, opened->settings));
  else
    session.print(scan_text(*report, session));
  return report->discovery.credentials.empty() ? 1 : 0;
}

}  // namespace credpool_cli
