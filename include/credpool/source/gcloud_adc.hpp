#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// Google Cloud's Application Default Credentials: the file that `$GOOGLE_APPLICATION_CREDENTIALS`
/// names, and `application_default_credentials.json` below `$CLOUDSDK_CONFIG` or ~/.config/gcloud.
/// Google's libraries use the first one only; both are listed.
///
/// A user's file holds a refresh token only (and the client to spend it with), a service account's
/// a private key: neither can be lent before an access token was fetched.
///
/// @source google-auth-library as shipped with gemini-cli 0.61.0
struct GcloudAdc {
  static constexpr std::string_view cli = "gcloud-adc";
  static constexpr std::string_view provider = "google-vertex";
  static constexpr std::array<std::string_view, 1> programs{"gcloud"};
  static constexpr std::array<std::string_view, 1> variables{"GOOGLE_APPLICATION_CREDENTIALS"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  Result<std::vector<Credential>> discover(const Environment& environment) const;
};
static_assert(CredentialSource<GcloudAdc>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/gcloud_adc.ipp>
#endif
