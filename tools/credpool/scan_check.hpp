#pragma once
// SPDX-License-Identifier: MIT

#include "cli_pool.hpp"
#include "scan_report.hpp"

namespace credpool_cli {

/// What is to be done about what a look has found: asks the providers and allows it to be lent, as
/// the options say.
///
/// @param discovery of all CLIs, as the pool has it
/// @errors invalid_argument for a CLI that is not known; what the pool's state answers
credpool::Result<ScanReport> check_discovery(const Session& session, CliPool& pool,
                                             const credpool::Settings& settings,
                                             credpool::Discovery discovery,
                                             const ScanOptions& options);

/// Asks the providers about these, applies what they say to them, and tells the pool.
/// @return one verdict for each credential, in their order
credpool::Result<std::vector<credpool::Verdict>> validate_in_pool(
    const Session& session, CliPool& pool, const credpool::Settings& settings,
    std::vector<credpool::Credential>& credentials);

}  // namespace credpool_cli
