#pragma once
// SPDX-License-Identifier: MIT

// What an authorization server sends back through the browser. Internal.

#include <credpool/core/secret.hpp>
#include <credpool/impl/core/form.hpp>
#include <credpool/impl/refresh/login_answer.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// The answer to a login: a code, or the reason why there is none.
struct AuthorizationAnswer {
  std::string code;
  std::string error;  ///< the server's error code
};

/// Reads the query of a redirect.
/// @return none when it is not the answer to the login with that state
inline std::optional<AuthorizationAnswer> authorization_answer(std::string_view query,
                                                               std::string_view expected_state) {
  const auto state = query_parameter(query, "state");
  if (!state || !equal_in_constant_time(*state, expected_state)) return std::nullopt;
  const auto code = query_parameter(query, "code");
  const auto error = query_parameter(query, "error");
  if (code && !error && is_safe_token(*code)) return AuthorizationAnswer{*code, {}};
  if (error && !code) return AuthorizationAnswer{{}, *error};
  return std::nullopt;
}

/// Reads what a person pasted: the address that the browser was sent to, "code#state" as some pages
/// show it, or nothing but the code.
/// @return none when it is not the answer to the login with that state and address
inline std::optional<AuthorizationAnswer> pasted_answer(std::string_view text,
                                                        std::string_view redirect_uri,
                                                        std::string_view expected_state) {
  while (!text.empty() && text.front() <= ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() <= ' ') text.remove_suffix(1);
  if (text.find("://") != std::string_view::npos) {
    if (!text.starts_with(redirect_uri)) return std::nullopt;
    auto query = text.substr(redirect_uri.size());
    if (!query.starts_with('?')) return std::nullopt;
    return authorization_answer(query.substr(1, query.find('#') - 1), expected_state);
  }
  const auto mark = text.find('#');
  const auto code = text.substr(0, mark);
  if (mark != std::string_view::npos &&
      !equal_in_constant_time(text.substr(mark + 1), expected_state))
    return std::nullopt;
  if (!is_safe_token(code)) return std::nullopt;
  return AuthorizationAnswer{std::string{code}, {}};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
