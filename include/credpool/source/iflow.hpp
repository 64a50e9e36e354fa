#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// iFlow: `oauth_creds.json`, `iflow_accounts.json` and `settings.json` below ~/.iflow. Its API
/// takes the key that stands in each of them; the OAuth login fetches that key.
///
/// @source third-party tools that read the files
struct Iflow {
  static constexpr std::string_view cli = "iflow";
  static constexpr std::string_view provider = "iflow";
  static constexpr std::array<std::string_view, 1> programs{"iflow"};
  static constexpr std::array<std::string_view, 1> variables{"IFLOW_API_KEY"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<Iflow>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/iflow.ipp>
#endif
