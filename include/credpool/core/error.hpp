#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/time.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace credpool::inline CREDPOOL_ABI {

/// What went wrong, for programs. docs/errors.md has one row for each.
enum class Errc {
  not_found = 1,      ///< no such file, credential, profile or setting
  permission_denied,  ///< the operating system refused
  unsafe_file,        ///< not a regular file, a foreign owner, or a link where none is allowed
  too_large,          ///< over the size cap of its kind
  too_deep,           ///< nested beyond the depth cap
  malformed,          ///< does not have the shape its format demands
  duplicate_key,      ///< an object names the same key twice
  unsupported,        ///< well-formed, but of a kind or version that is not handled
  invalid_argument,   ///< the caller's argument or setting is wrong
  io,                 ///< reading or writing failed
  timeout,            ///< no answer within the time allowed
  network,            ///< name look-up, connection or transfer failed
  tls,                ///< certificate or handshake failed
  http_status,        ///< the server answered with an unexpected status
  unauthorized,       ///< the provider does not accept the credential
  forbidden,          ///< accepted, but not allowed for this client, scope or plan
  rate_limited,       ///< too many requests; see Error::retry_at
  quota_exhausted,    ///< the account's allowance is used up; see Error::retry_at
  overloaded,         ///< the provider cannot serve right now
  login_needed,       ///< only a person can fix it, by logging in again
  outcome_unknown,    ///< a single-use token may or may not have been spent
  busy,               ///< somebody else holds the lock
  account_changed,    ///< the store now holds another account's login
  store_unwritable,   ///< nothing was spent, because the result could not have been kept
  no_credential,      ///< no credential can serve the request now
  conflict,           ///< the thing exists already, or changed under our hands
  cancelled,          ///< stopped on request
  configuration,      ///< the configuration is wrong
};

/// Questions a caller asks about an error, answered with `error.code == Condition::...`.
enum class Condition {
  try_next_credential = 1,  ///< another credential may serve the same request
  retry_later,              ///< the same call may work later, see Error::retry_at
  login_needed,             ///< a person must log in again
  caller_mistake,           ///< the request itself, an argument or a setting is wrong
};

const std::error_category& error_category() noexcept;
const std::error_category& condition_category() noexcept;

inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}
inline std::error_condition make_error_condition(Condition condition) noexcept {
  return {static_cast<int>(condition), condition_category()};
}

/// The code's name as it stands in JSON output and documentation, such as "too_large".
std::string_view to_string(Errc code) noexcept;

/// An error that a person can act on: what failed, where, and what to do next.
///
/// No field ever holds a secret: parsers must not quote the text they failed on.
struct Error {
  std::error_code code;
  std::string doing;                       ///< what was being done: "reading the login of kimi-cli"
  std::string place;                       ///< path, host, setting or line:column; may be empty
  std::string hint;                        ///< what to do next; may be empty
  std::optional<int> http_status = {};     ///< when a server answered
  std::optional<TimePoint> retry_at = {};  ///< earliest time at which trying again makes sense

  Errc errc() const noexcept { return static_cast<Errc>(code.value()); }

  /// One line: "doing: place: meaning of the code (hint)".
  std::string message() const;
};

/// The process exit code that front ends use for an error.
///
/// @return 1 missing or expired or any other failure, 3 usage, 4 login needed, 5 outcome unknown.
///         (0 ok and 2 expiring soon never come from an error.)
int exit_code(const Error& error) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

template <> struct std::is_error_code_enum<credpool::Errc> : std::true_type {};
template <> struct std::is_error_condition_enum<credpool::Condition> : std::true_type {};

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/error.ipp>
#endif
