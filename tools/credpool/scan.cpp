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
                          options.import || options.validate ? TokenUse::lend : TokenUse::show,
                          std::make_shared<cp::ReadTrace>(session.now()));
  if (!opened) return session.fail(opened.error());
  auto report = check_discovery(session, *opened->pool, opened->settings,
                                std::move(opened->discovery), options);
  if (!report) return session.fail(report.error());
  const auto& credentials = report->discovery.credentials;
  const auto noted = opened->memo && options.clis.empty()
                         ? note_scan(session, opened->settings, credentials, *opened->memo)
                         : note_discovered(session, opened->settings, credentials);
  if (!noted && opened->directory)  // else it was said already that nothing is remembered
    session.warn(harmless(noted.error().message()));
  // Where they cannot be kept the next scan reads all again; but who has put a link there?
  const auto keep = [&session](auto& notes) {
    if (!notes) return;
    if (const auto kept = notes->keep(); !kept && kept.error().errc() == cp::Errc::unsafe_file)
      session.warn(harmless(kept.error().message()));
  };
  keep(opened->opened_stores);
  keep(opened->memo);
  report->elapsed =
      std::chrono::duration_cast<cp::Duration>(std::chrono::steady_clock::now() - started);

  if (session.options().json)
    session.print_json(scan_json(*report, opened->settings));
  else
    session.print(scan_text(*report, session));
  return report->discovery.credentials.empty() ? 1 : 0;
}

}  // namespace credpool_cli
