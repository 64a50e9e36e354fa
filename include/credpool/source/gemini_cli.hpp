#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/source/concept.hpp>

#include <array>

namespace credpool::inline CREDPOOL_ABI {

/// Gemini CLI: the OAuth login in `oauth_creds.json`, logins and keys in the encrypted
/// `gemini-credentials.json`, both below `.gemini` in `$GEMINI_CLI_HOME` or the home directory, and
/// the API key of the one .env file that it reads.
///
/// A login is listed with Reason::check_eligibility: Google cut individual accounts off this client
/// on 2026-06-18, organisations go on. Logins are of the provider "google-gemini-cli", keys of
/// "gemini". The refresh token can be used by several processes, so the ownership is co_own.
///
/// @source gemini-cli 0.61.0: oauth2, oauth-credential-storage, fileKeychain, settings
struct GeminiCli {
  static constexpr std::string_view cli = "gemini-cli";
  static constexpr std::string_view provider = "google-gemini-cli";
  static constexpr std::array<std::string_view, 1> programs{"gemini"};
  static constexpr std::array<std::string_view, 3> variables{"GEMINI_API_KEY", "GOOGLE_API_KEY",
                                                             "GOOGLE_CLOUD_ACCESS_TOKEN"};

  std::vector<std::filesystem::path> locations(const Environment& environment) const;
  /// Takes about 50 ms and 16 MiB when the encrypted store is opened: its key is derived with
  /// scrypt.
  /// @param opened what that store held when it was last opened; null: it is opened in any case
  Result<std::vector<Credential>> discover(const Environment& environment,
                                           OpenedStores* opened = nullptr) const;

  /// The login of the plain oauth_creds.json; the encrypted store is only read.
  /// @errors unsupported when it is no such login; those of reading the file
  Result<std::unique_ptr<LoginStore>> login_store(const Credential& credential,
                                                  const Environment& environment) const;
};
static_assert(CredentialSource<GeminiCli>);
static_assert(StoresLogins<GeminiCli>);
static_assert(NamesItsFiles<GeminiCli>);
static_assert(OpensCostlyStores<GeminiCli>);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/source/gemini_cli.ipp>
#endif
