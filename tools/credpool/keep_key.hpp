#pragma once
// SPDX-License-Identifier: MIT

#include "session.hpp"

#include <credpool/core/secret.hpp>

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

/// Asks the provider about it, seals it in our own store and lends it from now on; prints what came
/// of it.
/// @return the exit code
int keep_key(Session& session, const KeyToKeep& key);

}  // namespace credpool_cli
