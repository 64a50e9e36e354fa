#pragma once
// SPDX-License-Identifier: MIT

#include "arguments.hpp"
#include "session.hpp"

#include <string>

namespace openclaw_token {

/// Asks before something that cannot be undone; --yes answers it.
///
/// @return false when the person said no, which is then printed ("Cancelled.")
/// @errors a mistake when there is no terminal to ask on and no --yes
credpool::Result<bool> confirmed(const Session& session, const Arguments& arguments,
                                 const std::string& question,
                                 const std::string& when_not = "Cancelled.");

}  // namespace openclaw_token
