#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// The GitHub Copilot plug-ins of editors: `apps.json` and the older `hosts.json` below
/// `$XDG_CONFIG_HOME/github-copilot`.
///
/// The stored GitHub token has no end; Copilot's API takes a short-lived token that is exchanged
/// for it. A token of another host than github.com carries that host's base URL.
///
/// @source the files of copilot.vim and the JetBrains plug-in, as third-party tools describe them
struct CopilotEditors {
  static constexpr std::string_view cli = "copilot-editors";
  static constexpr std::string_view provider = "github-copilot";

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<CopilotEditors>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/copilot_editors.ipp>
#endif
