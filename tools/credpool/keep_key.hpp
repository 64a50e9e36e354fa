#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

#include <credpool/config/settings.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/validation/verdict.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace credpool_cli {

/// A key or token that a person gave us.
struct KeyToKeep {
  std::string cli;
  std::string provider;
  credpool::Secret secret;
  std::string profile = {};   ///< empty: "manual"
  std::string base_url = {};  ///< empty: the provider's default
  bool no_validate = false;
};

/// The provider whose keys a CLI uses; empty for a CLI we do not know.
std::string key_provider_of_cli(const std::string& cli);

/// What was kept in our own store, and is lent from now on.
struct Kept {
  std::string profile_id;
  std::string id;  ///< the credential's
  std::string token_hash;
  std::optional<credpool::TimePoint> expires_at = {};
  std::filesystem::path file = {};
  std::optional<credpool::Finding> validation = {};  ///< of a key whose provider was asked
  std::string warning = {};                          ///< for a person; empty: none
};

/// Asks the provider about it, seals it in our own store, lends it from now on, and puts it on
/// record.
/// @errors unauthorized when the provider says that it is not good, and nothing was kept; those of
///         the configuration, the store and the pool's state
/// @thread_safety safe
credpool::Result<Kept> keep_key(const Session& session, const KeyToKeep& key);

/// The same for a command: prints what came of it.
/// @return the exit code
int keep_key_and_tell(const Session& session, const KeyToKeep& key);

/// Prints what was kept.
void tell_kept_key(const Session& session, const Kept& kept);

/// Allows that credential to be lent from now on, and puts it on record.
///
/// @param found good, when the provider said so
/// @param warning gets what a person should know although it is kept
credpool::Result<void> lend_from_now_on(const Session& session, const credpool::Settings& settings,
                                        const credpool::Credential& credential, bool found_good,
                                        std::string& warning);

}  // namespace credpool_cli
