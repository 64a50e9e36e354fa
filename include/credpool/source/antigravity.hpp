#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// Google's Antigravity CLI: `antigravity-oauth-token` below ~/.gemini/antigravity-cli.
///
/// @source third-party tools that read the file
struct Antigravity {
  static constexpr std::string_view cli = "antigravity";
  static constexpr std::string_view provider = "google-antigravity";
  static constexpr std::array<std::string_view, 1> programs{"agy"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<Antigravity>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/antigravity.ipp>
#endif
