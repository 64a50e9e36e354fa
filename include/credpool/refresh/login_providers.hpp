#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <span>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// A way to get a login or a key. Its name stands in commands, settings and output.
enum class LoginMethod {
  oauth_refresh,  ///< spends the stored refresh token; needs no person
  oauth_device,   ///< a code that is confirmed on any device (RFC 8628)
  oauth_browser,  ///< a browser on this machine, or the address pasted from another one
  cli_command,    ///< the CLI's own login, run by the person
  api_key_web,    ///< a key made on the provider's page
  manual,         ///< a token that the person has already
};

/// "oauth-device" and so on.
std::string_view to_string(LoginMethod method) noexcept;

/// How a person logs in to what one CLI uses.
struct LoginProvider {
  std::string_view cli;
  std::string_view provider;
  std::string_view name;          ///< for a person
  std::string_view methods;       ///< in order of preference, with blanks between them
  std::string_view command;       ///< what the person would run instead; may be empty
  std::string_view key_page;      ///< where an API key is made; may be empty
  std::string_view key_provider;  ///< provider id of that key
  std::string_view key_prefixes;  ///< with blanks between them; empty: any
  std::string_view note;          ///< what the person should know before; may be empty

  /// Whether that method exists for this provider.
  bool offers(LoginMethod method) const noexcept;
  /// The methods in order of preference: the first is offered first.
  std::vector<LoginMethod> offered() const;
};

/// Every CLI whose login we know, one row each.
/// @source docs/providers.md
std::span<const LoginProvider> login_providers() noexcept;

/// The row of that CLI, or else the first one of that provider; null when there is none.
const LoginProvider* find_login_provider(std::string_view cli_or_provider) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/login_providers.ipp>
#endif
