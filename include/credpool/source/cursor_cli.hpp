#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// Cursor's command line agent: `auth.json` below `$XDG_CONFIG_HOME/cursor`, or below ~/.cursor on
/// macOS. The access token is a JWT and tells when it ends.
///
/// @source Cursor's documentation and third-party tools
struct CursorCli {
  static constexpr std::string_view cli = "cursor-cli";
  static constexpr std::string_view provider = "cursor";
  static constexpr std::array<std::string_view, 2> programs{"cursor-agent", "agent"};
  static constexpr std::array<std::string_view, 2> variables{"CURSOR_API_KEY", "CURSOR_AUTH_TOKEN"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<CursorCli>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/cursor_cli.ipp>
#endif
