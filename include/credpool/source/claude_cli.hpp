#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// Claude Code: the login in `.credentials.json` (below `$CLAUDE_SECURESTORAGE_CONFIG_DIR`,
/// `$CLAUDE_CONFIG_DIR` or ~/.claude), and in the settings files of the configuration directory and
/// of the project: the keys of their `env` and the `apiKeyHelper`, which is listed and never run.
///
/// @source claude-code 2.1.329, shipped program
struct ClaudeCli {
  static constexpr std::string_view cli = "claude-cli";
  static constexpr std::string_view provider = "anthropic";
  static constexpr std::array<std::string_view, 1> programs{"claude"};
  static constexpr std::array<std::string_view, 3> variables{
      "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;

  /// The login of .credentials.json, written under the three directory locks of Claude Code;
  /// everything else in that file stays.
  /// @errors unsupported when it is no such login; those of reading the file
  Result<std::unique_ptr<LoginStore>> login_store(const Credential& credential,
                                                  const Environment& environment) const;
};
static_assert(CredentialSource<ClaudeCli>);
static_assert(StoresLogins<ClaudeCli>);
static_assert(NamesItsFiles<ClaudeCli>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/claude_cli.ipp>
#endif
