#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// GitHub's Copilot CLI: `config.json` below `$COPILOT_HOME` or ~/.copilot. It keeps tokens in the
/// system's keyring where there is one, and in the file otherwise.
///
/// @source Copilot CLI 1.0.102
struct CopilotCli {
  static constexpr std::string_view cli = "copilot-cli";
  static constexpr std::string_view provider = "github-copilot";
  static constexpr std::array<std::string_view, 1> programs{"copilot"};
  static constexpr std::array<std::string_view, 3> variables{"COPILOT_GITHUB_TOKEN", "GH_TOKEN",
                                                             "GITHUB_TOKEN"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<CopilotCli>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/copilot_cli.ipp>
#endif
