#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// Factory's Droid: `auth.v2.file` below ~/.factory, encrypted with the key in `auth.v2.key`.
///
/// Its refresh token works once and is Droid's to spend. When the key is in the system's keyring,
/// and for the older forms `auth.encrypted` and `auth.json`, the store is named and not read.
///
/// @source third-party tools that read the files
struct Droid {
  static constexpr std::string_view cli = "droid";
  static constexpr std::string_view provider = "factory";
  static constexpr std::array<std::string_view, 1> programs{"droid"};
  static constexpr std::array<std::string_view, 1> variables{"FACTORY_API_KEY"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<Droid>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/droid.ipp>
#endif
