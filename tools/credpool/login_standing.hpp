#pragma once
// SPDX-License-Identifier: MIT

#include "cli_pool.hpp"

#include <credpool/refresh/exchange.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool_cli {

/// How the refresh of a login stands.
enum class RefreshState {
  none,             ///< nothing to refresh: a key, or a token without a refresh token
  well,             ///< nothing is known against it
  waiting,          ///< it failed; no request goes out before a time
  cut_off,          ///< an exchange was cut off; the next one finishes it
  outcome_unknown,  ///< the refresh token may have been spent, and the answer is lost
  dead,             ///< the server refused the refresh token that is stored
  signed_out,       ///< its CLI has signed out
};

std::string_view to_string(RefreshState state) noexcept;

/// A login, how its refresh stands, and what a person does next.
struct LoginStanding {
  RefreshState state = RefreshState::none;
  credpool::ExchangeTrace trace = {};
  std::string what;  ///< for a person; empty when there is nothing to say
  std::string next;  ///< a command; empty when there is nothing to do
};

/// What the traces beside the login's file tell; takes no lock and changes nothing.
LoginStanding login_standing(const CliSources& sources, const credpool::Credential& credential,
                             const credpool::Environment& environment, credpool::TimePoint now);

/// The JSON of it, as `status` prints it.
Json standing_json(const LoginStanding& standing);

/// The commands that make a login for that CLI, for the line "Next: ...".
std::string next_login(const std::string& cli);
/// The same as the end of a sentence.
std::string how_to_log_in(const std::string& cli);

}  // namespace credpool_cli
