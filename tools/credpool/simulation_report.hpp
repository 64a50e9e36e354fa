#pragma once
// SPDX-License-Identifier: MIT

#include "commands.hpp"

#include <credpool/pool/simulate.hpp>

#include <string>
#include <vector>

namespace credpool_cli {

/// Requests of several sessions at random times over an hour, against accounts with a limit each
/// minute: the same for the same seed.
/// @errors invalid_argument for numbers out of range
credpool::Result<credpool::Trace> generated_trace(const SimulateOptions& options);

/// The trace through each of the policies; none named: all but "pinned".
/// @errors configuration for a policy that there is not
credpool::Result<std::vector<credpool::Simulation>> simulations(
    const credpool::Trace& trace, const std::vector<std::string>& policies);

/// The document of `simulate --json` (docs/cli.md).
Json simulations_json(const credpool::Trace& trace,
                      const std::vector<credpool::Simulation>& simulations);

}  // namespace credpool_cli
