#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// xAI's Grok Build: `auth.json` below `$GROK_HOME` or ~/.grok, one login per issuer and client.
///
/// @source third-party tools that read the file
struct Grok {
  static constexpr std::string_view cli = "grok";
  static constexpr std::string_view provider = "xai";
  static constexpr std::array<std::string_view, 1> programs{"grok"};
  static constexpr std::array<std::string_view, 1> variables{"XAI_API_KEY"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<Grok>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/grok.ipp>
#endif
