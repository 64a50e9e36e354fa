#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

#include <credpool/config/settings.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/history/document.hpp>
#include <credpool/source/discovery_memo.hpp>

#include <vector>

namespace credpool_cli {

/// The history in the place that the configuration or the seed's rule names.
credpool::Result<credpool::HistoryDocument> open_history(const Session& session,
                                                         const credpool::Settings& settings);

/// Records a look at these credentials.
credpool::Result<void> note_discovered(const Session& session, const credpool::Settings& settings,
                                       const std::vector<credpool::Credential>& credentials);

/// Records a look at all that there is. Nothing is read or written while what the memo holds of the
/// discovery stands, the history is as it was, and none of the credentials stands differently.
credpool::Result<void> note_scan(const Session& session, const credpool::Settings& settings,
                                 const std::vector<credpool::Credential>& credentials,
                                 credpool::DiscoveryMemo& memo);

/// Records that a credential was lent. A history that cannot be written is a warning, no failure.
void note_lent(const Session& session, const credpool::Settings& settings,
               const credpool::Credential& credential);

/// An entry as `history --json` prints it (docs/cli.md).
Json history_entry_json(const credpool::HistoryEntry& entry);

}  // namespace credpool_cli
