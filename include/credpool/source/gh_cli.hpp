#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// GitHub's gh: the tokens of each host and user in `hosts.yml`, below `$GH_CONFIG_DIR` or
/// `$XDG_CONFIG_HOME/gh`. The active user's token stands there twice and is one credential.
///
/// A token that gh keeps in the system's keyring is listed with the name of the keyring's entry.
/// A token of another host than github.com carries that host's base URL, so that it goes nowhere
/// else.
///
/// @source cli/cli: internal/config/config.go
struct GhCli {
  static constexpr std::string_view cli = "gh";
  static constexpr std::string_view provider = "github";
  static constexpr std::array<std::string_view, 1> programs{"gh"};
  static constexpr std::array<std::string_view, 2> variables{"GH_TOKEN", "GITHUB_TOKEN"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<GhCli>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/gh_cli.ipp>
#endif
