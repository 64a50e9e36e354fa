#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Why a credential has the status it has. docs/concepts/credential.md has a row for each.
enum class Reason {
  none,  ///< nothing to say: it can be used
  // Usable, with something to know.
  refreshable,        ///< expired or expiring, and a refresh token is there
  expiry_unknown,     ///< the store does not say when it ends; validate to find out
  check_eligibility,  ///< the product ended for some accounts; validate to find out
  // Not usable as it is.
  not_refreshable,      ///< expired, without a refresh token
  signed_out,           ///< the store is there and holds no login (a tombstone, tokens: null)
  malformed,            ///< the store or the entry does not have the shape its CLI writes
  duplicate_key,        ///< a JSON object in the store names one key twice
  too_large,            ///< the store is larger than any login
  too_deep,             ///< the store is nested deeper than any login
  unsafe_file,          ///< not a regular file, or somebody else's
  unreadable,           ///< the operating system refuses to let us read it
  unsafe_token,         ///< the token has characters that may not stand in a header
  unknown_mode,         ///< the store says it is of a mode that this version does not know
  in_keyring,           ///< kept in the system's keyring, which is not readable here
  encrypted_elsewhere,  ///< encrypted for another host or user, or damaged
  missing_variable,     ///< refers to an environment variable that is nowhere set
  helper_command,       ///< a command would print it; discovery never runs one
  needs_exchange,       ///< holds a refresh token only: a first access token must be fetched
  service_ended,        ///< valid, not eligible: the provider ended the product
  // Found out by asking the provider.
  rejected,            ///< the provider says the token or key is not good
  client_not_allowed,  ///< good, but the provider does not serve this client
  missing_scope,       ///< good, but not for this use
  out_of_quota,        ///< good, but its allowance is used up
  no_subscription,     ///< good, but no seat or membership is paid for
  could_not_tell,      ///< the provider could not be asked, or its answer is inconclusive
};

/// The reason's name as it stands in JSON output ("service_ended"); empty for Reason::none.
std::string_view to_string(Reason reason) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/credential/reason.ipp>
#endif
