#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// Sourcegraph's Amp: `secrets.json` below `$XDG_DATA_HOME/amp`, one key per server address.
///
/// @source Amp's shipped program
struct Amp {
  static constexpr std::string_view cli = "amp";
  static constexpr std::string_view provider = "amp";
  static constexpr std::array<std::string_view, 1> programs{"amp"};
  static constexpr std::array<std::string_view, 1> variables{"AMP_API_KEY"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<Amp>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/amp.ipp>
#endif
