#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

#include <credpool/config/settings.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/validation/verdict.hpp>

#include <vector>

namespace credpool_cli {

/// Asks the providers about all of them, several at a time, shows the progress on a terminal, and
/// applies what they say to the credentials.
/// @return one verdict for each credential, in their order
std::vector<credpool::Verdict> validate_all(const Session& session,
                                            const credpool::Settings& settings,
                                            std::vector<credpool::Credential>& credentials);

/// Asks the provider about one.
credpool::Verdict validate_one(const Session& session, const credpool::Settings& settings,
                               const credpool::Credential& credential);

}  // namespace credpool_cli
