#pragma once
// SPDX-License-Identifier: MIT

#include "login_standing.hpp"

#include <vector>

namespace credpool_cli {

/// A credential, how it stands in the pool, and how its refresh stands.
struct Standing {
  credpool::CandidateReport report;
  credpool::CredentialState state;
  LoginStanding login = {};  ///< of an OAuth login: how its refresh stands
};

/// Every credential of the pool, without `login`.
std::vector<Standing> standings(CliPool& pool);

/// The exit code for scripts: what a person would have to do about the worst credential in use.
///
/// A short-lived token that can be refreshed is well: it neither expires nor is about to.
int check_code(const std::vector<Standing>& all, credpool::TimePoint now);

/// The documents of `status --json`, `cooldown list --json` and `explain --json` (docs/cli.md).
Json standing_json(const Standing& standing, const credpool::Settings& settings,
                   credpool::TimePoint now);
Json cooldowns_json(const CliPool& pool);
Json explanation_json(const RequestOptions& options, const credpool::Explanation& explanation);

}  // namespace credpool_cli
