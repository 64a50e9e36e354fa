#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/config/settings.hpp>
#include <credpool/source/concept.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// The keys of the providers that the user added in the configuration (`providers.<name>`).
///
/// A key that cannot be had (the variable is not set, the file not readable) is listed as unusable.
/// A provider that needs none gets the secret "none", so that it is lent and reported like others.
///
/// @effects discover() reads the files that the settings name
struct ConfiguredProviders {
  static constexpr std::string_view cli = "config";
  static constexpr std::string_view provider = "configured";  ///< of a source; each has its own

  Settings::ByName<ProviderSettings> providers = {};

  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<ConfiguredProviders>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/configured_providers.ipp>
#endif
